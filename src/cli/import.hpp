// Import: a package index into a ledger of packages, through several participants, in two passes.
//
// It may be interrupted at any moment and run again: what is there already is asked of the ledger,
// never of a file, and what is submitted twice all the same is refused by the schema
// (cli/packages.hpp). Of the index only names and hashes are kept in memory.
#pragma once

#include <functional>

#include "cli/client.hpp"
#include "cli/output.hpp"
#include "cli/packages.hpp"

namespace tally::cli {

enum class ImportError { stopped, wrong_network, too_many_packages };
ErrorText describe(ImportError error);

constexpr size_t packages_max = 4'000'000;
constexpr size_t refusals_kept_max = 10'000;

struct ImportPlan {
    std::string file;                       ///< cli/package_index.hpp
    std::vector<Url> participants;          ///< at least one; used in turn, without those away
    std::vector<model::SecretKey> signers;  ///< used in turn, by maintainer
    Hash network;
    std::string ledger;
    size_t in_flight = 64;                    ///< packages waited for at once
    std::function<bool()> stopped = nullptr;  ///< asked now and then: true ends it early
};

struct Refusal {
    std::string record;  ///< the package
    uint64_t line = 0;   ///< where its record begins in the index
    std::string reason;
};

struct ImportReport {
    uint64_t records = 0;  ///< in the index
    uint64_t packages_loaded = 0, packages_there = 0;
    uint64_t dependencies_loaded = 0, dependencies_there = 0;
    uint64_t refused = 0;       ///< records that are not loaded, or not wholly
    uint64_t unknown = 0;       ///< of which it is not known yet: run it again
    uint64_t transactions = 0;  ///< applied
    double seconds = 0;
    std::vector<Refusal> refusals;  ///< at most refusals_kept_max
    std::optional<Error> error;     ///< why it ended early
    std::string last_transaction;   ///< id of the last applied
    [[nodiscard]] bool is_complete() const { return !error && unknown == 0; }
};

/// An error if nothing was submitted: the file is no index, or nobody can be asked. What happens
/// later is in the report.
[[nodiscard]] Result<ImportReport> import_packages(const ImportPlan& plan, const Output& output);

}  // namespace tally::cli
