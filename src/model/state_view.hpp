// StateView: the one way to read a ledger's state: `get` and `scan`.
//
// Stored versions, an overlay of pending writes and a witness all implement it, so that one
// mechanism serves execution, queries, proofs and light clients.
#pragma once

#include <functional>
#include <optional>

#include "base/bytes.hpp"

namespace tally {

class StateView {
public:
    virtual ~StateView() = default;
    [[nodiscard]] virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;
    /// Keys in [from, to), ascending, until `each` returns false; an empty `to` means the end. The
    /// views live only for the call; `each` must not write to the state.
    using Each = std::function<bool(ByteView key, ByteView value)>;
    [[nodiscard]] virtual Result<void> scan(ByteView from, ByteView to, const Each& each) const = 0;
};

}  // namespace tally
