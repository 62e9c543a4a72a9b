// IdentityWatch: notices that another process runs with this participant's identity key.
#pragma once

#include <optional>
#include <vector>

#include "ports/net.hpp"

namespace tally::cli {

/// Peers keep the process that they hear, and refuse a second one. When so many say so that one of
/// them is honest, and for longer than a connection of an earlier process of ours could linger, the
/// one that is refused is this process, and it must end: nobody hears it, and two that sign as one
/// participant contradict each other.
class IdentityWatch {
public:
    static constexpr uint64_t patience_us = 15'000'000;

    /// `liars_max`: of the network.
    explicit IdentityWatch(uint32_t liars_max) : liars_max_(liars_max) {}
    /// To be called again and again; times are monotonic.
    [[nodiscard]] bool is_in_use(const std::vector<ports::PeerState>& peers, uint64_t now_us);

private:
    uint32_t liars_max_;
    std::optional<uint64_t> since_us_;
};

}  // namespace tally::cli
