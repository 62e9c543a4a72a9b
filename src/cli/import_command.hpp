// `tally import packages`: a Debian package index into a ledger of packages.
#pragma once

#include "cli/import.hpp"

namespace tally::cli {

struct ImportOptions {
    std::string file;
    std::string ledger = "packages";
    std::string charter;
    std::vector<std::string> urls;
    std::vector<std::string> keys;
    size_t in_flight = 64;
};

[[nodiscard]] Result<Exit> run_import(const ImportOptions& options, const Output& output);
[[nodiscard]] Result<std::vector<PackageRecord>> read_packages(const std::string& path);
/// What was loaded, in words.
[[nodiscard]] std::string import_summary(const ImportReport& report);

}  // namespace tally::cli
