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
    std::string report;  ///< a file to write the report to; may be empty
    size_t in_flight = 64;
};

struct ImportSchemaOptions {
    std::vector<std::string> keys;
};

/// Prints the genesis of a ledger that packages can be loaded into.
[[nodiscard]] Result<Exit> run_import_schema(const ImportSchemaOptions& options,
                                             const Output& output);
[[nodiscard]] Result<Exit> run_import(const ImportOptions& options, const Output& output);
/// What was loaded, in words.
[[nodiscard]] std::string import_summary(const ImportReport& report);

}  // namespace tally::cli
