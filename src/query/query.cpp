#include "query/query.hpp"

#include <algorithm>
#include <set>

#include "ledger/keys.hpp"
#include "ledger/subject.hpp"

namespace tally::query {
namespace {

using ledger::Collection;
using ledger::Predicate;
using ledger::Row;
using ledger::SubjectId;
using ledger::Value;

bool holds(Comparison comparison, const Value& value, const Value& bound) {
    switch (comparison) {
    case Comparison::equal: return value == bound;
    case Comparison::less: return ledger::value_less(value, bound);
    case Comparison::less_or_equal: return !ledger::value_less(bound, value);
    case Comparison::greater: return ledger::value_less(bound, value);
    case Comparison::greater_or_equal: return !ledger::value_less(value, bound);
    }
    std::abort();
}

struct BoundFilter {
    const Predicate* predicate;
    Comparison comparison;
    Value value;
};

Result<bool> passes(const Row& row, const std::vector<BoundFilter>& filters) {
    for (const auto& filter : filters) {
        const ledger::Field* field = row.find(filter.predicate->id);
        if (field == nullptr) return false;
        bool any = false;
        if (filter.predicate->multi) {
            TRY(values, field->values(filter.predicate->type));
            any = std::any_of(values.begin(), values.end(), [&](const Value& value) {
                return holds(filter.comparison, value, filter.value);
            });
        } else {
            TRY(value, field->single(filter.predicate->type));
            any = holds(filter.comparison, value, filter.value);
        }
        if (!any) return false;
    }
    return true;
}

/// Index keys of one predicate that can hold values within the filters on it; wider than needed
/// where a long value's key does not hold its whole order.
struct Access {
    const Predicate* predicate = nullptr;  ///< none: every row of the collection
    bool by_unique = false;
    ledger::KeyRange range;
};

bool is_before(const Bytes& a, const Bytes& b) {
    return compare(a, b) < 0;
}

ledger::KeyRange index_range(const Predicate& predicate,
                             const std::vector<const BoundFilter*>& filters) {
    const bool unique = predicate.unique;
    Bytes from = unique ? ledger::unique_prefix(predicate.id) : ledger::index_prefix(predicate.id);
    Bytes to = ledger::after_prefix(from);
    for (const BoundFilter* one : filters) {
        const BoundFilter& filter = *one;
        const Bytes exact = unique ? ledger::unique_key(predicate.id, filter.value)
                                   : ledger::index_prefix(predicate.id, filter.value);
        const Bytes after = ledger::after_prefix(exact);
        const bool whole = ledger::index_value_is_whole(filter.value);
        const bool bounds_below = filter.comparison == Comparison::equal ||
                                  filter.comparison == Comparison::greater ||
                                  filter.comparison == Comparison::greater_or_equal;
        const bool bounds_above = filter.comparison == Comparison::equal ||
                                  filter.comparison == Comparison::less ||
                                  filter.comparison == Comparison::less_or_equal;
        if (!whole && filter.comparison != Comparison::equal) {
            // Only the first bytes of a long value are in its key: keep all keys that share them.
            const size_t shared = 1 + 4 + ledger::index_value_bytes_max;
            const Bytes prefix(exact.begin(),
                               exact.begin() + ptrdiff_t(std::min(shared, exact.size())));
            if (bounds_below && is_before(from, prefix)) from = prefix;
            const Bytes beyond = ledger::after_prefix(prefix);
            if (bounds_above && is_before(beyond, to)) to = beyond;
            continue;
        }
        if (bounds_below && is_before(from, exact)) from = exact;
        if (bounds_above && is_before(after, to)) to = after;
    }
    return {std::move(from), std::move(to)};
}

bool has_index(const Predicate& predicate) {
    return predicate.unique || predicate.index;
}

/// An equality on an index first, then a range, then the order, then every row.
Access choose_access(const Collection& collection, const std::vector<BoundFilter>& filters,
                     const Predicate* order) {
    const BoundFilter* best = nullptr;
    for (const auto& filter : filters) {
        if (!has_index(*filter.predicate)) continue;
        if (filter.comparison == Comparison::equal) {
            best = &filter;
            break;
        }
        if (best == nullptr) best = &filter;
    }
    if (best == nullptr) {
        if (order != nullptr && has_index(*order) && order->required && !order->multi)
            return {order, order->unique, index_range(*order, {})};
        return {nullptr, false, ledger::rows_of(collection.id)};
    }
    const Predicate& predicate = *best->predicate;
    std::vector<const BoundFilter*> bounds;
    for (const auto& filter : filters) {
        // Of a multi predicate another value may pass the next filter: its bounds do not add up.
        if (predicate.multi ? &filter == best : filter.predicate->id == predicate.id)
            bounds.push_back(&filter);
    }
    return {&predicate, predicate.unique, index_range(predicate, bounds)};
}

Result<const Predicate*> readable(const Collection& collection, std::string_view name,
                                  const ledger::Permissions& permissions) {
    const Predicate* predicate = collection.find(name);
    const std::string full = collection.name + "/" + std::string(name);
    if (predicate == nullptr) return fail(QueryError::unknown_predicate, full);
    if (!permissions.may_read(collection.name, name)) return fail(QueryError::not_permitted, full);
    return predicate;
}

struct Candidate {
    SubjectId subject;
    Row row;
    std::optional<Value> order;
    size_t bytes = 0;  ///< of its fields' values
};

size_t bytes_of(const Row& row) {
    constexpr size_t bytes_beside = sizeof(ledger::Field);
    size_t bytes = 0;
    for (const auto& field : row.fields) bytes += field.value.size() + bytes_beside;
    return bytes;
}

/// Beyond the rows that are asked for, how many are gathered before the worst are let go.
constexpr size_t gathered_beyond = 256;

class Runner {
public:
    Runner(const StateView& view, const ledger::Schema& schema,
           const ledger::Permissions& permissions, const Query& query, uint64_t scanned_max)
        : view_(view),
          schema_(schema),
          permissions_(permissions),
          query_(query),
          scanned_max_(scanned_max) {}

