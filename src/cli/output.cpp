#include "cli/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "model/utf8.hpp"

namespace tally::cli {

namespace bj = boost::json;

namespace {

void indent(std::string& to, int depth) {
    to.append(size_t(depth) * 2, ' ');
}

/// Whether a terminal takes the character that begins here for a command: those below the space,
/// DEL, and U+0080 to U+009F, which have two bytes.
bool is_control(std::string_view text, size_t at) {
    const auto byte = [&](size_t i) { return i < text.size() ? uint8_t(text[i]) : uint8_t{0}; };
    return byte(at) < ' ' || byte(at) == 0x7f ||
           (byte(at) == 0xc2 && byte(at + 1) >= 0x80 && byte(at + 1) < 0xa0);
}

/// Requires valid UTF-8. `stay`: control characters that are left as they are. `prefix` and two
/// digits for each other one.
std::string with_escapes(std::string_view text, std::string_view stay, std::string_view prefix) {
    std::string escaped;
    for (size_t at = 0; at < text.size(); ++at) {
        if (!is_control(text, at) || stay.find(text[at]) != stay.npos) {
            escaped += text[at];
            continue;
        }
        // Of two bytes the second is the character's number.
        if (uint8_t(text[at]) == 0xc2) ++at;
        constexpr std::string_view digits = "0123456789abcdef";
        escaped += prefix;
        escaped += digits[uint8_t(text[at]) >> 4];
        escaped += digits[uint8_t(text[at]) & 15];
    }
    return escaped;
}

/// The library escapes in strings what JSON forbids; DEL and U+0080 to U+009F it leaves, as it does
/// bytes that are no UTF-8. They are in strings only, as line ends are only between values.
std::string safe_json(std::string_view text) {
    return with_escapes(model::valid_utf8(text), "\n", "\\u00");
}

/// Fractions to three places, for they are measurements: not in the form 1.5E0.
void append_scalar(std::string& to, const bj::value& value) {
    if (!value.is_double()) {
        to += bj::serialize(value);
        return;
    }
    char text[64];
    const double number = value.get_double();
    const bool is_tiny = number != 0 && std::abs(number) < 0.001;
    std::snprintf(text, sizeof text, is_tiny ? "%.3g" : "%.3f", number);
    to += text;
}

void append_pretty(std::string& to, const bj::value& value, int depth) {
    if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
        to += "{\n";
        bool first = true;
        for (const auto& [key, member] : *object) {
            if (!first) to += ",\n";
            first = false;
            indent(to, depth + 1);
            to += bj::serialize(bj::value(key)) + ": ";
            append_pretty(to, member, depth + 1);
        }
        to += "\n";
        indent(to, depth);
        to += "}";
    } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
        to += "[\n";
        bool first = true;
        for (const auto& element : *array) {
            if (!first) to += ",\n";
            first = false;
            indent(to, depth + 1);
            append_pretty(to, element, depth + 1);
        }
        to += "\n";
        indent(to, depth);
        to += "]";
    } else {
        append_scalar(to, value);
    }
}

/// Without white space.
void append_compact(std::string& to, const bj::value& value) {
    if (const auto* object = value.if_object()) {
        char mark = '{';
        for (const auto& [key, member] : *object) {
            to += mark + bj::serialize(bj::value(key)) + ":";
            append_compact(to, member);
            mark = ',';
        }
        to += mark == '{' ? "{}" : "}";
    } else if (const auto* array = value.if_array()) {
        char mark = '[';
        for (const auto& element : *array) {
            to += mark;
            append_compact(to, element);
            mark = ',';
        }
        to += mark == '[' ? "[]" : "]";
    } else {
        append_scalar(to, value);
    }
}

}  // namespace

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string compact(const bj::value& value) {
    std::string text;
    append_compact(text, value);
    return safe_json(text);
}

std::string pretty(const bj::value& value) {
    std::string text;
    append_pretty(text, value, 0);
    return safe_json(text);
}

std::string visible(std::string_view text) {
    return with_escapes(model::valid_utf8(text), "\n\t", "\\x");
}

std::string visible_in_line(std::string_view text) {
    return with_escapes(model::valid_utf8(text), "", "\\x");
}

bool output_is_gone() {
    pollfd standard_output{STDOUT_FILENO, 0, 0};
    return ::poll(&standard_output, 1, 0) == 1 && (standard_output.revents & POLLERR) != 0;
}

void Output::line(const std::string& text) const {
    if (json_) return;
    std::fputs((visible(text) + "\n").c_str(), stdout);
    std::fflush(stdout);
}

void Output::note(const std::string& text) const {
    if (!json_) std::fputs((visible(text) + "\n").c_str(), stderr);
}

void Output::value(const bj::value& value) const {
    std::fputs(((json_ ? compact(value) : pretty(value)) + "\n").c_str(), stdout);
    std::fflush(stdout);
}

void Output::json_only(const bj::value& value) const {
    if (json_) this->value(value);
}

