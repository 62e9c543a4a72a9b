#include "ledger/row.hpp"

#include <algorithm>

#include "ledger/keys.hpp"
#include "ledger/schema.hpp"

namespace tally::ledger {
namespace {

bool before(const Field& field, PredicateId predicate) {
    return field.predicate < predicate;
}

/// Takes one value, or an array of them, whatever the type.
Result<void> skip_value(cbor::Reader& reader) {
    TRY(major, reader.peek());
    switch (major) {
    case cbor::Major::unsigned_:
    case cbor::Major::negative: CHECK(reader.integer()); return success();
    case cbor::Major::bytes: CHECK(reader.bytes(limits::value_bytes_max)); return success();
    case cbor::Major::text: CHECK(reader.text(limits::value_bytes_max)); return success();
    case cbor::Major::simple: CHECK(reader.boolean()); return success();
    case cbor::Major::array: {
        TRY(count, reader.array(limits::value_bytes_max));
        for (uint64_t i = 0; i < count; ++i) {
            TRY(inside, reader.peek());
            if (inside == cbor::Major::array) return StateError::bad_row;
            CHECK(skip_value(reader));
        }
        reader.close();
        return success();
    }
    case cbor::Major::map: break;
    }
    return StateError::bad_row;
}

}  // namespace

ErrorText describe(StateError error) {
    switch (error) {
    case StateError::bad_row:
        return {"bad_row", "a stored row is not in its canonical form", "Run `tally doctor`"};
    case StateError::bad_sheet:
        return {"bad_sheet", "a stored collection sheet is not in its canonical form",
                "Run `tally doctor`"};
    case StateError::bad_number:
        return {"bad_number", "a stored number is not eight bytes", "Run `tally doctor`"};
    case StateError::missing_row:
        return {"missing_row", "a stored reference leads to no row", "Run `tally doctor`"};
    }
    std::abort();
}

Result<std::vector<Value>> Field::values(Type type) const {
    cbor::Reader reader(value);
    std::vector<Value> values;
    TRY(major, reader.peek());
    if (major == cbor::Major::array) {
        TRY(count, reader.array(limits::value_bytes_max));
        for (uint64_t i = 0; i < count; ++i) {
            TRY(one, read_value(reader, type));
            values.push_back(std::move(one));
        }
        reader.close();
    } else {
        TRY(one, read_value(reader, type));
        values.push_back(std::move(one));
    }
    CHECK(reader.finish());
    return values;
}

Result<Value> Field::single(Type type) const {
    cbor::Reader reader(value);
    TRY(one, read_value(reader, type));
    CHECK(reader.finish());
    return one;
}

Bytes encode_single(const Value& value) {
    cbor::Writer writer;
    write_value(writer, value);
    return writer.take();
}

Bytes encode_multi(std::vector<Value> values) {
    std::sort(values.begin(), values.end(), value_less);
    values.erase(std::unique(values.begin(), values.end()), values.end());
    cbor::Writer writer;
    writer.array(values.size());
    for (const Value& value : values) write_value(writer, value);
    return writer.take();
}

const Field* Row::find(PredicateId predicate) const {
    const auto at = std::lower_bound(fields.begin(), fields.end(), predicate, before);
    return at != fields.end() && at->predicate == predicate ? &*at : nullptr;
}

void Row::set(Field field) {
    const auto at = std::lower_bound(fields.begin(), fields.end(), field.predicate, before);
    if (at != fields.end() && at->predicate == field.predicate) {
        *at = std::move(field);
    } else {
        fields.insert(at, std::move(field));
    }
}

void Row::remove(PredicateId predicate) {
    const auto at = std::lower_bound(fields.begin(), fields.end(), predicate, before);
    if (at != fields.end() && at->predicate == predicate) fields.erase(at);
}

Bytes encode_row(const Row& row) {
    cbor::Writer writer;
    writer.array(row.fields.size());
    for (const Field& field : row.fields) {
        writer.array(3);
        writer.uint(field.predicate.value);
        writer.bytes(field.salt);
        writer.raw(field.value);
    }
    return writer.take();
}

Result<Row> decode_row(ByteView bytes) {
    cbor::Reader reader(bytes);
    TRY(count, reader.array(sheet_predicates_max));
    Row row;
    row.fields.reserve(std::min<size_t>(count, bytes.size() / 20 + 1));
    for (uint64_t i = 0; i < count; ++i) {
        TRY(parts, reader.array(3));
        if (parts != 3) return StateError::bad_row;
        Field field;
        CHECK(cbor::read(reader, field.predicate));
        CHECK(cbor::read(reader, field.salt));
        const size_t start = reader.position();
        CHECK(skip_value(reader));
        const ByteView value = bytes.subspan(start, reader.position() - start);
        field.value.assign(value.begin(), value.end());
        reader.close();
        if (!row.fields.empty() && field.predicate <= row.fields.back().predicate)
            return StateError::bad_row;
        row.fields.push_back(std::move(field));
    }
    reader.close();
    CHECK(reader.finish());
    return row;
}

Result<std::vector<Value>> values_of(const Row& row, PredicateId predicate, Type type) {
    const Field* field = row.find(predicate);
    if (field == nullptr) return std::vector<Value>();
    return field->values(type);
}

Hash field_leaf(const Field& field) {
    return Hasher(Tag::row_field)
        .add(field.salt)
        .add_u32(field.predicate.value)
        .add(field.value)
        .finish();
}

static std::vector<Hash> field_leaves(const Row& row) {
    std::vector<Hash> leaves;
    leaves.reserve(row.fields.size());
    for (const Field& field : row.fields) leaves.push_back(field_leaf(field));
    return leaves;
}

Hash row_commitment(const Row& row) {
    if (row.fields.empty()) return tagged_hash(Tag::row_empty, {});
    return merkle_root(field_leaves(row));
}

std::optional<FieldProof> prove_field(const Row& row, PredicateId predicate) {
    const Field* field = row.find(predicate);
    if (field == nullptr) return {};
    const auto index = size_t(field - row.fields.data());
    return FieldProof{*field, uint32_t(index), uint32_t(row.fields.size()),
                      merkle_path(field_leaves(row), index)};
}

bool verify_field(const Hash& commitment, const FieldProof& proof) {
    return merkle_verify(commitment, proof.count, proof.index, field_leaf(proof.field), proof.path);
}

Result<Commitment> commitment_of(ByteView key, ByteView value) {
    if (key.empty() || key[0] != uint8_t(KeyKind::row))
        return Commitment{uint32_t(value.size()), sha256(value)};
    TRY(row, decode_row(value));
    return Commitment{uint32_t(value.size()), row_commitment(row)};
}

Salt SaltSource::salt(SubjectId subject, PredicateId predicate) const {
    Bytes info;
    info.reserve(12);
    append_u64(info, subject.value);
    append_u32(info, predicate.value);
    const Bytes bytes = hkdf_expand(key_, info, sizeof(Salt));
    Salt salt{};
    std::copy(bytes.begin(), bytes.end(), salt.begin());
    return salt;
}

}  // namespace tally::ledger
