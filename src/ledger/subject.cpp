#include "ledger/subject.hpp"

#include "ledger/keys.hpp"

namespace tally::ledger {
namespace {

namespace bj = boost::json;

Result<bj::value> field_to_json(const Predicate& predicate, const Field& field) {
    TRY(values, field.values(predicate.type));
    if (!predicate.multi) {
        if (values.size() != 1) return StateError::bad_row;
        return to_json(values.front());
    }
    bj::array list;
    for (const Value& value : values) list.push_back(to_json(value));
    return bj::value(std::move(list));
}

}  // namespace

Result<bj::object> row_to_json(const Schema& schema, SubjectId subject, const Row& row,
                               const Permissions& permissions) {
    bj::object object;
    object.emplace("_id", int64_t(subject.value));
    const Collection* collection = schema.collection(collection_of(subject));
    if (collection == nullptr) return StateError::bad_row;
    for (const Field& field : row.fields) {
        const Predicate* predicate = collection->find(field.predicate);
        if (predicate == nullptr) return StateError::bad_row;
        if (!permissions.may_read(collection->name, predicate->name)) continue;
        TRY(value, field_to_json(*predicate, field));
        object.emplace(predicate->name, std::move(value));
    }
    return object;
}

Result<std::optional<bj::object>> subject_to_json(const StateView& view, const Schema& schema,
                                                  SubjectId subject,
                                                  const Permissions& permissions) {
    const Collection* collection = schema.collection(collection_of(subject));
    if (collection == nullptr || !permissions.may_read_any(collection->name))
        return std::optional<bj::object>();
    TRY(row, get_row(view, subject));
    if (!row) return std::optional<bj::object>();
    TRY(object, row_to_json(schema, subject, *row, permissions));
    return std::optional(std::move(object));
}

Result<std::optional<SubjectId>> find_unique(const StateView& view, const Predicate& predicate,
                                             const Value& value) {
    TRY(found, view.get(unique_key(predicate.id, value)));
    if (!found) return std::optional<SubjectId>();
    TRY(subject, number_from_value(*found));
    return std::optional(SubjectId{subject});
}

Result<std::optional<Row>> get_row(const StateView& view, SubjectId subject) {
    TRY(bytes, view.get(row_key(subject)));
    if (!bytes) return std::optional<Row>();
    TRY(row, decode_row(*bytes));
    return std::optional(std::move(row));
}

}  // namespace tally::ledger
