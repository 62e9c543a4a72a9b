// Import: many signed transactions through several participants, with progress and a report of
// refusals.
#pragma once

#include <functional>

#include "cli/client.hpp"
#include "cli/output.hpp"
#include "cli/packages.hpp"

namespace tally::cli {

enum class ImportError { stopped };
ErrorText describe(ImportError error);

struct ImportPlan {
    std::vector<Url> participants;          ///< used in turn
    std::vector<model::SecretKey> signers;  ///< used in turn, by maintainer
    Hash network;
    std::string ledger;
    size_t in_flight = 64;                    ///< transactions waited for at once
    std::function<bool()> stopped = nullptr;  ///< asked now and then: true ends it early
};

struct ImportReport {
    uint64_t packages = 0, dependencies = 0, transactions = 0, applied = 0, rejected = 0,
             unknown = 0;
    std::vector<std::string> refusals;  ///< the first few, in words
    double seconds = 0;
    std::string last_transaction;  ///< id of the last applied
};

[[nodiscard]] Result<ImportReport> import_packages(const ImportPlan& plan,
                                                   const std::vector<PackageRecord>& records,
                                                   const Output& output);

}  // namespace tally::cli
