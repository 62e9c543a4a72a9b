// The ids of many transactions at once, in far less time than one after the other.
#pragma once

#include <span>
#include <vector>

#include "crypto/hash.hpp"

namespace tally::model {

/// transaction_id_of() each.
[[nodiscard]] std::vector<Hash> transaction_ids_of(std::span<const ByteView> envelopes);

}  // namespace tally::model
