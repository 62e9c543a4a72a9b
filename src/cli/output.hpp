// How commands speak: to people by default, as JSON for scripts with --json; and the exit codes.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace tally::cli {

/// docs/protocol.md, section 9.
enum class Exit : int {
    applied = 0,  ///< or simply: done
    rejected = 1,
    usage = 2,
    unknown = 3,  ///< ask by id
    unreachable = 4,
};

/// What a command says. What others wrote is in it: to people it is shown as visible() text, and
/// JSON is valid UTF-8, whatever was read.
class Output {
public:
    explicit Output(bool json) : json_(json) {}
    [[nodiscard]] bool json() const { return json_; }
    /// For people only.
    void line(const std::string& text) const;
    /// Progress and remarks, to standard error; for people only.
    void note(const std::string& text) const;
    /// The answer: for scripts as it is, for people indented.
    void value(const boost::json::value& value) const;
    /// For scripts only.
    void json_only(const boost::json::value& value) const;
    /// Says what, why and what next on standard error; the exit code that the error deserves.
    [[nodiscard]] Exit error(const Error& error) const;

private:
    bool json_;
};

/// Whether nobody reads standard output any more: the pipe behind it is closed.
[[nodiscard]] bool output_is_gone();

/// With commas between them.
[[nodiscard]] std::string joined(const std::vector<std::string>& names);
/// For a terminal, which is to obey nothing that a stranger wrote: control characters as \x1b, but
/// for line ends and tabs; what is not UTF-8 as U+FFFD.
[[nodiscard]] std::string visible(std::string_view text);
/// The same, and line ends and tabs too: for what must not leave its line.
[[nodiscard]] std::string visible_in_line(std::string_view text);
/// In one line, keys in their order; valid UTF-8 without control characters, whatever is in it.
[[nodiscard]] std::string compact(const boost::json::value& value);
/// The same, indented by two.
[[nodiscard]] std::string pretty(const boost::json::value& value);

/// A line that is drawn over itself while long work goes on, with its rate and how long the rest
/// will take; plain lines, now and then, where nobody watches.
class Progress {
public:
    Progress(std::string what, uint64_t total, bool quiet);
    ~Progress();
    void set(uint64_t done);
    void finish();

private:
    void draw(uint64_t done);
    std::string what_;
    uint64_t total_;
    bool quiet_;
    bool terminal_;
    bool finished_ = false;
    bool drawn_ = false;
    size_t width_ = 0;  ///< of the line on the terminal
    std::chrono::steady_clock::time_point start_, last_;
    uint64_t last_done_ = 0;
};

/// "1.5 s", "75 s", "3 min 20 s", "2 h 5 min".
[[nodiscard]] std::string lasting(double seconds);

enum class FileError { unreadable, unwritable, exists, bad_content };
ErrorText describe(FileError error);
[[nodiscard]] Result<std::string> read_file(const std::string& path, size_t bytes_max);
/// Written aside and renamed, so that it is there whole or not at all. `secret`: for its owner
/// only.
[[nodiscard]] Result<void> write_file(const std::string& path, std::string_view content,
                                      bool secret = false, bool replace = true);

}  // namespace tally::cli
