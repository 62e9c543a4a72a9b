// Linked only while node/prove.cpp is not there.
#include "node/reader.hpp"

namespace tally::node {

Result<Bytes> Reads::prove_transaction(std::string_view, const Hash&) const {
    return ReadError::not_certified;
}
Result<Bytes> Reads::prove_subject(std::string_view, std::string_view, std::optional<Height>,
                                   std::string_view) const {
    return ReadError::not_certified;
}

}  // namespace tally::node
