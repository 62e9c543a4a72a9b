// `tally fetch` and `tally sample`: an outsider reads the transactions as they were signed, or
// looks whether they are still there.
#pragma once

#include "cli/connection.hpp"

namespace tally::cli {

struct FetchOptions {
    std::string participant;  ///< who made the batch
    uint64_t height = 0;
    std::vector<std::string> urls;
    std::string key;
    Trust trust;
    std::string out;
};
struct SampleOptions {
    std::vector<std::string> urls;
    std::string key;
    Trust trust;
    uint32_t batches = 5;
    uint32_t cells = 20;
};

[[nodiscard]] Result<Exit> fetch_batch(const FetchOptions& options, const Output& output);
[[nodiscard]] Result<Exit> sample_batches(const SampleOptions& options, const Output& output);

}  // namespace tally::cli