    Result<Answer> run();

private:
    Result<void> bind();
    Result<void> consider_index();
    Result<void> consider(SubjectId subject, Row row);
    Result<void> consider_row(ByteView key, ByteView value);
    Result<void> count_one();
    [[nodiscard]] std::optional<SubjectId> subject_of(ByteView key, ByteView value) const;
    [[nodiscard]] bool comes_in_order() const;
    [[nodiscard]] bool has_enough() const;
    [[nodiscard]] bool before(const Candidate& a, const Candidate& b) const;
    Result<void> keep_the_first();
    Result<Answer> finish();
    Result<boost::json::object> row_of(const Candidate& candidate) const;

    const StateView& view_;
    const ledger::Schema& schema_;
    const ledger::Permissions& permissions_;
    const Query& query_;
    uint64_t scanned_max_;
    const Collection* collection_ = nullptr;
    const Predicate* order_ = nullptr;
    std::vector<BoundFilter> filters_;
    Access access_;
    std::vector<Candidate> found_;
    size_t found_bytes_ = 0;
    bool let_go_ = false;  // Of some that come behind the last that is asked for.
    uint64_t scanned_ = 0;
};

Result<void> Runner::bind() {
    collection_ = schema_.collection(query_.collection);
    if (collection_ == nullptr || !permissions_.may_read_any(query_.collection))
        return fail(QueryError::unknown_collection, query_.collection);
    for (const auto& filter : query_.filters) {
        TRY(predicate, readable(*collection_, filter.predicate, permissions_));
        if (ledger::type_of(filter.value) != predicate->type)
            return fail(QueryError::bad_value, filter.predicate);
        filters_.push_back({predicate, filter.comparison, filter.value});
    }
    for (const auto& name : query_.select) CHECK(readable(*collection_, name, permissions_));
    if (!query_.order.empty()) {
        TRY(predicate, readable(*collection_, query_.order, permissions_));
        if (predicate->multi)
            return fail(QueryError::bad_query,
                        "cannot order by " + query_.order + ", which has many values");
        order_ = predicate;
    }
    if (query_.limit == 0 || query_.limit > limits::query_rows_max)
        return fail(QueryError::bad_query,
                    "the limit is 1 to " + std::to_string(limits::query_rows_max));
    return success();
}

/// Whether subjects are found in the order that is asked for, group by group.
bool Runner::comes_in_order() const {
    if (query_.descending) return false;
    if (order_ == nullptr) return access_.predicate == nullptr;
    return access_.predicate == order_;
}

/// Whether nothing that comes in a later group is in the answer.
bool Runner::has_enough() const {
    return comes_in_order() && (let_go_ || found_.size() > query_.limit);
}

Result<void> Runner::count_one() {
    if (++scanned_ > scanned_max_)
        return fail(QueryError::too_many_rows,
                    "over " + std::to_string(scanned_max_) + " in " + query_.collection);
    return success();
}

std::optional<SubjectId> Runner::subject_of(ByteView key, ByteView value) const {
    if (!access_.by_unique) return ledger::last_subject_of_key(key);
    const auto number = ledger::number_from_value(value);
    return number.ok() ? std::optional(SubjectId{*number}) : std::nullopt;
}

/// Row by row, as the index names them. Keys of one group share the part of a long value that a key
/// holds: inside a group the order of the values is not the order of the keys, so that only between
/// groups is it known that nothing better follows.
Result<void> Runner::consider_index() {
    constexpr size_t shared = 1 + 4 + ledger::index_value_bytes_max;
    std::set<SubjectId> seen;  // Of a multi predicate several values may match.
    Bytes group;
    const auto consider_entry = [&](ByteView key, ByteView value) -> Result<bool> {
        const ByteView start = key.first(std::min(shared, key.size()));
        if (!equal(start, group)) {
            if (has_enough()) return false;
            group = copy_of(start);
        }
        CHECK(count_one());
        const auto subject = subject_of(key, value);
        if (!subject) return true;
        if (access_.predicate->multi && !seen.insert(*subject).second) return true;
        TRY(row, ledger::get_row(view_, *subject));
        if (row) CHECK(consider(*subject, std::move(*row)));
        return true;
    };
    std::optional<Error> error;
    CHECK(view_.scan(access_.range.from, access_.range.to, [&](ByteView key, ByteView value) {
        const auto goes_on = consider_entry(key, value);
        if (!goes_on.ok()) error = goes_on.error();
        return goes_on.ok() && *goes_on;
    }));
    if (error) return *std::move(error);
    return success();
}

Result<void> Runner::consider(SubjectId subject, Row row) {
    TRY(pass, passes(row, filters_));
    if (!pass) return success();
    const size_t bytes = bytes_of(row);
    Candidate candidate{subject, std::move(row), {}, bytes};
    if (order_ != nullptr) {
        if (const ledger::Field* field = candidate.row.find(order_->id)) {
            TRY(value, field->single(order_->type));
            candidate.order = std::move(value);
        }
    }
    found_.push_back(std::move(candidate));
    found_bytes_ += bytes;
    // Twice as much as is kept, so that it is not sorted anew for every row.
    if (found_bytes_ <= 2 * answer_bytes_max &&
        found_.size() < 2 * size_t{query_.limit} + gathered_beyond)
        return success();
    return keep_the_first();
}

bool Runner::before(const Candidate& a, const Candidate& b) const {
    if (a.order && b.order) {
        if (ledger::value_less(*a.order, *b.order)) return !query_.descending;
        if (ledger::value_less(*b.order, *a.order)) return query_.descending;
    } else if (a.order.has_value() != b.order.has_value()) {
        return a.order.has_value();  // Subjects without a value come last.
    }
    return query_.descending && order_ == nullptr ? b.subject < a.subject : a.subject < b.subject;
}

/// Whoever comes behind as many as are asked for is in no answer, whatever follows.
Result<void> Runner::keep_the_first() {
    std::stable_sort(found_.begin(), found_.end(),
                     [&](const Candidate& a, const Candidate& b) { return before(a, b); });
    while (found_.size() > query_.limit) {
        found_bytes_ -= found_.back().bytes;
        found_.pop_back();
        let_go_ = true;
    }
    if (found_bytes_ > answer_bytes_max)
        return fail(QueryError::answer_too_large,
                    "over " + std::to_string(answer_bytes_max) + " bytes");
    return success();
}

Result<void> Runner::consider_row(ByteView key, ByteView value) {
    CHECK(count_one());
    const auto subject = ledger::subject_of_row_key(key);
    if (!subject) return success();
    TRY(row, ledger::decode_row(value));
    return consider(*subject, std::move(row));
}

Result<Answer> Runner::run() {
    CHECK(bind());
    access_ = choose_access(*collection_, filters_, order_);
    if (access_.predicate != nullptr) {
        CHECK(consider_index());
        return finish();
    }
    std::optional<Error> error;
    const auto each = [&](ByteView key, ByteView value) {
        if (auto one = consider_row(key, value); !one.ok()) error = std::move(one).error();
        return !error && !has_enough();
    };
    CHECK(view_.scan(access_.range.from, access_.range.to, each));
    if (error) return *std::move(error);
    return finish();
}

Result<Answer> Runner::finish() {
    CHECK(keep_the_first());
    Answer answer;
    answer.scanned = scanned_;
    answer.more = let_go_;
    for (const auto& candidate : found_) {
        TRY(row, row_of(candidate));
        answer.rows.push_back(std::move(row));
    }
    return answer;
}

Result<boost::json::object> Runner::row_of(const Candidate& candidate) const {
    TRY(whole, ledger::row_to_json(schema_, candidate.subject, candidate.row, permissions_));
    if (query_.select.empty()) return whole;
    boost::json::object chosen;
    chosen["_id"] = whole["_id"];
    for (const auto& name : query_.select) {
        if (const auto* value = whole.if_contains(name)) chosen[name] = *value;
    }
    return chosen;
}

}  // namespace

ErrorText describe(QueryError error) {
    switch (error) {
    case QueryError::bad_query:
        return {"bad_query", "this is not a query",
                "docs/openapi.json describes queries; `tally query --help` has examples"};
    case QueryError::unknown_collection:
        return {"unknown_collection", "there is no such collection that you may read",
                "See the ledger's `_collection`"};
    case QueryError::unknown_predicate:
        return {"unknown_predicate", "the collection has no such predicate",
                "See the ledger's `_predicate`"};
    case QueryError::bad_value:
        return {"bad_value", "a value in the query is not of its predicate's type",
                "Give a value of that type; a reference is a number or a unique pair such as "
                "package/name=zlib1g"};
    case QueryError::not_permitted:
        return {"not_permitted", "you may not read this predicate",
                "Identify yourself, or ask for a role that may"};
    case QueryError::too_many_rows:
        return {"too_many_rows", "the query would have to look at too many rows",
                "Filter on a predicate that is unique or has an index"};
    case QueryError::answer_too_large:
        return {"answer_too_large", "the rows that were asked for are too large together",
                "Ask for fewer at once, with a smaller limit"};
    }
    std::abort();
}

Result<Answer> run(const StateView& view, const ledger::Schema& schema,
                   const ledger::Permissions& permissions, const Query& query,
                   uint64_t scanned_max) {
    return Runner(view, schema, permissions, query, scanned_max).run();
}

}  // namespace tally::query
