#include "ledger/keys.hpp"

#include "ledger/row.hpp"

namespace tally::ledger {
namespace {

constexpr size_t row_key_bytes = 1 + 8;
constexpr size_t reverse_key_bytes = 1 + 8 + 4 + 8;
constexpr size_t transaction_key_bytes = 1 + 8 + 32;

Bytes begin(KeyKind kind, size_t bytes_expected) {
    Bytes key;
    key.reserve(bytes_expected);
    key.push_back(uint8_t(kind));
    return key;
}

Bytes escaped(ByteView order) {
    Bytes bytes;
    bytes.reserve(order.size() + 8);
    for (const uint8_t byte : order) {
        bytes.push_back(byte);
        if (byte == 0x00) bytes.push_back(0xff);
        if (bytes.size() > index_value_bytes_max) break;  // More is not looked at.
    }
    return bytes;
}

bool is_kind(ByteView key, KeyKind kind, size_t length) {
    return key.size() == length && key[0] == uint8_t(kind);
}

}  // namespace

Bytes row_key(SubjectId subject) {
    Bytes key = begin(KeyKind::row, row_key_bytes);
    append_u64(key, subject.value);
    return key;
}

Bytes counter_key(CollectionId collection) {
    Bytes key = begin(KeyKind::counter, 3);
    append_u16(key, collection.value);
    return key;
}

Bytes index_value(const Value& value) {
    const Bytes order = order_bytes(value);
    Bytes bytes = escaped(order);
    if (bytes.size() <= index_value_bytes_max) {
        bytes.push_back(0x00);
        bytes.push_back(0x01);
        return bytes;
    }
    bytes.resize(index_value_bytes_max);
    bytes.push_back(0xff);
    append(bytes, sha256(order).view());
    return bytes;
}

bool index_value_is_whole(const Value& value) {
    return escaped(order_bytes(value)).size() <= index_value_bytes_max;
}

Bytes index_key(PredicateId predicate, const Value& value, SubjectId subject) {
    Bytes key = index_prefix(predicate, value);
    append_u64(key, subject.value);
    return key;
}

Bytes unique_key(PredicateId predicate, const Value& value) {
    Bytes key = unique_prefix(predicate);
    append(key, index_value(value));
    return key;
}

Bytes reverse_key(SubjectId target, PredicateId predicate, SubjectId source) {
    Bytes key = reverse_prefix(target, predicate);
    append_u64(key, source.value);
    return key;
}

Bytes transaction_key(uint64_t expire_ms, const Hash& id) {
    Bytes key = begin(KeyKind::transaction, transaction_key_bytes);
    append_u64(key, expire_ms);
    append(key, id.view());
    return key;
}

Bytes sheet_key(CollectionId collection) {
    Bytes key = begin(KeyKind::sheet, 3);
    append_u16(key, collection.value);
    return key;
}

Bytes schema_version_key() {
    return begin(KeyKind::schema_version, 1);
}

Bytes index_prefix(PredicateId predicate) {
    Bytes key = begin(KeyKind::index, 96);
    append_u32(key, predicate.value);
    return key;
}

Bytes index_prefix(PredicateId predicate, const Value& value) {
    Bytes key = index_prefix(predicate);
    append(key, index_value(value));
    return key;
}

Bytes unique_prefix(PredicateId predicate) {
    Bytes key = begin(KeyKind::unique, 96);
    append_u32(key, predicate.value);
    return key;
}

Bytes reverse_prefix(SubjectId target) {
    Bytes key = begin(KeyKind::reverse, reverse_key_bytes);
    append_u64(key, target.value);
    return key;
}

Bytes reverse_prefix(SubjectId target, PredicateId predicate) {
    Bytes key = reverse_prefix(target);
    append_u32(key, predicate.value);
    return key;
}

Bytes transactions_prefix() {
    return begin(KeyKind::transaction, 1);
}
Bytes sheets_prefix() {
    return begin(KeyKind::sheet, 1);
}

Bytes after_prefix(ByteView prefix) {
    Bytes after = copy_of(prefix);
    while (!after.empty() && after.back() == 0xff) after.pop_back();
    ENSURE(!after.empty());
    ++after.back();
    return after;
}

KeyRange rows_of(CollectionId collection) {
    return {row_key(subject_of(collection, 0)), row_key({(uint64_t{collection.value} + 1) << 40})};
}

std::optional<SubjectId> subject_of_row_key(ByteView key) {
    if (!is_kind(key, KeyKind::row, row_key_bytes)) return {};
    return SubjectId{read_u64(key.subspan(1))};
}

std::optional<SubjectId> last_subject_of_key(ByteView key) {
    const bool has_subject = key.size() >= 9 && (key[0] == uint8_t(KeyKind::index) ||
                                                 key[0] == uint8_t(KeyKind::reverse));
    if (!has_subject) return {};
    return SubjectId{read_u64(key.last(8))};
}

std::optional<ReverseEntry> reverse_of_key(ByteView key) {
    if (!is_kind(key, KeyKind::reverse, reverse_key_bytes)) return {};
    return ReverseEntry{
        {read_u64(key.subspan(1))}, {read_u32(key.subspan(9))}, {read_u64(key.subspan(13))}};
}

std::optional<TransactionEntry> transaction_of_key(ByteView key) {
    if (!is_kind(key, KeyKind::transaction, transaction_key_bytes)) return {};
    TransactionEntry entry{read_u64(key.subspan(1)), {}};
    std::copy(key.begin() + 9, key.end(), entry.id.bytes.begin());
    return entry;
}

Bytes number_value(uint64_t number) {
    Bytes value;
    append_u64(value, number);
    return value;
}

Result<uint64_t> number_from_value(ByteView value) {
    if (value.size() != 8) return StateError::bad_number;
    return read_u64(value);
}

}  // namespace tally::ledger
