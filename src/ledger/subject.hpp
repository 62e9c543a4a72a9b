// Subjects as people and programs outside read them: JSON, filtered by permission.
#pragma once

#include <boost/json/object.hpp>

#include "ledger/permissions.hpp"
#include "ledger/row.hpp"

namespace tally::ledger {

/// {"_id": 17592186044417, "name": "zlib1g", …}: the fields that `permissions` allows, by short
/// name; multi values as lists, refs as numbers. Nothing if there is no such subject or none of it
/// may be read.
[[nodiscard]] Result<std::optional<boost::json::object>> subject_to_json(
    const StateView& view, const Schema& schema, SubjectId subject, const Permissions& permissions);
/// The same for a row already read.
[[nodiscard]] Result<boost::json::object> row_to_json(const Schema& schema, SubjectId subject,
                                                      const Row& row,
                                                      const Permissions& permissions);

/// By a unique pair: ("package/name", "zlib1g"). Nothing if there is none.
[[nodiscard]] Result<std::optional<SubjectId>> find_unique(const StateView& view,
                                                           const Predicate& predicate,
                                                           const Value& value);
[[nodiscard]] Result<std::optional<Row>> get_row(const StateView& view, SubjectId subject);

}  // namespace tally::ledger
