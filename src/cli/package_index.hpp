// Package index: Debian's list of packages (deb822), one stanza a package, read one at a time.
#pragma once

#include <optional>

#include "cli/packages.hpp"
#include "cli/text_file.hpp"

namespace tally::cli {

enum class PackagesError { bad_stanza, no_index };
ErrorText describe(PackagesError error);

constexpr size_t dependencies_per_package_max = 10'000;

/// One stanza: a record, or why it is none.
struct PackageStanza {
    uint64_t line = 0;  ///< where it begins, from 1
    PackageRecord record;
    std::optional<Error> fault;  ///< PackagesError::bad_stanza, naming the line
};

/// Turns lines into stanzas.
class PackageParser {
public:
    /// The stanza that this line ends, if it does.
    [[nodiscard]] std::optional<PackageStanza> on_line(std::string_view text);
    /// There are no more lines.
    [[nodiscard]] std::optional<PackageStanza> on_end();

private:
    void on_field(std::string_view name, std::string_view value);
    void fault(std::string what);
    std::optional<PackageStanza> finish();

    PackageStanza stanza_;
    uint64_t line_ = 0;
    bool in_stanza_ = false;
    /// A list that may go on in the next lines, and where it began.
    std::string list_name_, list_;
    void finish_list();
};

/// A file of stanzas. Its first must be a package, or else it is PackagesError::no_index.
class PackageIndex {
public:
    [[nodiscard]] static Result<PackageIndex> open(const std::string& path);
    /// None at the end.
    [[nodiscard]] Result<std::optional<PackageStanza>> next();

private:
    PackageIndex(std::string path, TextFile file)
        : path_(std::move(path)), file_(std::move(file)) {}
    Result<std::optional<PackageStanza>> read_next();

    std::string path_;
    TextFile file_;
    PackageParser parser_;
    bool is_first_ = true, ended_ = false;
};

}  // namespace tally::cli
