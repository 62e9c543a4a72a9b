// Load: signed transactions through HTTP, as fast as they are certified or at a fixed rate, from
// one thread over many kept-alive connections.
#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <span>
#include <vector>

#include "cli/client.hpp"
#include "model/envelope.hpp"

namespace tally::cli {

enum class LoadError { connection_failed };
ErrorText describe(LoadError error);

struct LoadPlan {
    std::vector<Url> participants;  ///< connections are dealt out in turn
    std::string ledger;
    std::span<const std::string> envelopes;  ///< each is submitted once, in order
    size_t connections = 512;                ///< one transaction is under way on each
    uint64_t rate_per_s = 0;                 ///< 0: the next is sent when one is answered
    double warm_up_s = 2;
    double measure_s = 10;
    /// When measuring begins (true) and ends (false).
    std::function<void(bool begins)> on_window;
};

/// What happened while measuring.
struct LoadReport {
    uint64_t applied = 0, rejected = 0, unknown = 0, refused = 0;
    std::string first_refusal;  ///< the body of the first answer that was not `applied`
    double seconds = 0;
    bool ran_out = false;                ///< of envelopes, before the time was over
    std::vector<uint32_t> latencies_us;  ///< of applied ones, ascending; from when each was due
    [[nodiscard]] double latency_ms(double share) const;
};

/// The ledger of benchmarks: small rows without anything unique, which one identity writes.
inline constexpr std::string_view bench_ledger = "bench";
[[nodiscard]] boost::json::array bench_genesis(const std::string& did);
/// Inserts of one such row each, signed on all processors of this machine.
[[nodiscard]] std::vector<std::string> signed_envelopes(const Hash& network,
                                                        const model::SecretKey& key, size_t count,
                                                        uint64_t lives_s);

/// Blocks. The error is about a connection that could not be kept.
[[nodiscard]] Result<LoadReport> run_load(const LoadPlan& plan);

}  // namespace tally::cli
