// How one change becomes writes: Transaction's second half.
#include <algorithm>

#include "ledger/shown.hpp"
#include "ledger/transaction.hpp"

namespace tally::ledger {
namespace {

namespace bj = boost::json;

/// ["package/name", "zlib1g"]: no list of temporary ids looks like that.
bool is_pair(const bj::value& value) {
    const auto* parts = value.if_array();
    if (parts == nullptr || parts->size() != 2 || !parts->front().is_string()) return false;
    const std::string_view name = parts->front().get_string();
    return name.find('/') != name.npos && name.find('$') == name.npos;
}

void sort_without_repetition(std::vector<Value>& values) {
    std::sort(values.begin(), values.end(), value_less);
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

bool contains(const std::vector<Value>& values, const Value& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Result<Row> Transaction::load_row(SubjectId subject) {
    TRY(bytes, workspace_.get(row_key(subject)));
    if (bytes == nullptr) return StateError::missing_row;
    return decode_row(*bytes);
}

Result<void> Transaction::apply_change(uint32_t index, const Permissions& permissions) {
    TRY(subject, resolve(index));
    TRY(collection, catalog_.collection(collection_of(subject)));
    // This transaction may have deleted it since the subject was resolved.
    if (collection == nullptr) return reject(ResultCode::unknown_collection, {index});
    const Change& change = changes_[index];
    Row row;
    if (change.action != Action::insert) {
        TRY(stored, load_row(subject));
        row = std::move(stored);
    }
    if (!permissions.may_write_any(collection->name))
        return reject(ResultCode::not_permitted, {index, 0}, "collection " + collection->name);
    if (change.action == Action::remove)
        return remove(index, *collection, std::move(row), permissions);

    const Row before = row;
    TRY(values, read_values(index, *collection, permissions));
    for (const NewValue& value : values) CHECK(write_field(index, subject, value, row));
    CHECK(check_required(index, *collection, row));
    const bool inserts = changes_[index].action == Action::insert;
    if (!inserts && row == before) return success();
    CHECK(change_built_in(index, subject, inserts ? nullptr : &before, &row));
    return put_row(index, subject, row);
}

Result<void> Transaction::remove(uint32_t index, const Collection& collection, Row row,
                                 const Permissions& permissions) {
    const SubjectId subject = *changes_[index].subject;
    for (const auto& member : *changes_[index].map) {
        if (member.key() != "_id" && member.key() != "_action")
            return reject(ResultCode::bad_action, {index}, "it also sets " + shown(member.key()));
    }
    for (const Field& field : row.fields) {
        const Predicate* predicate = collection.find(field.predicate);
        if (predicate == nullptr) return StateError::bad_row;
        if (!permissions.may_write(collection.name, predicate->name))
            return reject(ResultCode::not_permitted, {index, predicate->id.value},
                          collection.name + "/" + predicate->name);
        TRY(values, field.values(predicate->type));
        for (const Value& value : values) CHECK(remove_keys(subject, *predicate, value));
    }
    CHECK(change_built_in(index, subject, &row, nullptr));
    removed_.push_back(subject);
    return workspace_.erase(row_key(subject));
}

// --- from JSON to values ---

Result<std::vector<Transaction::NewValue>> Transaction::read_values(
    uint32_t index, const Collection& collection, const Permissions& permissions) {
    std::vector<NewValue> values;
    const auto allowed = [&](const Predicate& predicate) {
        return permissions.may_write(collection.name, predicate.name);
    };
    for (const auto& member : *changes_[index].map) {
        if (member.key() == "_id" || member.key() == "_action") continue;
        const Predicate* predicate = collection.find(std::string_view(member.key()));
        if (predicate == nullptr)
            return reject(ResultCode::unknown_predicate, {index, collection.id.value},
                          collection.name + " has no " + shown(member.key()));
        if (!allowed(*predicate))
            return reject(ResultCode::not_permitted, {index, predicate->id.value},
                          collection.name + "/" + predicate->name);
        NewValue value{predicate, {}};
        if (!member.value().is_null()) {
            TRY(list, read_list(index, *predicate, member.value()));
            value.values = std::move(list);
        }
        values.push_back(std::move(value));
    }
    if (const auto& pair = changes_[index].pair) {
        const Predicate* predicate = collection.find(pair->first);
        if (predicate == nullptr)  // Deleted since, by this transaction.
            return reject(ResultCode::unknown_predicate, {index, collection.id.value});
        if (!allowed(*predicate))
            return reject(ResultCode::not_permitted, {index, predicate->id.value},
                          collection.name + "/" + predicate->name);
        values.push_back({predicate, {pair->second}});
    }
    return values;
}

/// A list replaces all values of a multi predicate.
Result<std::vector<Value>> Transaction::read_list(uint32_t index, const Predicate& predicate,
                                                  const bj::value& from) {
    std::vector<Value> values;
    const bool is_reference_pair = predicate.type == Type::ref && is_pair(from);
    if (!from.is_array() || is_reference_pair) {
        TRY(value, read_one(index, predicate, from));
        values.push_back(std::move(value));
        return values;
    }
    if (!predicate.multi)
        return reject(ResultCode::not_multi, {index, predicate.id.value},
                      "\"" + predicate.name + "\"");
    for (const bj::value& element : from.get_array()) {
        TRY(value, read_one(index, predicate, element));
        values.push_back(std::move(value));
    }
    sort_without_repetition(values);
    return values;
}

Result<Value> Transaction::read_one(uint32_t index, const Predicate& predicate,
                                    const bj::value& from) {
    if (predicate.type == Type::ref) {
        TRY(subject, read_reference(index, predicate, from));
        return Value(subject);
    }
    auto value = value_from_json(predicate.type, from);
    if (!value)
        return reject(ResultCode::wrong_type, {index, predicate.id.value}, shown(predicate, from));
    return *std::move(value);
}

/// By number, temporary id, unique pair, or a nested map.
Result<SubjectId> Transaction::read_reference(uint32_t index, const Predicate& predicate,
                                              const bj::value& from) {
    const uint64_t id = predicate.id.value;
    std::optional<SubjectId> target;
    if (const auto* text = from.if_string()) {
        const auto at = temporary_.find(std::string_view(*text));
        if (at == temporary_.end())
            return reject(ResultCode::unknown_temporary_id, {index}, shown(from));
        TRY(subject, resolve(at->second));
        target = subject;
    } else if (const auto* map = from.if_object()) {
        const auto at = by_map_.find(map);
        ENSURE(at != by_map_.end());  // read_change() goes wherever this can come from.
        changes_[at->second].collection_hint = predicate.restrict_to;
        TRY(subject, resolve(at->second));
        target = subject;
    } else if (from.is_array()) {
        TRY(pair, find_pair(index, from));
        target = pair.subject;
        if (!target) return reject(ResultCode::bad_reference, {index, id, 0}, shown(from));
    } else if (const auto number = value_from_json(Type::ref, from)) {
        target = std::get<SubjectId>(*number);
    } else {
        return reject(ResultCode::wrong_type, {index, id}, shown(predicate, from));
    }
    if (predicate.restrict_to && collection_of(*target) != *predicate.restrict_to)
        return reject(ResultCode::wrong_collection, {index, id, target->value},
                      "\"" + predicate.name + "\" may not refer to " + shown(from) + ", subject " +
                          std::to_string(target->value));
    if (!inserted_.contains(*target)) {
        TRY(row, workspace_.get(row_key(*target)));
        if (row == nullptr)
            return reject(
                ResultCode::bad_reference, {index, id, target->value},
                "\"" + predicate.name + "\" refers to subject " + std::to_string(target->value));
    }
    return *target;
}

// --- from values to keys ---

Result<void> Transaction::write_field(uint32_t index, SubjectId subject, const NewValue& value,
                                      Row& row) {
    const Predicate& predicate = *value.predicate;
    TRY(before, values_of(row, predicate.id, predicate.type));
    if (before == value.values) return success();  // Not written: it keeps its salt.
    for (const Value& old : before) {
        if (!contains(value.values, old)) CHECK(remove_keys(subject, predicate, old));
    }
    for (const Value& fresh : value.values) {
        if (!contains(before, fresh)) CHECK(add_keys(index, subject, predicate, fresh));
    }
    if (value.values.empty()) {
        row.remove(predicate.id);
        return success();
    }
    row.set({predicate.id, salts().salt(subject, predicate.id),
             predicate.multi ? encode_multi(value.values) : encode_single(value.values.front())});
    return success();
}

Result<void> Transaction::add_keys(uint32_t index, SubjectId subject, const Predicate& predicate,
                                   const Value& value) {
    if (predicate.unique) {
        Bytes key = unique_key(predicate.id, value);
        TRY(taken, workspace_.get(key));
        if (taken != nullptr) {
            TRY(other, number_from_value(*taken));
            return reject(ResultCode::not_unique, {index, predicate.id.value, other},
                          "\"" + predicate.name + "\" " + shown(to_json(value)) +
                              " belongs to subject " + std::to_string(other));
        }
        CHECK(workspace_.put(std::move(key), number_value(subject.value)));
    }
    if (predicate.index) CHECK(workspace_.put(index_key(predicate.id, value, subject), {}));
    if (predicate.type == Type::ref)
        CHECK(workspace_.put(reverse_key(std::get<SubjectId>(value), predicate.id, subject), {}));
    return success();
}

Result<void> Transaction::remove_keys(SubjectId subject, const Predicate& predicate,
                                      const Value& value) {
    if (predicate.unique) CHECK(workspace_.erase(unique_key(predicate.id, value)));
    if (predicate.index) CHECK(workspace_.erase(index_key(predicate.id, value, subject)));
    if (predicate.type == Type::ref)
        CHECK(workspace_.erase(reverse_key(std::get<SubjectId>(value), predicate.id, subject)));
    return success();
}

Result<void> Transaction::check_required(uint32_t index, const Collection& collection,
                                         const Row& row) {
    for (const Predicate& predicate : collection.predicates) {
        if (predicate.required && row.find(predicate.id) == nullptr)
            return reject(ResultCode::missing_required, {index, predicate.id.value},
                          collection.name + "/" + predicate.name);
    }
    return success();
}

Result<void> Transaction::put_row(uint32_t index, SubjectId subject, const Row& row) {
    Bytes bytes = encode_row(row);
    if (bytes.size() > limits::value_bytes_max)
        return reject(ResultCode::row_too_large, {index, subject.value},
                      std::to_string(bytes.size()) + " bytes");
    const Commitment commitment{uint32_t(bytes.size()), row_commitment(row)};
    return workspace_.put(row_key(subject), std::move(bytes), commitment);
}

Result<void> Transaction::check_unreferenced(SubjectId subject) {
    const Bytes prefix = reverse_prefix(subject);
    TRY(first, workspace_.first_in({prefix, after_prefix(prefix)}));
    if (!first) return success();
    const auto entry = reverse_of_key(first->first);
    if (!entry) return StateError::missing_row;
    return reject(ResultCode::still_referenced,
                  {subject.value, entry->predicate.value, entry->source.value},
                  "subject " + std::to_string(entry->source.value) + " refers to subject " +
                      std::to_string(subject.value));
}

}  // namespace tally::ledger
