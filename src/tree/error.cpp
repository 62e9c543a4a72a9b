#include "tree/error.hpp"

#include <cstdlib>

namespace tally::tree {

ErrorText describe(TreeError error) {
    switch (error) {
    case TreeError::bad_key:
        return {"tree_bad_key", "a key of the state has 1 to 128 bytes",
                "Use shorter values where they are unique or indexed"};
    case TreeError::prefix_key:
        return {"tree_prefix_key", "one key of the state would be a prefix of another",
                "Report this with what was sent: it should not be possible"};
    case TreeError::damaged:
        return {"tree_damaged", "a stored tree node is not what was stored",
                "Check this machine's disk"};
    case TreeError::invalid_proof:
        return {"tree_invalid_proof", "the state proof does not hold", "Do not trust its source"};
    case TreeError::outside_witness:
        return {"tree_outside_witness", "the witness does not show this part of the state",
                "Ask for the whole witness again"};
    case TreeError::not_ascending:
        return {"tree_not_ascending", "keys are not in their order",
                "Ask for the pages again, in order"};
    case TreeError::witness_too_large:
        return {"tree_witness_too_large", "a witness of this would have too many nodes",
                "Ask for less at once"};
    }
    std::abort();
}

}  // namespace tally::tree
