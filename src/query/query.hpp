// Query: the subjects of one collection that pass all filters, in order, up to a limit; through
// permissions.
//
// A query is a value; `parse_query` reads it from JSON:
//
//     {"from": "package", "where": [["name", ">=", "lib"], ["name", "<", "lic"]],
//      "select": ["name", "version"], "order": "name", "descending": false, "limit": 20}
//
// A filter may also be a text, as people write it on a command line: "name>=lib".
//
// An answer is a function of the view, the schema and the permissions. A predicate that may not be
// read cannot be filtered or ordered by, for the answer would give it away.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "ledger/permissions.hpp"
#include "ledger/schema.hpp"
#include "model/state_view.hpp"

namespace tally::query {

enum class QueryError {
    bad_query,
    unknown_collection,
    unknown_predicate,
    bad_value,
    not_permitted,
    too_many_rows,
    answer_too_large,
};
ErrorText describe(QueryError error);

enum class Comparison : uint8_t { equal, less, less_or_equal, greater, greater_or_equal };

struct Filter {
    std::string predicate;  ///< short name, within the collection
    Comparison comparison = Comparison::equal;
    ledger::Value value;
};

struct Query {
    std::string collection;
    /// All must hold. Of a multi predicate each holds for itself, for one of its values or another:
    /// "tags>=b" and "tags<c" find a subject with the tags a and d.
    std::vector<Filter> filters;
    std::vector<std::string> select;  ///< short names; empty: all that may be read
    std::string order;                ///< a predicate, or empty: by subject id
    bool descending = false;
    uint32_t limit = 100;  ///< 1 to limits::query_rows_max
};

/// Of the rows that one query holds at once, as they are stored, for its answer and beside it.
constexpr size_t answer_bytes_max = size_t{16} * 1024 * 1024;

struct Answer {
    boost::json::array rows;
    bool more = false;     ///< the limit cut the answer
    uint64_t scanned = 0;  ///< index entries and rows looked at
};

/// Refuses unknown fields, collections and predicates, and values of another type than the
/// predicate's.
[[nodiscard]] Result<Query> parse_query(const boost::json::value& from,
                                        const ledger::Schema& schema);
/// One filter as people write it: `name=zlib1g`, `size>=1000`; the value is read by the predicate's
/// type.
[[nodiscard]] Result<Filter> parse_filter(std::string_view text,
                                          const ledger::Collection& collection);

/// At most `scanned_max` index entries and rows are looked at; beyond, an error says which index
/// would help. Where the order is that of the subject ids or of the index used, ascending, it ends
/// with the first that the limit leaves out. Memory is that of about twice `limit` rows, and of
/// twice answer_bytes_max, at most; beside it, for an index of a multi predicate, the ids seen.
[[nodiscard]] Result<Answer> run(const StateView& view, const ledger::Schema& schema,
                                 const ledger::Permissions& permissions, const Query& query,
                                 uint64_t scanned_max = limits::query_scanned_max);

}  // namespace tally::query
