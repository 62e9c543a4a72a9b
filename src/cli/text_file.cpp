#include "cli/text_file.hpp"

#include <fcntl.h>
#include <lz4frame.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

constexpr size_t read_bytes = 64 * 1024;
constexpr size_t out_bytes_max = 1024 * 1024;
constexpr uint64_t xz_memory_bytes_max = uint64_t{256} << 20;

/// Gives a file's content piece by piece.
class Decompressor {
public:
    virtual ~Decompressor() = default;
    /// Takes from `in` and appends what it holds to `out`: at most out_bytes_max, and then perhaps
    /// more for another call, with or without new input.
    [[nodiscard]] virtual Result<void> take(std::string_view& in, std::string& out) = 0;
    /// The file has ended: is that where its content ends? Every format says so itself.
    [[nodiscard]] virtual bool may_end() = 0;
};

class Gzip final : public Decompressor {
public:
    Gzip() { inflateInit2(&stream_, 16 + MAX_WBITS); }
    ~Gzip() override { inflateEnd(&stream_); }
    Result<void> take(std::string_view& in, std::string& out) override {
        const size_t before = out.size();
        out.resize(before + out_bytes_max);
        // What follows a whole member is another one: files that were put together hold several.
        if (complete_ && !in.empty() && inflateReset(&stream_) != Z_OK)
            return TextFileError::damaged;
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        stream_.avail_in = uInt(in.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream_.avail_out = uInt(out_bytes_max);
        const int done = inflate(&stream_, Z_NO_FLUSH);
        in.remove_prefix(in.size() - stream_.avail_in);
        out.resize(before + out_bytes_max - stream_.avail_out);
        if (done != Z_BUF_ERROR) complete_ = done == Z_STREAM_END;
        if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR)
            return fail(TextFileError::damaged, "gzip");
        return success();
    }
    bool may_end() override { return complete_; }

private:
    z_stream stream_{};
    bool complete_ = false;
};

class Xz final : public Decompressor {
public:
    Xz() {
        ready_ = lzma_stream_decoder(&stream_, xz_memory_bytes_max, LZMA_CONCATENATED) == LZMA_OK;
    }
    ~Xz() override { lzma_end(&stream_); }
    Result<void> take(std::string_view& in, std::string& out) override {
        if (!ready_) return fail(TextFileError::damaged, "xz");
        const size_t before = out.size();
        out.resize(before + out_bytes_max);
        stream_.next_in = reinterpret_cast<const uint8_t*>(in.data());
        stream_.avail_in = in.size();
        stream_.next_out = reinterpret_cast<uint8_t*>(out.data() + before);
        stream_.avail_out = out_bytes_max;
        const lzma_ret done = lzma_code(&stream_, LZMA_RUN);
        in.remove_prefix(in.size() - stream_.avail_in);
        out.resize(before + out_bytes_max - stream_.avail_out);
        if (done != LZMA_OK && done != LZMA_BUF_ERROR) return fail(TextFileError::damaged, "xz");
        return success();
    }
    /// Between two streams, or behind the last, the decoder has nothing more to wait for.
    bool may_end() override {
        uint8_t nothing = 0;
        stream_.next_in = nullptr;
        stream_.avail_in = 0;
        stream_.next_out = &nothing;
        stream_.avail_out = 1;
        return ready_ && lzma_code(&stream_, LZMA_FINISH) == LZMA_STREAM_END;
    }

private:
    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool ready_ = false;
};

class Lz4 final : public Decompressor {
public:
    Lz4() { LZ4F_createDecompressionContext(&context_, LZ4F_VERSION); }
    ~Lz4() override { LZ4F_freeDecompressionContext(context_); }
    Lz4(const Lz4&) = delete;
    Lz4& operator=(const Lz4&) = delete;
    Result<void> take(std::string_view& in, std::string& out) override {
        if (in.empty() && complete_) return success();
        const size_t before = out.size();
        out.resize(before + out_bytes_max);
        size_t written = out_bytes_max, read = in.size();
        const size_t hint =
            LZ4F_decompress(context_, out.data() + before, &written, in.data(), &read, nullptr);
        if (LZ4F_isError(hint) != 0) return fail(TextFileError::damaged, "lz4");
        in.remove_prefix(read);
        out.resize(before + written);
        complete_ = hint == 0;
        return success();
    }
    bool may_end() override { return complete_; }

private:
    LZ4F_dctx* context_ = nullptr;
    bool complete_ = false;
};

