// StateView: the one way to read a ledger's state: `get` and `scan`.
//
// Stored versions, an overlay of pending writes and a witness all implement it, so that one
// mechanism serves execution, queries, proofs and light clients.
#pragma once

#include <functional>
#include <optional>

#include "base/bytes.hpp"

namespace tally {

/// The value that is stored is not the one that was: our own disk lies.
enum class StateViewError { altered };
inline ErrorText describe(StateViewError) {
    return {"state_altered", "this participant's copy of the state was altered on its disk",
            "It heals from the others: ask another participant meanwhile"};
}

/// Where a stored state is not what its tree says.
struct Altered {
    enum class How : uint8_t {
        changed,  ///< another value
        missing,  ///< no value, or one of a form that none has
        added,    ///< a value that the state does not have
    };
    Bytes key;
    How how = How::changed;
    bool operator==(const Altered&) const = default;
};

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
