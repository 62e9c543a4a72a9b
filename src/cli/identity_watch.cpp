#include "cli/identity_watch.hpp"

#include <algorithm>

namespace tally::cli {

bool IdentityWatch::is_in_use(const std::vector<ports::PeerState>& peers, uint64_t now_us) {
    const auto saying = std::count_if(peers.begin(), peers.end(), [](const ports::PeerState& peer) {
        return peer.says_identity_in_use;
    });
    if (saying <= std::ptrdiff_t(liars_max_)) {
        since_us_.reset();
        return false;
    }
    if (!since_us_) since_us_ = now_us;
    return now_us - *since_us_ >= patience_us;
}

}  // namespace tally::cli
