// The pinned codes of transaction results, and what each means to the person who sent it.
//
// 0 is applied. 1 to 9: skipped, not remembered, may be sent again where that makes sense. 10 to
// 99: executed and rejected, remembered until it expires, changed nothing. 100 to 199: invalid by
// its bytes (model::EnvelopeError).
#pragma once

#include "base/result.hpp"
#include "ledger/schema.hpp"

namespace tally::ledger {

enum class ResultCode : uint16_t {
    applied = 0,

    duplicate = 1,
    expired = 2,
    too_far_ahead = 3,
    ledger_paused = 4,
    sealed_full = 5,
    sealed_lapsed = 6,

    unknown_identity = 10,
    not_permitted = 11,   ///< arguments: change, predicate (0: the subject as a whole)
    out_of_fuel = 12,     ///< arguments: fuel given
    step_too_large = 13,  ///< arguments: change
    transaction_too_large = 14,
    sealed_void = 15,

    bad_subject = 20,           ///< `_id` missing or of no known form; arguments: change
    unknown_collection = 21,    ///< arguments: change
    unknown_predicate = 22,     ///< arguments: change, collection
    unknown_temporary_id = 23,  ///< arguments: change
    temporary_id_twice = 24,    ///< arguments: change
    subject_twice = 25,         ///< arguments: change, subject
    no_such_subject = 26,       ///< arguments: change, subject (0: by unique pair)
    bad_action = 27,            ///< arguments: change
    subject_exists = 28,        ///< arguments: change, subject
    too_many_changes = 29,

    wrong_type = 30,              ///< arguments: change, predicate
    not_unique = 31,              ///< arguments: change, predicate, the subject that has the value
    missing_required = 32,        ///< arguments: change, predicate
    not_multi = 33,               ///< arguments: change, predicate
    bad_reference = 34,           ///< arguments: change, predicate, target (0: by unique pair)
    wrong_collection = 35,        ///< arguments: change, predicate, target
    still_referenced = 36,        ///< arguments: subject, predicate, the subject that refers to it
    row_too_large = 37,           ///< arguments: change, subject
    ambiguous_upsert = 38,        ///< arguments: change, one subject, the other
    not_a_unique_predicate = 39,  ///< arguments: change
    collection_full = 40,         ///< arguments: change, collection

    bad_name = 50,         ///< arguments: change
    bad_definition = 51,   ///< arguments: change
    schema_in_use = 52,    ///< arguments: change, collection
    schema_built_in = 53,  ///< arguments: change
    schema_full = 54,      ///< arguments: change
    name_is_fixed = 55,    ///< arguments: change
};
ErrorText describe(ResultCode code);
[[nodiscard]] std::span<const ResultCode> all_result_codes();
/// Nothing for an integer that no result has.
[[nodiscard]] std::optional<ErrorText> describe_result(uint16_t code);

/// One line for a person: cause, what in particular, next step. `schema`, if there is one, turns
/// the argument ids into names.
[[nodiscard]] std::string explain(uint16_t code, std::span<const uint64_t> arguments,
                                  const Schema* schema);

}  // namespace tally::ledger
