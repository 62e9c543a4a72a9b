// Damage: something on the own disk that is not what was written there.
#pragma once

#include <functional>
#include <string>

#include "ledger/schema.hpp"
#include "model/state_view.hpp"

namespace tally::node {

struct Damage {
    enum class Kind : uint8_t {
        value,   ///< of the state: healed from the peers by proof, or from the tree
        ledger,  ///< something else of one ledger, such as a page of its tree: made again
        log,     ///< of what all ledgers share, a decision or a batch: fetched again
        journal  ///< only a new life of this participant mends it
    };
    Kind kind = Kind::value;
    LedgerIndex ledger;
    Height height;                             ///< of the state or block in which it was found
    Bytes key;                                 ///< of a value
    Altered::How how = Altered::How::changed;  ///< of a value
    std::string detail;                        ///< of the rest, in words
};
/// Called with what was noticed; from any thread.
using OnDamage = std::function<void(const Damage&)>;

/// "package 17592186044417", "index package/size of 17592186044417"; without a schema with numbers.
[[nodiscard]] std::string describe_key(ByteView key, const ledger::Schema* schema);
/// "altered", "missing", "not of this state".
[[nodiscard]] std::string_view text_of(Altered::How how);

}  // namespace tally::node