Exit Output::error(const Error& error) const {
    if (json_) {
        const std::string message =
            std::string(error.cause) + (error.detail.empty() ? "" : ": ") + error.detail;
        const bj::object json{
            {"error", {{"code", error.code}, {"message", message}, {"next", error.next}}}};
        std::fputs((compact(json) + "\n").c_str(), stderr);
    } else {
        const std::string text = "tally: " + error.message() + " [" + std::string(error.code) + "]";
        std::fputs((visible(text) + "\n").c_str(), stderr);
    }
    for (const std::string_view code : {"http_unreachable",
                                        "http_timed_out",
                                        "http_broken",
                                        "busy",
                                        "too_many_waiting",
                                        "too_many_reads",
                                        "too_fast",
                                        "participant_stopped",
                                        "no_answer",
                                        "too_many_connections",
                                        "database_io",
                                        "database_damaged",
                                        "journal_lost",
                                        "epoch_over",
                                        "state_altered",
                                        "control_busy",
                                        "descriptors_too_few",
                                        "descriptors_exhausted",
                                        "out_of_memory",
                                        "unexpected"}) {
        if (error.code == code) return Exit::unreachable;
    }
    return Exit::usage;
}

std::string lasting(double seconds) {
    const auto whole = uint64_t(seconds);
    if (seconds < 10) {
        char text[32];
        std::snprintf(text, sizeof text, "%.1f s", seconds);
        return text;
    }
    if (whole < 100) return std::to_string(whole) + " s";
    if (whole < 6'000)
        return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
    return std::to_string(whole / 3'600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

Progress::Progress(std::string what, uint64_t total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      quiet_(quiet),
      terminal_(::isatty(2) == 1),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
    finish();
}

void Progress::set(uint64_t done) {
    if (quiet_ || finished_ || total_ == 0) return;
    const auto now = std::chrono::steady_clock::now();
    const auto pause = std::chrono::milliseconds(terminal_ ? 200 : 10'000);
    const bool whole = done == total_;
    if (drawn_ && (done == last_done_ || (now - last_ < pause && !whole))) return;
    if (!terminal_ && !drawn_ && !whole && now - start_ < pause) return;
    drawn_ = true;
    last_ = now;
    last_done_ = done;
    draw(done);
}

void Progress::finish() {
    if (quiet_ || finished_) return;
    finished_ = true;
    if (terminal_ && drawn_) std::fputs("\n", stderr);
}

void Progress::draw(uint64_t done) {
    constexpr uint64_t width = 30;
    const uint64_t filled = std::min(done, total_) * width / total_;
    std::string bar = what_ + " [" + std::string(filled, '#') + std::string(width - filled, '.') +
                      "] " + std::to_string(done) + "/" + std::to_string(total_);
    const double seconds = std::chrono::duration<double>(last_ - start_).count();
    if (done > 0 && seconds > 0.5) {
        const double rate = double(done) / seconds;
        bar += "  " + std::to_string(uint64_t(rate)) + "/s";
        bar += done < total_ ? ", " + lasting(double(total_ - done) / rate) + " left"
                             : ", " + lasting(seconds);
    }
    const size_t shown = bar.size();
    // On a terminal, what is left of a longer line is drawn over.
    if (terminal_ && shown < width_) bar.append(width_ - shown, ' ');
    width_ = shown;
    std::fputs(terminal_ ? ("\r" + bar).c_str() : (bar + "\n").c_str(), stderr);
    std::fflush(stderr);
}

ErrorText describe(FileError error) {
    switch (error) {
    case FileError::unreadable:
        return {"file_unreadable", "the file cannot be read",
                "Check its name, and that you may read it"};
    case FileError::unwritable:
        return {"file_unwritable", "the file cannot be written",
                "Check that its folder exists, has space, and that you may write there"};
    case FileError::exists:
        return {"file_exists", "the file is there already",
                "Choose another name, or remove it first"};
    case FileError::bad_content:
        return {"file_bad_content", "the file is not what it should be", "Give another file"};
    }
    std::abort();
}

Result<std::string> read_file(const std::string& path, size_t bytes_max) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    if (failed) return fail(FileError::unreadable, path + ": " + failed.message());
    if (size > bytes_max)
        return fail(FileError::unreadable,
                    path + " has more than " + std::to_string(bytes_max) + " bytes");
    std::ifstream file(path, std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(file)), {});
    if (!file.good() && !file.eof()) return fail(FileError::unreadable, path);
    return content;
}

Result<void> write_file(const std::string& path, std::string_view content, bool secret,
                        bool replace) {
    std::error_code unknown;
    if (!replace && std::filesystem::exists(path, unknown)) return fail(FileError::exists, path);
    if (unknown) return fail(FileError::unwritable, path + ": " + unknown.message());
    const std::string aside = path + ".new";
    const int file =
        ::open(aside.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, secret ? 0600 : 0644);
    const auto unwritable = [&] {
        return fail(FileError::unwritable, path + ": " + std::generic_category().message(errno));
    };
    if (file < 0) return unwritable();
    size_t written = 0;
    while (written < content.size()) {
        const ssize_t count = ::write(file, content.data() + written, content.size() - written);
        if (count <= 0) break;
        written += size_t(count);
    }
    const bool whole = written == content.size() && ::fsync(file) == 0;
    const int why_not = errno;
    ::close(file);
    if (!whole) errno = why_not;
    if (!whole || std::rename(aside.c_str(), path.c_str()) != 0) {
        const Error failed = unwritable();
        std::remove(aside.c_str());
        return failed;
    }
    // The name is as durable as the content.
    const std::string folder = std::filesystem::absolute(path).parent_path().string();
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool is_synced = directory >= 0 && ::fsync(directory) == 0;
    const int why = errno;
    if (directory >= 0) ::close(directory);
    errno = why;
    return is_synced ? Result<void>(success()) : unwritable();
}

}  // namespace tally::cli
