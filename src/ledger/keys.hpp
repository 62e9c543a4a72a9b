// Keys of a ledger's state: prefix-free, at most 128 bytes, in the order that scans need
// (docs/protocol.md, section 9). Formats are frozen by tests/golden.
//
//     0x01 ‖ u64 subject                                       → canonical row (ledger/row.hpp)
//     0x02 ‖ u16 collection                                    → u64 last counter given
//     0x03 ‖ u32 predicate ‖ index value ‖ u64 subject         → empty          (index)
//     0x04 ‖ u32 predicate ‖ index value                       → u64 subject    (unique)
//     0x05 ‖ u64 target ‖ u32 predicate ‖ u64 source           → empty          (reverse reference)
//     0x06 ‖ u64 expire in ms ‖ 32 bytes transaction id        → empty
//     0x07 ‖ u16 collection                                    → its sheet (ledger/schema.hpp)
//     0x08                                                     → u64 version of the schema
//
// An index value is the value's order bytes with 0x00 escaped as 0x00 0xff and 0x00 0x01 at the
// end; if more than 48 escaped bytes, the first 48 ‖ 0xff ‖ SHA-256 of the order bytes. So a long
// value sorts after the short one that it begins with, and no key begins with another.
#pragma once

#include "crypto/hash.hpp"
#include "ledger/value.hpp"

namespace tally::ledger {

enum class KeyKind : uint8_t {
    row = 0x01,
    counter = 0x02,
    index = 0x03,
    unique = 0x04,
    reverse = 0x05,
    transaction = 0x06,
    sheet = 0x07,
    schema_version = 0x08,
};

constexpr size_t index_value_bytes_max = 48;  ///< escaped; longer values are cut and hashed

[[nodiscard]] Bytes row_key(SubjectId subject);
[[nodiscard]] Bytes counter_key(CollectionId collection);
[[nodiscard]] Bytes index_value(const Value& value);
/// True iff the order of the value is all in its index value.
[[nodiscard]] bool index_value_is_whole(const Value& value);
[[nodiscard]] Bytes index_key(PredicateId predicate, const Value& value, SubjectId subject);
[[nodiscard]] Bytes unique_key(PredicateId predicate, const Value& value);
[[nodiscard]] Bytes reverse_key(SubjectId target, PredicateId predicate, SubjectId source);
[[nodiscard]] Bytes transaction_key(uint64_t expire_ms, const Hash& id);
[[nodiscard]] Bytes sheet_key(CollectionId collection);
[[nodiscard]] Bytes schema_version_key();

// What the keys of a range begin with. A scan goes from the prefix to after_prefix(prefix).
[[nodiscard]] Bytes index_prefix(PredicateId predicate);
[[nodiscard]] Bytes index_prefix(PredicateId predicate, const Value& value);
[[nodiscard]] Bytes unique_prefix(PredicateId predicate);
[[nodiscard]] Bytes reverse_prefix(SubjectId target);
[[nodiscard]] Bytes reverse_prefix(SubjectId target, PredicateId predicate);
[[nodiscard]] Bytes transactions_prefix();
[[nodiscard]] Bytes sheets_prefix();
/// The smallest key after every key that begins with `prefix`. Requires a byte below 0xff in it.
[[nodiscard]] Bytes after_prefix(ByteView prefix);

/// A range of keys, `to` excluded.
struct KeyRange {
    Bytes from, to;
};
[[nodiscard]] KeyRange rows_of(CollectionId collection);

// Reading keys back; nothing if the bytes are no such key.
[[nodiscard]] std::optional<SubjectId> subject_of_row_key(ByteView key);
/// The last eight bytes of an index or reverse key.
[[nodiscard]] std::optional<SubjectId> last_subject_of_key(ByteView key);
struct ReverseEntry {
    SubjectId target;
    PredicateId predicate;
    SubjectId source;
};
[[nodiscard]] std::optional<ReverseEntry> reverse_of_key(ByteView key);
struct TransactionEntry {
    uint64_t expire_ms;
    Hash id;
};
[[nodiscard]] std::optional<TransactionEntry> transaction_of_key(ByteView key);

// Values that are one number.
[[nodiscard]] Bytes number_value(uint64_t number);
[[nodiscard]] Result<uint64_t> number_from_value(ByteView value);

}  // namespace tally::ledger
