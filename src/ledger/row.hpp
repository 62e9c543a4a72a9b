// Row: one subject's fields, and the salted Merkle commitment to them (docs/protocol.md, section
// 9).
//
// Canonical bytes: a CBOR array of [predicate id, 16 bytes salt, value] by ascending predicate id;
// a multi value is an array, ascending and without repetition. The row's value hash is an RFC 9162
// root over H(tag ‖ salt ‖ u32 predicate id ‖ CBOR value), so that one field can be shown without
// the others being guessable.
#pragma once

#include "crypto/merkle.hpp"
#include "ledger/value.hpp"

namespace tally::ledger {

enum class StateError { bad_row, bad_sheet, bad_number, missing_row };
ErrorText describe(StateError error);

using Salt = std::array<uint8_t, 16>;

/// `value` stays encoded: whoever knows the predicate's type decodes it.
struct Field {
    PredicateId predicate;
    Salt salt{};
    Bytes value;  ///< CBOR of one value, or of an array of them
    bool operator==(const Field&) const = default;

    /// Requires nothing of the type; fails if the bytes are not of it.
    [[nodiscard]] Result<std::vector<Value>> values(Type type) const;
    /// The only value, of a field that is not multi.
    [[nodiscard]] Result<Value> single(Type type) const;
};
/// CBOR of one value.
[[nodiscard]] Bytes encode_single(const Value& value);
/// CBOR of an array, sorted and without repetition here.
[[nodiscard]] Bytes encode_multi(std::vector<Value> values);

struct Row {
    std::vector<Field> fields;  ///< ascending by predicate
    bool operator==(const Row&) const = default;

    [[nodiscard]] const Field* find(PredicateId predicate) const;
    /// Adds or replaces.
    void set(Field field);
    void remove(PredicateId predicate);
};
/// The values of a field; none if the row has no such field.
[[nodiscard]] Result<std::vector<Value>> values_of(const Row& row, PredicateId predicate,
                                                   Type type);
/// The canonical bytes. Requires fields by ascending predicate.
[[nodiscard]] Bytes encode_row(const Row& row);
/// Strict, but for what the values mean. A CborError or StateError::bad_row if it is no row.
[[nodiscard]] Result<Row> decode_row(ByteView bytes);

[[nodiscard]] Hash field_leaf(const Field& field);
[[nodiscard]] Hash row_commitment(const Row& row);

/// One field with its way to the row's commitment.
struct FieldProof {
    Field field;
    uint32_t index = 0;
    uint32_t count = 0;
    std::vector<Hash> path;
};
/// Nothing if the row has no such field.
[[nodiscard]] std::optional<FieldProof> prove_field(const Row& row, PredicateId predicate);
[[nodiscard]] bool verify_field(const Hash& row_commitment, const FieldProof& proof);

/// What the tree's leaf says of a value of the state: its length, and its hash (of a row: its
/// commitment).
struct Commitment {
    uint32_t length = 0;
    Hash hash;
    bool operator==(const Commitment&) const = default;
};
[[nodiscard]] Result<Commitment> commitment_of(ByteView key, ByteView value);

/// The salts of everything that one transaction writes: HKDF-SHA-256 (RFC 5869) with an empty salt
/// over `secret` (its normalised signature, or the charter's hash), info = u64 subject ‖ u32
/// predicate, 16 bytes.
class SaltSource {
public:
    explicit SaltSource(ByteView secret) : key_(hkdf_extract({}, secret)) {}
    [[nodiscard]] Salt salt(SubjectId subject, PredicateId predicate) const;

private:
    Hash key_;
};

}  // namespace tally::ledger
