// One ledger at one block, as one reader may see it; and how people name a subject in it.
#pragma once

#include "ledger/permissions.hpp"
#include "node/checked_state.hpp"
#include "node/reader.hpp"

namespace tally::node {

struct ReaderView {
    LedgerIndex ledger;
    Height height;
    std::shared_ptr<const ports::Reader> snapshot;
    std::unique_ptr<CheckedState> state;
    std::shared_ptr<const ledger::Schema> schema;
    ledger::Permissions permissions;
};

/// What a text such as "17592186044417" or "package/name=zlib1g" names.
struct SubjectName {
    struct Lookup {
        ledger::PredicateId predicate;
        ledger::Value value;
    };
    ledger::CollectionId collection;
    std::optional<Lookup> lookup;              ///< by a unique pair
    std::optional<ledger::SubjectId> subject;  ///< none: nobody has that value
};
/// A predicate that the reader may not see names nothing.
[[nodiscard]] Result<SubjectName> find_subject(const ReaderView& view, std::string_view text);

/// The query with the numbers of the subjects that its filters name by a unique pair where a
/// reference stands: "target=package/name=zlib1g", or ["target", "=", ["package/name", "zlib1g"]].
[[nodiscard]] Result<boost::json::value> with_numbers(const ReaderView& view,
                                                      boost::json::value query);

}  // namespace tally::node
