// `tally bench`: how fast four participants on this machine certify transactions, and at what cost.
#pragma once

#include "cli/output.hpp"

namespace tally::cli {

enum class BenchError { interrupted };
ErrorText describe(BenchError error);

struct BenchOptions {
    double seconds = 10;
    size_t participants = 4;
    size_t clients = 512;       ///< connections, one transaction under way on each
    uint64_t rate = 0;          ///< transactions a second; 0: as fast as they are certified
    uint64_t transactions = 0;  ///< not 0: until so many were answered, in place of `seconds`
    uint64_t prepared = 5'000;  ///< signed beforehand, for each second
    std::string folder;         ///< empty: a temporary one, removed at the end
};

[[nodiscard]] Result<Exit> run_bench(const BenchOptions& options, const Output& output);

}  // namespace tally::cli
