#include "ledger/result_code.hpp"

#include <algorithm>

#include "model/envelope.hpp"

namespace tally::ledger {
namespace {

constexpr ResultCode result_codes[] = {
    ResultCode::applied,
    ResultCode::duplicate,
    ResultCode::expired,
    ResultCode::too_far_ahead,
    ResultCode::ledger_paused,
    ResultCode::sealed_full,
    ResultCode::sealed_lapsed,
    ResultCode::unknown_identity,
    ResultCode::not_permitted,
    ResultCode::out_of_fuel,
    ResultCode::step_too_large,
    ResultCode::transaction_too_large,
    ResultCode::sealed_void,
    ResultCode::bad_subject,
    ResultCode::unknown_collection,
    ResultCode::unknown_predicate,
    ResultCode::unknown_temporary_id,
    ResultCode::temporary_id_twice,
    ResultCode::subject_twice,
    ResultCode::no_such_subject,
    ResultCode::bad_action,
    ResultCode::subject_exists,
    ResultCode::too_many_changes,
    ResultCode::wrong_type,
    ResultCode::not_unique,
    ResultCode::missing_required,
    ResultCode::not_multi,
    ResultCode::bad_reference,
    ResultCode::wrong_collection,
    ResultCode::still_referenced,
    ResultCode::row_too_large,
    ResultCode::ambiguous_upsert,
    ResultCode::not_a_unique_predicate,
    ResultCode::collection_full,
    ResultCode::bad_name,
    ResultCode::bad_definition,
    ResultCode::schema_in_use,
    ResultCode::schema_built_in,
    ResultCode::schema_full,
    ResultCode::name_is_fixed,
};

/// What an argument of a result is, so that it can be shown by name.
enum class Argument : uint8_t { change, predicate, subject, collection, fuel };

std::span<const Argument> arguments_of(ResultCode code) {
    using enum Argument;
    static constexpr Argument only_change[] = {change};
    static constexpr Argument change_predicate[] = {change, predicate};
    static constexpr Argument change_predicate_subject[] = {change, predicate, subject};
    static constexpr Argument change_subject[] = {change, subject};
    static constexpr Argument change_subject_subject[] = {change, subject, subject};
    static constexpr Argument change_collection[] = {change, collection};
    static constexpr Argument subject_predicate_subject[] = {subject, predicate, subject};
    static constexpr Argument only_fuel[] = {fuel};
    switch (code) {
    case ResultCode::applied:
    case ResultCode::duplicate:
    case ResultCode::expired:
    case ResultCode::too_far_ahead:
    case ResultCode::ledger_paused:
    case ResultCode::sealed_full:
    case ResultCode::sealed_lapsed:
    case ResultCode::sealed_void:
    case ResultCode::unknown_identity:
    case ResultCode::transaction_too_large:
    case ResultCode::too_many_changes: return {};
    case ResultCode::out_of_fuel: return only_fuel;
    case ResultCode::step_too_large:
    case ResultCode::bad_subject:
    case ResultCode::unknown_collection:
    case ResultCode::unknown_temporary_id:
    case ResultCode::temporary_id_twice:
    case ResultCode::bad_action:
    case ResultCode::not_a_unique_predicate:
    case ResultCode::bad_name:
    case ResultCode::bad_definition:
    case ResultCode::schema_built_in:
    case ResultCode::schema_full:
    case ResultCode::name_is_fixed: return only_change;
    case ResultCode::subject_twice:
    case ResultCode::no_such_subject:
    case ResultCode::subject_exists:
    case ResultCode::row_too_large: return change_subject;
    case ResultCode::unknown_predicate:
    case ResultCode::collection_full:
    case ResultCode::schema_in_use: return change_collection;
    case ResultCode::not_permitted:
    case ResultCode::wrong_type:
    case ResultCode::missing_required:
    case ResultCode::not_multi: return change_predicate;
    case ResultCode::not_unique:
    case ResultCode::bad_reference:
    case ResultCode::wrong_collection: return change_predicate_subject;
    case ResultCode::still_referenced: return subject_predicate_subject;
    case ResultCode::ambiguous_upsert: return change_subject_subject;
    }
    std::abort();
}

std::string name_of_argument(Argument kind, uint64_t value, const Schema* schema) {
    const std::string number = std::to_string(value);
    switch (kind) {
    case Argument::change: return "change " + std::to_string(value + 1);
    case Argument::fuel: return "fuel " + number;
    case Argument::subject: return value == 0 ? "" : "subject " + number;
    case Argument::collection: {
        const auto* collection =
            schema == nullptr ? nullptr : schema->collection(CollectionId{uint16_t(value)});
        return "collection " + (collection == nullptr ? number : collection->name);
    }
    case Argument::predicate: {
        if (value == 0) return "";
        const auto* predicate =
            schema == nullptr ? nullptr : schema->predicate(PredicateId{uint32_t(value)});
        if (predicate == nullptr) return "predicate " + number;
        const auto* collection = schema->collection(predicate->collection);
        return "predicate " + (collection == nullptr ? "" : collection->name + "/") +
               predicate->name;
    }
    }
    std::abort();
}

std::optional<ResultCode> result_code_of(uint16_t code) {
    const auto at = std::find(std::begin(result_codes), std::end(result_codes), ResultCode(code));
    if (at == std::end(result_codes)) return {};
    return *at;
}

}  // namespace

ErrorText describe(ResultCode code) {
    switch (code) {
    case ResultCode::applied: return {"applied", "the transaction took effect", ""};
    case ResultCode::duplicate:
        return {"tx_duplicate", "this transaction was executed before; it counts once",
                "Ask for its first result by its id"};
    case ResultCode::expired:
        return {"tx_expired", "the transaction expired before it was ordered",
                "Sign it again with a later \"expire\""};
    case ResultCode::too_far_ahead:
        return {"tx_too_far_ahead", "the transaction expires too far in the future",
                "Sign it again with an earlier \"expire\""};
    case ResultCode::ledger_paused:
        return {"ledger_paused", "the ledger is paused", "Send the same transaction again later"};
    case ResultCode::sealed_full:
        return {"sealed_full", "the block opens as many sealed transactions as it may",
                "Send the same transaction again; it stays sealed"};
    case ResultCode::sealed_lapsed:
        return {"sealed_lapsed", "its epoch ended before it was executed",
                "Seal it again, with the same \"nonce\" and \"expire\": it takes effect once"};
    case ResultCode::unknown_identity:
        return {"unknown_identity", "the ledger does not know the signer",
                "Have someone with the right to add it as an `_auth` subject"};
    case ResultCode::not_permitted:
        return {"not_permitted", "no rule of the signer's roles allows this write",
                "Ask for a role with a rule that does"};
    case ResultCode::out_of_fuel:
        return {"out_of_fuel", "the transaction needs more fuel than it was given",
                "Sign it again with more \"fuel\""};
    case ResultCode::step_too_large:
        return {"step_too_large",
                "one change touches more than a segment holds: 128 keys, 128 KiB of witness",
                "Split the change, or give the list as subjects of their own"};
    case ResultCode::transaction_too_large:
        return {"transaction_too_large", "the transaction spans more than 64 segments",
                "Split it into several transactions"};
    case ResultCode::sealed_void:
        return {"sealed_void", "what was sealed does not open, or is no list of changes",
                "Seal it with `tally tx --sealed`, under a new \"nonce\""};
    case ResultCode::bad_subject:
        return {"bad_subject", "\"_id\" names no subject",
                "Write a temporary id (\"package$1\"), a number, or a unique pair "
                "([\"package/name\", \"zlib1g\"])"};
    case ResultCode::unknown_collection:
        return {"unknown_collection", "there is no such collection",
                "Look at the ledger's schema, or add the collection first"};
    case ResultCode::unknown_predicate:
        return {"unknown_predicate", "the collection has no such predicate",
                "Look at the ledger's schema, or add the predicate first"};
    case ResultCode::unknown_temporary_id:
        return {"unknown_temporary_id", "a reference to a temporary id that is no change's \"_id\"",
                "Add the change, or refer by number or unique pair"};
    case ResultCode::temporary_id_twice:
        return {"temporary_id_twice", "two changes have the same temporary id",
                "Put all that concerns one subject into one change"};
    case ResultCode::subject_twice:
        return {"subject_twice", "two changes concern the same subject",
                "Put all that concerns one subject into one change"};
    case ResultCode::no_such_subject:
        return {"no_such_subject", "the subject to change does not exist",
                "Look for it first, or use \"_action\": \"upsert\" with a unique pair"};
    case ResultCode::bad_action:
        return {"bad_action", "\"_action\" does not fit the change",
                "Use insert, update, upsert or delete; a delete names only \"_id\""};
    case ResultCode::subject_exists:
        return {"subject_exists", "the subject to insert exists already",
                "Use \"_action\": \"upsert\" or \"update\""};
    case ResultCode::too_many_changes:
        return {"too_many_changes_nested", "with its nested changes the transaction has too many",
                "Split it into several transactions"};
    case ResultCode::wrong_type:
        return {"wrong_type", "the value is not of the predicate's type",
                "Give a value of that type, as docs/transactions.md writes it"};
    case ResultCode::not_unique:
        return {"not_unique", "another subject has this unique value",
                "Change that subject instead, or choose another value"};
    case ResultCode::missing_required:
        return {"missing_required", "a required predicate has no value", "Give it a value"};
    case ResultCode::not_multi:
        return {"not_multi", "a list for a predicate that holds one value", "Give one value"};
    case ResultCode::bad_reference:
        return {"bad_reference", "a reference to a subject that does not exist",
                "Insert that subject first, or in the same transaction"};
    case ResultCode::wrong_collection:
        return {"wrong_collection", "a reference into another collection than the predicate allows",
                "Refer to a subject of the collection that the predicate is for"};
    case ResultCode::still_referenced:
        return {"still_referenced", "the subject to delete is still referred to",
                "Delete or change what refers to it first, or in the same transaction"};
    case ResultCode::row_too_large:
        return {"row_too_large", "the subject's fields together exceed 64 KiB",
                "Spread them over several subjects"};
    case ResultCode::ambiguous_upsert:
        return {"ambiguous_upsert", "the values given for upsert belong to different subjects",
                "Name the subject by its number"};
    case ResultCode::not_a_unique_predicate:
        return {"not_a_unique_predicate", "a unique pair needs a unique predicate",
                "Use a unique predicate, or the subject's number"};
    case ResultCode::collection_full:
        return {"collection_full", "the collection has given out all its numbers",
                "Make another collection"};
    case ResultCode::bad_name:
        return {"bad_name", "not a name for a collection or predicate",
                "Use lower-case letters, digits and underscores, a letter first; a predicate is "
                "\"collection/predicate\""};
    case ResultCode::bad_definition:
        return {"bad_definition", "the definition contradicts itself",
                "Define it as docs/transactions.md describes it"};
    case ResultCode::schema_in_use:
        return {"schema_in_use", "the collection has subjects, which this would break",
                "This version changes types and settings, adds required predicates and removes "
                "predicates only while a collection is empty: make a new predicate and move the "
                "values"};
    case ResultCode::schema_built_in:
        return {
            "schema_built_in", "a built-in part of the schema cannot be changed",
            "What begins with _ is the ledger's own: define collections and predicates beside it"};
    case ResultCode::schema_full:
        return {"schema_full", "the schema has no room for more",
                "A ledger has at most 4,095 collections, a collection at most 256 predicates"};
    case ResultCode::name_is_fixed:
        return {"name_is_fixed", "a collection or predicate keeps its name",
                "Make a new one with the new name"};
    }
    std::abort();
}

std::span<const ResultCode> all_result_codes() {
    return result_codes;
}

std::optional<ErrorText> describe_result(uint16_t code) {
    if (const auto result = result_code_of(code)) return describe(*result);
    for (const auto error : model::all_envelope_errors()) {
        if (uint16_t(error) == code) return describe(error);
    }
    return {};
}

std::string explain(uint16_t code, std::span<const uint64_t> arguments, const Schema* schema) {
    const auto text = describe_result(code);
    if (!text) return "unknown result code " + std::to_string(code);
    Error error{text->code, text->cause, text->next, {}};
    const auto result = result_code_of(code);
    const auto kinds = result ? arguments_of(*result) : std::span<const Argument>();
    for (size_t i = 0; i < std::min(kinds.size(), arguments.size()); ++i) {
        const std::string name = name_of_argument(kinds[i], arguments[i], schema);
        if (name.empty()) continue;
        if (!error.detail.empty()) error.detail += ", ";
        error.detail += name;
    }
    return error.message();
}

}  // namespace tally::ledger
