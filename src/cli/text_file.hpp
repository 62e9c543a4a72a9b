// TextFile: a text file line by line, plain or compressed, without holding more of it than a line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tally::cli {

enum class TextFileError { damaged, cut_short, line_too_long };
ErrorText describe(TextFileError error);

constexpr size_t text_line_bytes_max = size_t{1} << 20;

class TextFile {
public:
    /// gzip, xz and lz4 are known by their first bytes; anything else is read as it is.
    [[nodiscard]] static Result<TextFile> open(const std::string& path);
    TextFile(TextFile&&) noexcept;
    ~TextFile();

    /// The next line without its end; valid until the next call. None at the end of the file.
    /// TextFileError::cut_short if the last line has no end: something is missing.
    [[nodiscard]] Result<std::optional<std::string_view>> line();

private:
    struct Inside;
    explicit TextFile(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

}  // namespace tally::cli
