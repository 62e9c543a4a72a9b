#include "ledger/permissions.hpp"

#include <algorithm>

#include "ledger/keys.hpp"
#include "ledger/subject.hpp"

namespace tally::ledger {
namespace {

constexpr std::string_view any = "*";
constexpr std::string_view public_role = "public";

bool contains_text(const std::vector<Value>& values, std::string_view text) {
    return std::find(values.begin(), values.end(), Value(std::string(text))) != values.end();
}

/// The subject that has this name, by a built-in predicate that is unique.
Result<std::optional<SubjectId>> find_by_name(const StateView& view, PredicateId predicate,
                                              std::string_view name) {
    Predicate unique;
    unique.id = predicate;
    return find_unique(view, unique, Value(std::string(name)));
}

Result<Row> row_that_exists(const StateView& view, SubjectId subject) {
    TRY(row, get_row(view, subject));
    if (!row) return StateError::missing_row;
    return *std::move(row);
}

}  // namespace

bool Permissions::Rule::covers(std::string_view of_collection, std::string_view predicate) const {
    if (collection != any && collection != of_collection) return false;
    return std::any_of(predicates.begin(), predicates.end(),
                       [&](const std::string& name) { return name == any || name == predicate; });
}

bool Permissions::Rule::covers_all(std::string_view of_collection) const {
    if (collection != any && collection != of_collection) return false;
    return std::find(predicates.begin(), predicates.end(), any) != predicates.end();
}

Permissions Permissions::everything() {
    Permissions permissions;
    permissions.rules_.push_back({std::string(any), {std::string(any)}, true, true});
    return permissions;
}

Result<void> Permissions::add_role(const StateView& view, SubjectId role) {
    TRY(role_row, row_that_exists(view, role));
    TRY(rules, values_of(role_row, predicates::role_rules, Type::ref));
    for (const Value& rule_id : rules) {
        TRY(row, row_that_exists(view, std::get<SubjectId>(rule_id)));
        Rule rule;
        const Field* collection = row.find(predicates::rule_collection);
        if (collection == nullptr) return StateError::bad_row;
        TRY(name, collection->single(Type::string));
        rule.collection = std::get<std::string>(name);
        TRY(names, values_of(row, predicates::rule_predicates, Type::string));
        for (Value& one : names) rule.predicates.push_back(std::get<std::string>(std::move(one)));
        TRY(ops, values_of(row, predicates::rule_ops, Type::string));
        rule.read = contains_text(ops, "read");
        rule.write = contains_text(ops, "write");
        rules_.push_back(std::move(rule));
    }
    return success();
}

Result<std::optional<Permissions>> Permissions::of_identity(const StateView& view,
                                                            std::string_view did) {
    TRY(subject, find_by_name(view, predicates::auth_id, did));
    if (!subject) return std::optional<Permissions>();
    TRY(row, row_that_exists(view, *subject));
    TRY(roles, values_of(row, predicates::auth_roles, Type::ref));
    Permissions permissions;
    for (const Value& role : roles) CHECK(permissions.add_role(view, std::get<SubjectId>(role)));
    return std::optional(std::move(permissions));
}

Result<Permissions> Permissions::of_public(const StateView& view) {
    Permissions permissions;
    TRY(role, find_by_name(view, predicates::role_id, public_role));
    if (role) CHECK(permissions.add_role(view, *role));
    return permissions;
}

Result<Permissions> Permissions::of_reader(const StateView& view, std::string_view did) {
    TRY(permissions, of_public(view));
    if (did.empty()) return permissions;
    TRY(own, of_identity(view, did));
    if (own) permissions.add(*own);
    return permissions;
}

bool Permissions::may_read(std::string_view collection, std::string_view predicate) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        return rule.read && rule.covers(collection, predicate);
    });
}

bool Permissions::may_write(std::string_view collection, std::string_view predicate) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        return rule.write && rule.covers(collection, predicate);
    });
}

bool Permissions::may_read_all(std::string_view collection) const {
    return std::any_of(rules_.begin(), rules_.end(),
                       [&](const Rule& rule) { return rule.read && rule.covers_all(collection); });
}

bool Permissions::may_read_any(std::string_view collection) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        return rule.read && !rule.predicates.empty() &&
               (rule.collection == any || rule.collection == collection);
    });
}

bool Permissions::may_write_any(std::string_view collection) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        return rule.write && !rule.predicates.empty() &&
               (rule.collection == any || rule.collection == collection);
    });
}

bool Permissions::may_read_everything() const {
    return std::any_of(rules_.begin(), rules_.end(), [](const Rule& rule) {
        return rule.read && rule.collection == any && rule.covers_all(any);
    });
}

void Permissions::add(const Permissions& other) {
    rules_.insert(rules_.end(), other.rules_.begin(), other.rules_.end());
}

}  // namespace tally::ledger
