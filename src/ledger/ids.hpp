// The numbers by which a ledger names its subjects (docs/protocol.md, section 9).
#pragma once

#include "base/strong.hpp"

namespace tally::ledger {

/// A table. 12 bits; the counter of its subject in `_collection`.
using CollectionId = Ordinal<struct CollectionTag, uint16_t>;
/// A column. The counter of its subject in `_predicate`.
using PredicateId = Ordinal<struct PredicateTag, uint32_t>;
/// A row: collection (12 bits) ‖ counter (40 bits), so below 2^53 in every JSON reader.
using SubjectId = Ordinal<struct SubjectTag>;

constexpr uint64_t counter_max = (uint64_t{1} << 40) - 1;
constexpr uint16_t collection_max = (1u << 12) - 1;
constexpr uint64_t subject_max = (uint64_t{1} << 52) - 1;
constexpr uint64_t predicates_max = 65'535;  ///< ever defined in one ledger

/// Requires counter ≤ counter_max.
constexpr SubjectId subject_of(CollectionId collection, uint64_t counter) {
    return {uint64_t{collection.value} << 40 | counter};
}
constexpr CollectionId collection_of(SubjectId subject) {
    return {uint16_t(subject.value >> 40)};
}
constexpr uint64_t counter_of(SubjectId subject) {
    return subject.value & counter_max;
}

// The built-in collections; those of users begin at `collection_first`.
constexpr CollectionId collection_collection{1};
constexpr CollectionId predicate_collection{2};
constexpr CollectionId auth_collection{3};
constexpr CollectionId role_collection{4};
constexpr CollectionId rule_collection{5};
constexpr CollectionId collection_first{16};

// The built-in predicates; those of users begin at `predicates::first`.
namespace predicates {
constexpr PredicateId collection_name{1};
constexpr PredicateId collection_doc{2};
constexpr PredicateId predicate_name{10};
constexpr PredicateId predicate_type{11};
constexpr PredicateId predicate_unique{12};
constexpr PredicateId predicate_required{13};
constexpr PredicateId predicate_index{14};
constexpr PredicateId predicate_multi{15};
constexpr PredicateId predicate_upsert{16};
constexpr PredicateId predicate_restrict{17};
constexpr PredicateId predicate_doc{18};
constexpr PredicateId auth_id{30};
constexpr PredicateId auth_roles{31};
constexpr PredicateId auth_doc{32};
constexpr PredicateId role_id{40};
constexpr PredicateId role_rules{41};
constexpr PredicateId role_doc{42};
constexpr PredicateId rule_id{50};
constexpr PredicateId rule_collection{51};
constexpr PredicateId rule_predicates{52};
constexpr PredicateId rule_ops{53};
constexpr PredicateId rule_doc{54};
constexpr PredicateId first{100};
}  // namespace predicates

}  // namespace tally::ledger
