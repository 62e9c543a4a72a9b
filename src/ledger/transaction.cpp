#include "ledger/transaction.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "ledger/shown.hpp"

namespace tally::ledger {
namespace {

namespace bj = boost::json;
using model::quoted;

}  // namespace

Error Transaction::reject(ResultCode code, std::vector<uint64_t> arguments, std::string detail) {
    rejection_ = Rejection{code, std::move(arguments), std::move(detail)};
    return fail(code);
}

const SaltSource& Transaction::salts() {
    if (!salts_) salts_.emplace(secret_);
    return *salts_;
}

Result<void> Transaction::apply(const bj::array& changes, const Permissions& permissions) {
    if (rejection_) return success();
    if (auto read = read_changes(changes); !read.ok()) {
        if (!rejection_) return read;
        return success();
    }
    for (uint32_t i = 0; i < changes_.size(); ++i)
        CHECK(step(i, [&] { return apply_change(i, permissions); }));
    // Only now: what refers to a deleted subject may have been deleted after it.
    for (size_t i = 0; i < removed_.size(); ++i)
        CHECK(step(uint32_t(changes_.size()), [&] { return check_unreferenced(removed_[i]); }));
    return success();
}

void Transaction::forget_what_changed() {
    if (schema_touched_) catalog_.forget_schema();
    if (identities_touched_) catalog_.forget_identities();
}

std::vector<SubjectId> Transaction::subjects() const {
    std::vector<SubjectId> subjects;
    subjects.reserve(changes_.size());
    for (const Change& change : changes_) subjects.push_back(change.subject.value_or(SubjectId{}));
    return subjects;
}

std::vector<std::pair<std::string, SubjectId>> Transaction::assigned() const {
    std::vector<std::pair<std::string, SubjectId>> assigned;
    for (const Change& change : changes_) {
        if (!change.temporary.empty() && change.subject)
            assigned.emplace_back(change.temporary, *change.subject);
    }
    return assigned;
}

// --- reading the text ---

Result<void> Transaction::read_changes(const bj::array& changes) {
    for (const bj::value& change : changes) {
        if (!change.is_object())
            return reject(ResultCode::bad_subject, {changes_.size()}, "a change is no object");
        CHECK(read_change(change.get_object(), 0));
    }
    return success();
}

Result<void> Transaction::read_change(const bj::object& map, uint32_t depth) {
    ENSURE(depth <= limits::json_depth_max);  // parse_json() let nothing deeper through.
    const auto index = uint32_t(changes_.size());
    if (index == settings_.changes_max) return reject(ResultCode::too_many_changes);
    Change change;
    change.map = &map;
    const bj::value* id = map.if_contains("_id");
    if (id != nullptr && id->is_string()) {
        const std::string_view text = id->get_string();
        if (text.find('$') != text.npos) change.temporary = text;
    }
    if (!change.temporary.empty() && !temporary_.emplace(change.temporary, index).second)
        return reject(ResultCode::temporary_id_twice, {index}, quoted(change.temporary));
    by_map_.emplace(&map, index);
    changes_.push_back(std::move(change));

    for (const auto& member : map) {
        if (member.key() == "_id") continue;
        if (member.value().is_object()) {
            CHECK(read_change(member.value().get_object(), depth + 1));
        } else if (const auto* list = member.value().if_array()) {
            for (const bj::value& element : *list) {
                if (element.is_object()) CHECK(read_change(element.get_object(), depth + 1));
            }
        }
    }
    return success();
}

Result<Transaction::Wish> Transaction::wish_of(uint32_t index) {
    const bj::value* action = changes_[index].map->if_contains("_action");
    if (action == nullptr) return Wish::inferred;
    const auto* text = action->if_string();
    if (text != nullptr && *text == "insert") return Wish::insert;
    if (text != nullptr && *text == "update") return Wish::update;
    if (text != nullptr && *text == "upsert") return Wish::upsert;
    if (text != nullptr && *text == "delete") return Wish::remove;
    return reject(ResultCode::bad_action, {index},
                  text == nullptr ? "it is no string" : quoted(*text));
}

// --- finding subjects ---

Result<SubjectId> Transaction::resolve(uint32_t index) {
    if (changes_[index].subject) return *changes_[index].subject;
    TRY(wish, wish_of(index));
    const bj::value* id = changes_[index].map->if_contains("_id");
    if (id == nullptr) {
        // A nested map lies in the collection that its predicate points into.
        const auto hint = changes_[index].collection_hint;
        if (!hint) return reject(ResultCode::bad_subject, {index}, "the change has no \"_id\"");
        if (wish != Wish::inferred && wish != Wish::insert)
            return reject(ResultCode::bad_action, {index}, "a change without \"_id\" inserts");
        TRY(collection, catalog_.collection(*hint));
        if (collection == nullptr) return reject(ResultCode::unknown_collection, {index});
        CHECK(resolve_temporary(index, collection->name, wish));
    } else if (id->is_string()) {
        CHECK(resolve_temporary(index, id->get_string(), wish));
    } else if (id->is_int64()) {
        CHECK(resolve_number(index, *id, wish));
    } else if (id->is_array()) {
        CHECK(resolve_pair(index, *id, wish));
    } else {
        return reject(ResultCode::bad_subject, {index});
    }
    return *changes_[index].subject;
}

/// "package$1", or "package" alone for a subject that nothing else refers to.
Result<void> Transaction::resolve_temporary(uint32_t index, std::string_view text, Wish wish) {
    const std::string_view name = text.substr(0, text.find('$'));
    TRY(collection, catalog_.collection(name));
    if (collection == nullptr) return reject(ResultCode::unknown_collection, {index}, quoted(name));
    if (wish == Wish::update || wish == Wish::remove)
        return reject(ResultCode::bad_action, {index}, "a temporary id is for a new subject");
    if (wish != Wish::insert) {
        TRY(existing, find_upsert(index, *collection));
        if (existing) return decide(index, *existing, Action::update);
    }
    TRY(subject, allocate(index, collection->id));
    return decide(index, subject, Action::insert);
}

Result<void> Transaction::resolve_number(uint32_t index, const bj::value& number, Wish wish) {
    const auto value = value_from_json(Type::ref, number);
    if (!value) return reject(ResultCode::bad_subject, {index});
    const SubjectId subject = std::get<SubjectId>(*value);
    if (wish == Wish::insert || wish == Wish::upsert)
        return reject(ResultCode::bad_action, {index}, "new subjects get their numbers here");
    TRY(row, workspace_.get(row_key(subject)));
    if (row == nullptr) return reject(ResultCode::no_such_subject, {index, subject.value});
    return decide(index, subject, wish == Wish::remove ? Action::remove : Action::update);
}

Result<void> Transaction::resolve_pair(uint32_t index, const bj::value& pair, Wish wish) {
    TRY(found, find_pair(index, pair));
    if (found.subject) {
        if (wish == Wish::insert)
            return reject(ResultCode::subject_exists, {index, found.subject->value});
        return decide(index, *found.subject,
                      wish == Wish::remove ? Action::remove : Action::update);
    }
    if (wish != Wish::insert && wish != Wish::upsert)
        return reject(ResultCode::no_such_subject, {index, 0}, bj::serialize(pair));
    if (changes_[index].map->contains(found.predicate.name))
        return reject(ResultCode::bad_action, {index},
                      quoted(found.predicate.name) + " is given by \"_id\" already");
    TRY(subject, allocate(index, found.predicate.collection));
    changes_[index].pair = {found.predicate.id, found.value};
    return decide(index, subject, Action::insert);
}

/// The subject that already has one of the change's upsert values.
Result<std::optional<SubjectId>> Transaction::find_upsert(uint32_t index,
                                                          const Collection& collection) {
    std::optional<SubjectId> existing;
    for (const Predicate& predicate : collection.predicates) {
        if (!predicate.upsert) continue;
        const bj::value* given = changes_[index].map->if_contains(predicate.name);
        if (given == nullptr || given->is_null()) continue;
        const auto value = value_from_json(predicate.type, *given);
        if (!value)
            return reject(ResultCode::wrong_type, {index, predicate.id.value},
                          shown(predicate, *given));
        TRY(found, workspace_.get(unique_key(predicate.id, *value)));
        if (found == nullptr) continue;
        TRY(subject, number_from_value(*found));
        if (existing && existing->value != subject)
            return reject(ResultCode::ambiguous_upsert, {index, existing->value, subject});
        existing = SubjectId{subject};
    }
    return existing;
}

/// Forgets what the last step found out: it is to be done again.
void Transaction::take_back_step(size_t removed_before) {
    for (const uint32_t index : decided_in_step_) {
        Change& change = changes_[index];
        changed_.erase(*change.subject);
        inserted_.erase(*change.subject);
        change.subject.reset();
        change.pair.reset();
    }
    removed_.resize(removed_before);
    rejection_.reset();
    forget_what_changed();
}

Result<void> Transaction::decide(uint32_t index, SubjectId subject, Action action) {
    if (!changed_.insert(subject).second)
        return reject(ResultCode::subject_twice, {index, subject.value});
    changes_[index].subject = subject;
    changes_[index].action = action;
    decided_in_step_.push_back(index);
    if (action == Action::insert) inserted_.insert(subject);
    if (collection_of(subject) >= auth_collection && collection_of(subject) <= rule_collection)
        identities_touched_ = true;
    cbor::Writer carried;
    carried.array(3);
    carried.uint(index);
    carried.uint(subject.value);
    carried.uint(uint64_t(action));
    workspace_.carry(carried.out());
    return success();
}

/// The collection's next number. It goes back with everything else if the transaction is rejected.
Result<SubjectId> Transaction::allocate(uint32_t index, CollectionId collection) {
    TRY(stored, workspace_.get(counter_key(collection)));
    uint64_t last = 0;
    if (stored != nullptr) {
        TRY(number, number_from_value(*stored));
        last = number;
    }
    const bool is_collection = collection == collection_collection;
    const bool is_predicate = collection == predicate_collection;
    if ((is_collection && last >= collection_max) || (is_predicate && last >= predicates_max))
        return reject(ResultCode::schema_full, {index});
    if (last >= counter_max) return reject(ResultCode::collection_full, {index, collection.value});
    CHECK(workspace_.put(counter_key(collection), number_value(last + 1)));
    return subject_of(collection, last + 1);
}

Result<Transaction::Pair> Transaction::find_pair(uint32_t index, const bj::value& pair) {
    const auto* parts = pair.if_array();
    const auto* name =
        parts != nullptr && parts->size() == 2 ? parts->front().if_string() : nullptr;
    if (name == nullptr)
        return reject(ResultCode::bad_subject, {index},
                      "a pair is [\"collection/predicate\", value]");
    const auto names = split_name(*name);
    if (!names) return reject(ResultCode::bad_subject, {index}, quoted(*name));
    TRY(collection, catalog_.collection(names->first));
    if (collection == nullptr)
        return reject(ResultCode::unknown_collection, {index}, quoted(names->first));
    const Predicate* predicate = collection->find(names->second);
    if (predicate == nullptr)
        return reject(ResultCode::unknown_predicate, {index, collection->id.value}, quoted(*name));
    if (!predicate->unique)
        return reject(ResultCode::not_a_unique_predicate, {index}, quoted(*name));
    auto value = value_from_json(predicate->type, parts->back());
    if (!value)
        return reject(ResultCode::wrong_type, {index, predicate->id.value},
                      shown(*predicate, parts->back()));
    Pair result{*predicate, *std::move(value), {}};
    TRY(found, workspace_.get(unique_key(predicate->id, result.value)));
    if (found != nullptr) {
        TRY(subject, number_from_value(*found));
        result.subject = SubjectId{subject};
    }
    return result;
}

}  // namespace tally::ledger
