#include "model/recovery.hpp"

namespace tally::model {

Bytes RecoveryStatement::signed_bytes() const {
    Bytes bytes = copy_of(view_of("tally recovery statement "));
    append(bytes, cbor::encode(*this));
    return bytes;
}

Hash RecoveryBody::hash() const {
    return tagged_hash(Tag::recovery, cbor::encode(*this));
}

Bytes recovery_statement(const Hash& recovery) {
    Bytes statement = copy_of(view_of("tally recovery charter "));
    append(statement, recovery.view());
    return statement;
}

}  // namespace tally::model
