#include "node/retained.hpp"

namespace tally::node {
namespace {

Bytes retained_key() {
    return copy_of(view_of("retained"));
}
Bytes restore_mark_key() {
    return copy_of(view_of("restoring"));
}

template <class T>
Result<std::optional<T>> sealed(const ports::Reader& reader, const Bytes& key) {
    TRY(bytes, get_sealed(reader, key));
    if (!bytes) return std::optional<T>{};
    auto value = cbor::decode<T>(*bytes);
    if (!value.ok()) return fail(ports::KeyValueError::damaged, value.error().message());
    return std::optional<T>{std::move(*value)};
}

}  // namespace

Result<Retained> stored_retained(const ports::Reader& reader) {
    TRY(stored, sealed<Retained>(reader, retained_key()));
    return stored.value_or(Retained{});
}

void put_retained(ports::WriteBatch& to, const Retained& retained) {
    put_sealed(to, retained_key(), cbor::encode(retained));
}

Result<std::optional<RestoreMark>> stored_restore_mark(const ports::Reader& reader) {
    return sealed<RestoreMark>(reader, restore_mark_key());
}

void put_restore_mark(ports::WriteBatch& to, const RestoreMark& mark) {
    put_sealed(to, restore_mark_key(), cbor::encode(mark));
}

void erase_restore_mark(ports::WriteBatch& to) {
    to.erase(ports::Map::meta, restore_mark_key());
}

}  // namespace tally::node