class Plain final : public Decompressor {
public:
    Result<void> take(std::string_view& in, std::string& out) override {
        out += in;
        in = {};
        return success();
    }
    bool may_end() override { return true; }
};

std::unique_ptr<Decompressor> decompressor_for(std::string_view start) {
    using namespace std::string_view_literals;
    if (start.starts_with("\x1f\x8b"sv)) return std::make_unique<Gzip>();
    if (start.starts_with("\xfd"
                          "7zXZ\0"sv))
        return std::make_unique<Xz>();
    if (start.starts_with("\x04\x22\x4d\x18"sv)) return std::make_unique<Lz4>();
    return std::make_unique<Plain>();
}

}  // namespace

ErrorText describe(TextFileError error) {
    switch (error) {
    case TextFileError::damaged:
        return {"file_damaged", "the file does not decompress", "Obtain it again"};
    case TextFileError::cut_short:
        return {"file_cut_short", "the file ends before its end", "Obtain it again"};
    case TextFileError::line_too_long:
        return {"line_too_long", "the file has a line of more than a mebibyte", "Is this a text?"};
    }
    std::abort();
}

struct TextFile::Inside {
    explicit Inside(std::string path_in) : path(std::move(path_in)) {}
    ~Inside() {
        if (file >= 0) ::close(file);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

    Result<void> read_piece();
    /// More decompressed text, or the end.
    Result<void> more();

    std::string path;
    int file = -1;
    std::unique_ptr<Decompressor> decompressor;
    std::vector<char> piece = std::vector<char>(read_bytes);
    std::string_view left;  ///< of the piece, not yet decompressed
    std::string text;       ///< decompressed; the line at `at` is next
    size_t at = 0;
    bool has_more = false;  ///< the decompressor filled all that it was given
    bool ended = false;
};

Result<void> TextFile::Inside::read_piece() {
    ssize_t count = 0;
    do {
        count = ::read(file, piece.data(), piece.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail(FileError::unreadable, path + ": " + std::strerror(errno));
    left = {piece.data(), size_t(count)};
    ended = count == 0;
    return success();
}

Result<void> TextFile::Inside::more() {
    if (left.empty() && !has_more) CHECK(read_piece());
    if (ended) {
        if (!decompressor->may_end()) return fail(TextFileError::cut_short, path);
        return success();
    }
    text.erase(0, at);
    at = 0;
    const size_t before = text.size();
    CHECK(decompressor->take(left, text));
    has_more = text.size() - before == out_bytes_max;
    return success();
}

TextFile::TextFile(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
TextFile::TextFile(TextFile&&) noexcept = default;
TextFile::~TextFile() = default;

Result<TextFile> TextFile::open(const std::string& path) {
    auto inside = std::make_unique<Inside>(path);
    inside->file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (inside->file < 0) return fail(FileError::unreadable, path + ": " + std::strerror(errno));
    CHECK(inside->read_piece());
    inside->decompressor = decompressor_for(inside->left);
    return TextFile(std::move(inside));
}

Result<std::optional<std::string_view>> TextFile::line() {
    Inside& in = *inside_;
    size_t searched = in.at;
    while (true) {
        const size_t end = in.text.find('\n', searched);
        if (end != in.text.npos) {
            const std::string_view found(in.text.data() + in.at, end - in.at);
            in.at = end + 1;
            return std::optional<std::string_view>{found};
        }
        if (in.text.size() - in.at > text_line_bytes_max)
            return fail(TextFileError::line_too_long, in.path);
        if (in.ended) break;
        const size_t seen = in.text.size() - in.at;
        CHECK(in.more());
        searched = in.at + seen;
    }
    if (in.at < in.text.size())
        return fail(TextFileError::cut_short, in.path + ": its last line has no end");
    return std::optional<std::string_view>{};
}

}  // namespace tally::cli
