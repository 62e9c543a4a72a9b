// Which network a journal says that it is of: one of another epoch is refused as another network's.
#pragma once

#include "base/strong.hpp"
#include "crypto/hash.hpp"

namespace tally::node {

[[nodiscard]] inline Hash journal_network(const Hash& network, Epoch epoch) {
    if (epoch.value == 0) return network;
    return Hasher(Tag::recovery).add(network).add_u32(epoch.value).finish();
}

}  // namespace tally::node
