// What rows of the built-in collections mean beyond their fields: the schema's sheets follow from
// `_collection` and `_predicate`, and identities and rules must make sense.
#include <algorithm>

#include "crypto/keys.hpp"
#include "ledger/transaction.hpp"

namespace tally::ledger {
namespace {

constexpr size_t schema_name_bytes_max = 64;

/// Lower-case letters, digits and underscores, a letter first: a name in SQL without quotes.
bool is_name(std::string_view text) {
    if (text.empty() || text.size() > schema_name_bytes_max) return false;
    if (text.front() < 'a' || text.front() > 'z') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

Result<std::string> text_of(const Row& row, PredicateId predicate) {
    const Field* field = row.find(predicate);
    if (field == nullptr) return std::string();
    TRY(value, field->single(Type::string));
    return std::get<std::string>(std::move(value));
}

Result<bool> flag_of(const Row& row, PredicateId predicate) {
    const Field* field = row.find(predicate);
    if (field == nullptr) return false;
    TRY(value, field->single(Type::boolean));
    return std::get<bool>(value);
}

}  // namespace

Result<void> Transaction::change_built_in(uint32_t index, SubjectId subject, const Row* before,
                                          const Row* after) {
    const CollectionId collection = collection_of(subject);
    if (collection == collection_collection)
        return change_collection(index, subject, before, after);
    if (collection == predicate_collection) return change_predicate(index, subject, before, after);
    if (collection == auth_collection && after != nullptr) return check_auth(index, *after);
    if (collection == rule_collection && after != nullptr) return check_rule(index, *after);
    return success();
}

Result<void> Transaction::change_collection(uint32_t index, SubjectId subject, const Row* before,
                                            const Row* after) {
    const CollectionId id{uint16_t(counter_of(subject))};
    if (id < collection_first) return reject(ResultCode::schema_built_in, {index});
    if (before == nullptr) {
        TRY(name, text_of(*after, predicates::collection_name));
        if (!is_name(name)) return reject(ResultCode::bad_name, {index}, "\"" + name + "\"");
        CHECK(put_sheet({id, name, {}}));
        return schema_changed();
    }
    if (after != nullptr) {
        TRY(old_name, text_of(*before, predicates::collection_name));
        TRY(new_name, text_of(*after, predicates::collection_name));
        if (old_name != new_name) return reject(ResultCode::name_is_fixed, {index}, old_name);
        return success();
    }
    TRY(collection, catalog_.collection(id));
    if (collection == nullptr) return StateError::bad_sheet;
    TRY(in_use, has_subjects(id));
    if (in_use) return reject(ResultCode::schema_in_use, {index, id.value}, collection->name);
    if (!collection->predicates.empty())
        return reject(ResultCode::bad_definition, {index},
                      "delete the predicates of " + collection->name + " first");
    CHECK(workspace_.erase(sheet_key(id)));
    return schema_changed();
}

Result<void> Transaction::change_predicate(uint32_t index, SubjectId subject, const Row* before,
                                           const Row* after) {
    const PredicateId id{uint32_t(counter_of(subject))};
    if (id < predicates::first) return reject(ResultCode::schema_built_in, {index});
    TRY(full_name, text_of(before != nullptr ? *before : *after, predicates::predicate_name));
    const auto names = split_name(full_name);
    if (!names || !is_name(names->second))
        return reject(ResultCode::bad_name, {index}, "\"" + full_name + "\"");
    TRY(found, catalog_.collection(names->first));
    if (found == nullptr)
        return reject(ResultCode::unknown_collection, {index}, std::string(names->first));
    if (found->id < collection_first) return reject(ResultCode::schema_built_in, {index});

    Collection collection = *found;
    const auto at = std::find_if(collection.predicates.begin(), collection.predicates.end(),
                                 [&](const Predicate& predicate) { return predicate.id == id; });
    std::optional<Predicate> defined;
    if (after != nullptr) {
        TRY(new_name, text_of(*after, predicates::predicate_name));
        if (new_name != full_name) return reject(ResultCode::name_is_fixed, {index}, full_name);
        TRY(predicate, define_predicate(index, subject, *after));
        predicate.collection = collection.id;
        predicate.name = std::string(names->second);
        if (before != nullptr && at != collection.predicates.end() && *at == predicate)
            return success();  // Only its doc changed.
        defined = std::move(predicate);
    }
    const bool breaks_subjects = before != nullptr || (defined && defined->required);
    if (breaks_subjects) {
        TRY(in_use, has_subjects(collection.id));
        if (in_use)
            return reject(ResultCode::schema_in_use, {index, collection.id.value}, full_name);
    }
    if (at != collection.predicates.end()) collection.predicates.erase(at);
    if (defined) {
        if (collection.predicates.size() == sheet_predicates_max)
            return reject(ResultCode::schema_full, {index});
        const auto place =
            std::find_if(collection.predicates.begin(), collection.predicates.end(),
                         [&](const Predicate& predicate) { return predicate.id > id; });
        collection.predicates.insert(place, *std::move(defined));
    }
    CHECK(put_sheet(collection));
    return schema_changed();
}

Result<Predicate> Transaction::define_predicate(uint32_t index, SubjectId subject, const Row& row) {
    Predicate predicate;
    predicate.id = {uint32_t(counter_of(subject))};
    TRY(type_name, text_of(row, predicates::predicate_type));
    const auto type = type_of_name(type_name);
    if (!type)
        return reject(
            ResultCode::bad_definition, {index},
            "type \"" + type_name + "\" is none of string, int, bool, bytes, instant, ref");
    predicate.type = *type;
    TRY(unique, flag_of(row, predicates::predicate_unique));
    TRY(required, flag_of(row, predicates::predicate_required));
    TRY(indexed, flag_of(row, predicates::predicate_index));
    TRY(multi, flag_of(row, predicates::predicate_multi));
    TRY(upsert, flag_of(row, predicates::predicate_upsert));
    predicate.unique = unique;
    predicate.required = required;
    predicate.index = indexed;
    predicate.multi = multi;
    predicate.upsert = upsert;
    if (upsert && (!unique || multi || *type == Type::ref))
        return reject(ResultCode::bad_definition, {index},
                      "upsert needs unique, one value, and a type other than ref");
    TRY(restrict_name, text_of(row, predicates::predicate_restrict));
    if (restrict_name.empty()) return predicate;
    if (*type != Type::ref)
        return reject(ResultCode::bad_definition, {index}, "restrict is for the type ref");
    TRY(target, catalog_.collection(restrict_name));
    if (target == nullptr) return reject(ResultCode::unknown_collection, {index}, restrict_name);
    predicate.restrict_to = target->id;
    return predicate;
}

Result<void> Transaction::check_auth(uint32_t index, const Row& row) {
    TRY(did, text_of(row, predicates::auth_id));
    if (!public_key_from_did(did).ok())
        return reject(ResultCode::bad_definition, {index},
                      "_auth/id is not the did:key of an Ed25519 or secp256k1 key");
    return success();
}

Result<void> Transaction::check_rule(uint32_t index, const Row& row) {
    TRY(collection, text_of(row, predicates::rule_collection));
    if (collection.empty())
        return reject(ResultCode::bad_definition, {index}, "_rule/collection is a name or \"*\"");
    if (const Field* ops = row.find(predicates::rule_ops)) {
        TRY(names, ops->values(Type::string));
        for (const Value& name : names) {
            const auto& text = std::get<std::string>(name);
            if (text != "read" && text != "write")
                return reject(ResultCode::bad_definition, {index},
                              "_rule/ops are \"read\" and \"write\"");
        }
    }
    return success();
}

Result<bool> Transaction::has_subjects(CollectionId collection) {
    TRY(first, workspace_.first_in(rows_of(collection)));
    return first.has_value();
}

Result<void> Transaction::put_sheet(const Collection& collection) {
    return workspace_.put(sheet_key(collection.id), encode_sheet(collection));
}

Result<void> Transaction::schema_changed() {
    schema_touched_ = true;
    catalog_.forget_schema();
    TRY(stored, workspace_.get(schema_version_key()));
    uint64_t version = 0;
    if (stored != nullptr) {
        TRY(number, number_from_value(*stored));
        version = number;
    }
    return workspace_.put(schema_version_key(), number_value(version + 1));
}

}  // namespace tally::ledger
