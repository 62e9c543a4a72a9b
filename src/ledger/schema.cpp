#include "ledger/schema.hpp"

#include <algorithm>

#include "ledger/keys.hpp"
#include "ledger/row.hpp"

namespace tally::ledger {
namespace {

// Bits of a predicate's settings in a sheet. Frozen.
constexpr uint64_t unique_bit = 1, required_bit = 2, index_bit = 4, multi_bit = 8, upsert_bit = 16;
constexpr uint64_t settings_max = 31;

uint64_t settings_of(const Predicate& predicate) {
    return (predicate.unique ? unique_bit : 0) | (predicate.required ? required_bit : 0) |
           (predicate.index ? index_bit : 0) | (predicate.multi ? multi_bit : 0) |
           (predicate.upsert ? upsert_bit : 0);
}

Result<Predicate> read_predicate(cbor::Reader& reader, CollectionId collection) {
    Predicate predicate;
    predicate.collection = collection;
    TRY(parts, reader.array(5));
    if (parts != 5) return StateError::bad_sheet;
    CHECK(cbor::read(reader, predicate.id));
    TRY(name, reader.text(limits::name_bytes_max));
    predicate.name = std::string(name);
    CHECK(cbor::read(reader, predicate.type));
    TRY(settings, reader.uint());
    if (settings > settings_max) return StateError::bad_sheet;
    predicate.unique = (settings & unique_bit) != 0;
    predicate.required = (settings & required_bit) != 0;
    predicate.index = (settings & index_bit) != 0;
    predicate.multi = (settings & multi_bit) != 0;
    predicate.upsert = (settings & upsert_bit) != 0;
    CHECK(cbor::read(reader, predicate.restrict_to));
    reader.close();
    return predicate;
}

Predicate text(PredicateId id, std::string name) {
    Predicate predicate;
    predicate.id = id;
    predicate.name = std::move(name);
    return predicate;
}
Predicate flag(PredicateId id, std::string name) {
    Predicate predicate = text(id, std::move(name));
    predicate.type = Type::boolean;
    return predicate;
}
/// The name by which a subject is found.
Predicate key(PredicateId id, std::string name, bool required = true) {
    Predicate predicate = text(id, std::move(name));
    predicate.unique = true;
    predicate.required = required;
    return predicate;
}
Predicate upsert_key(PredicateId id, std::string name) {
    Predicate predicate = key(id, std::move(name));
    predicate.upsert = true;
    return predicate;
}
Predicate required(Predicate predicate) {
    predicate.required = true;
    return predicate;
}
Predicate multi(Predicate predicate) {
    predicate.multi = true;
    return predicate;
}
Predicate refs(PredicateId id, std::string name, CollectionId into) {
    Predicate predicate = multi(text(id, std::move(name)));
    predicate.type = Type::ref;
    predicate.restrict_to = into;
    return predicate;
}

std::vector<Collection> make_built_in() {
    namespace p = predicates;
    std::vector<Collection> collections{
        {collection_collection,
         "_collection",
         {key(p::collection_name, "name"), text(p::collection_doc, "doc")}},
        {predicate_collection,
         "_predicate",
         {key(p::predicate_name, "name"), required(text(p::predicate_type, "type")),
          flag(p::predicate_unique, "unique"), flag(p::predicate_required, "required"),
          flag(p::predicate_index, "index"), flag(p::predicate_multi, "multi"),
          flag(p::predicate_upsert, "upsert"), text(p::predicate_restrict, "restrict"),
          text(p::predicate_doc, "doc")}},
        {auth_collection,
         "_auth",
         {upsert_key(p::auth_id, "id"), refs(p::auth_roles, "roles", role_collection),
          text(p::auth_doc, "doc")}},
        {role_collection,
         "_role",
         {upsert_key(p::role_id, "id"), refs(p::role_rules, "rules", rule_collection),
          text(p::role_doc, "doc")}},
        {rule_collection,
         "_rule",
         {key(p::rule_id, "id", false), required(text(p::rule_collection, "collection")),
          multi(text(p::rule_predicates, "predicates")), multi(text(p::rule_ops, "ops")),
          text(p::rule_doc, "doc")}},
    };
    for (Collection& collection : collections) {
        for (Predicate& predicate : collection.predicates) predicate.collection = collection.id;
    }
    return collections;
}

}  // namespace

const Predicate* Collection::find(std::string_view predicate_name) const {
    for (const Predicate& predicate : predicates) {
        if (predicate.name == predicate_name) return &predicate;
    }
    return nullptr;
}

const Predicate* Collection::find(PredicateId predicate) const {
    const auto at =
        std::lower_bound(predicates.begin(), predicates.end(), predicate,
                         [](const Predicate& have, PredicateId want) { return have.id < want; });
    return at != predicates.end() && at->id == predicate ? &*at : nullptr;
}

Bytes encode_sheet(const Collection& collection) {
    cbor::Writer writer;
    writer.array(2);
    writer.text(collection.name);
    writer.array(collection.predicates.size());
    for (const Predicate& predicate : collection.predicates) {
        writer.array(5);
        cbor::write(writer, predicate.id);
        writer.text(predicate.name);
        cbor::write(writer, predicate.type);
        writer.uint(settings_of(predicate));
        cbor::write(writer, predicate.restrict_to);
    }
    return writer.take();
}

Result<Collection> decode_sheet(CollectionId id, ByteView bytes) {
    cbor::Reader reader(bytes);
    Collection collection;
    collection.id = id;
    TRY(parts, reader.array(2));
    if (parts != 2) return StateError::bad_sheet;
    TRY(name, reader.text(limits::name_bytes_max));
    collection.name = std::string(name);
    TRY(count, reader.array(sheet_predicates_max));
    for (uint64_t i = 0; i < count; ++i) {
        TRY(predicate, read_predicate(reader, id));
        if (!collection.predicates.empty() && predicate.id <= collection.predicates.back().id)
            return StateError::bad_sheet;
        collection.predicates.push_back(std::move(predicate));
    }
    reader.close();
    reader.close();
    CHECK(reader.finish());
    return collection;
}

const std::vector<Collection>& built_in_collections() {
    static const std::vector<Collection> collections = make_built_in();
    return collections;
}

Result<std::shared_ptr<const Schema>> Schema::load(const StateView& view) {
    auto schema = std::make_shared<Schema>();
    TRY(version, ledger::schema_version(view));
    schema->version_ = version;
    std::optional<Error> bad;
    const auto each = [&](ByteView key, ByteView value) {
        if (key.size() != 3) {
            bad = fail(StateError::bad_sheet);
            return false;
        }
        const CollectionId id{read_u16(key.subspan(1))};
        auto collection = decode_sheet(id, value);
        if (!collection.ok()) {
            bad = std::move(collection).error();
            return false;
        }
        schema->collections_.emplace(id, *std::move(collection));
        return true;
    };
    const Bytes prefix = sheets_prefix();
    CHECK(view.scan(prefix, after_prefix(prefix), each));
    if (bad) return *std::move(bad);
    return std::shared_ptr<const Schema>(std::move(schema));
}

const Collection* Schema::collection(std::string_view name) const {
    for (const auto& [id, collection] : collections_) {
        if (collection.name == name) return &collection;
    }
    return nullptr;
}

const Collection* Schema::collection(CollectionId id) const {
    const auto at = collections_.find(id);
    return at == collections_.end() ? nullptr : &at->second;
}

const Predicate* Schema::predicate(PredicateId id) const {
    for (const auto& [collection_id, collection] : collections_) {
        if (const auto* predicate = collection.find(id)) return predicate;
    }
    return nullptr;
}

const Predicate* Schema::predicate(std::string_view full_name) const {
    const auto names = split_name(full_name);
    if (!names) return nullptr;
    const Collection* in = collection(names->first);
    return in == nullptr ? nullptr : in->find(names->second);
}

Result<uint64_t> schema_version(const StateView& view) {
    TRY(value, view.get(schema_version_key()));
    if (!value) return uint64_t{0};
    return number_from_value(*value);
}

std::optional<std::pair<std::string_view, std::string_view>> split_name(
    std::string_view full_name) {
    const size_t slash = full_name.find('/');
    if (slash == full_name.npos || full_name.find('/', slash + 1) != full_name.npos) return {};
    return std::pair{full_name.substr(0, slash), full_name.substr(slash + 1)};
}

}  // namespace tally::ledger
