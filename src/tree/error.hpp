// What can go wrong in this room.
#pragma once

#include "base/result.hpp"

namespace tally::tree {

enum class TreeError {
    bad_key,            ///< empty, or longer than limits::key_bytes_max
    prefix_key,         ///< a prefix of a key in the tree, or an extension of one
    damaged,            ///< a stored page or root that is not what was stored
    invalid_proof,      ///< a proof or witness that does not show what it is given for
    outside_witness,    ///< what was asked lies in a part of the tree that a witness hides
    not_ascending,      ///< keys to append that do not come after all others, in order
    witness_too_large,  ///< more nodes than a witness may have
};
ErrorText describe(TreeError error);

}  // namespace tally::tree
