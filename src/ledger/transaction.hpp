// Transaction: the changes of one transaction, applied step by step to a workspace.
//
// A change is one subject map of `tx`; nested maps are changes of their own, numbered in the order
// of the text, each after the one it stands in. Every change is one step. Subjects are found or
// given their number when a change or a reference first needs them, so that references may lead to
// changes that come later.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <set>

#include "ledger/catalog.hpp"
#include "ledger/result_code.hpp"

namespace tally::ledger {

/// Why a transaction takes no effect.
struct Rejection {
    ResultCode code;
    std::vector<uint64_t> arguments;
    std::string detail;  ///< for people
};

class Transaction {
public:
    struct Settings {
        uint64_t fuel_max = 0;
        uint32_t changes_max = limits::transaction_changes_max;  ///< nested ones included
    };
    /// All borrowed. `secret` salts what is written: the signature, or the charter's hash.
    Transaction(Workspace& workspace, Catalog& catalog, ByteView secret, Settings settings)
        : workspace_(workspace), catalog_(catalog), secret_(secret), settings_(settings) {}

    // Each returns an error for the state's lies only; what the transaction is to blame for is in
    // rejection().

    /// Runs `body` as one step of the open transaction.
    template <class Body>
    Result<void> step(uint32_t change, Body body);
    /// Applies all changes, if nothing was rejected yet.
    Result<void> apply(const boost::json::array& changes, const Permissions& permissions);

    /// Notes why the transaction takes no effect; the returned error only unwinds the step.
    Error reject(ResultCode code, std::vector<uint64_t> arguments = {}, std::string detail = {});
    [[nodiscard]] const std::optional<Rejection>& rejection() const { return rejection_; }
    [[nodiscard]] uint64_t fuel_used() const { return fuel_used_; }
    /// To be called once the transaction has ended, either way.
    void forget_what_changed();

    // After success.
    [[nodiscard]] std::vector<SubjectId> subjects() const;
    [[nodiscard]] std::vector<std::pair<std::string, SubjectId>> assigned() const;

private:
    enum class Action : uint8_t { insert, update, remove };
    struct Change {
        const boost::json::object* map = nullptr;
        std::string_view temporary;                   ///< its temporary id, if it has one
        std::optional<CollectionId> collection_hint;  ///< of a nested map, from its predicate
        std::optional<SubjectId> subject;             ///< once resolved
        Action action = Action::insert;
        std::optional<std::pair<PredicateId, Value>> pair;  ///< to be inserted with it
    };
    /// What `_action` says; nothing if it is not there.
    enum class Wish : uint8_t { inferred, insert, update, upsert, remove };
    struct NewValue {
        const Predicate* predicate;
        std::vector<Value> values;  ///< ascending; empty: retracted
    };

    // transaction.cpp: reading the text, finding subjects
    Result<void> read_changes(const boost::json::array& changes);
    Result<void> read_change(const boost::json::object& map, uint32_t depth);
    Result<Wish> wish_of(uint32_t index);
    Result<SubjectId> resolve(uint32_t index);
    Result<void> resolve_temporary(uint32_t index, std::string_view text, Wish wish);
    Result<void> resolve_number(uint32_t index, const boost::json::value& number, Wish wish);
    Result<void> resolve_pair(uint32_t index, const boost::json::value& pair, Wish wish);
    Result<std::optional<SubjectId>> find_upsert(uint32_t index, const Collection& collection);
    Result<void> decide(uint32_t index, SubjectId subject, Action action);
    void take_back_step(size_t removed_before);
    Result<SubjectId> allocate(uint32_t index, CollectionId collection);

    /// A unique pair as text: which predicate, which value, whose.
    struct Pair {
        Predicate predicate;
        Value value;
        std::optional<SubjectId> subject;
    };
    Result<Pair> find_pair(uint32_t index, const boost::json::value& pair);

    // change.cpp: applying one change
    Result<void> apply_change(uint32_t index, const Permissions& permissions);
    Result<void> remove(uint32_t index, const Collection& collection, Row row,
                        const Permissions& permissions);
    Result<std::vector<NewValue>> read_values(uint32_t index, const Collection& collection,
                                              const Permissions& permissions);
    Result<std::vector<Value>> read_list(uint32_t index, const Predicate& predicate,
                                         const boost::json::value& from);
    Result<Value> read_one(uint32_t index, const Predicate& predicate,
                           const boost::json::value& from);
    Result<SubjectId> read_reference(uint32_t index, const Predicate& predicate,
                                     const boost::json::value& from);
    Result<void> write_field(uint32_t index, SubjectId subject, const NewValue& value, Row& row);
    Result<void> add_keys(uint32_t index, SubjectId subject, const Predicate& predicate,
                          const Value& value);
    Result<void> remove_keys(SubjectId subject, const Predicate& predicate, const Value& value);
    Result<void> check_required(uint32_t index, const Collection& collection, const Row& row);
    Result<void> put_row(uint32_t index, SubjectId subject, const Row& row);
    Result<void> check_unreferenced(SubjectId subject);
    Result<Row> load_row(SubjectId subject);

    // built_in_change.cpp: what rows of the built-in collections mean
    /// `before` or `after` is nullptr when the subject is inserted or deleted.
    Result<void> change_built_in(uint32_t index, SubjectId subject, const Row* before,
                                 const Row* after);
    Result<void> change_collection(uint32_t index, SubjectId subject, const Row* before,
                                   const Row* after);
    Result<void> change_predicate(uint32_t index, SubjectId subject, const Row* before,
                                  const Row* after);
    Result<Predicate> define_predicate(uint32_t index, SubjectId subject, const Row& row);
    Result<void> check_auth(uint32_t index, const Row& row);
    Result<void> check_rule(uint32_t index, const Row& row);
    Result<bool> has_subjects(CollectionId collection);
    Result<void> put_sheet(const Collection& collection);
    Result<void> schema_changed();

    const SaltSource& salts();

    Workspace& workspace_;
    Catalog& catalog_;
    ByteView secret_;
    Settings settings_;
    std::optional<SaltSource> salts_;
    std::vector<Change> changes_;
    std::map<std::string_view, uint32_t> temporary_;         ///< temporary id → change
    std::map<const boost::json::object*, uint32_t> by_map_;  ///< only looked up
    std::set<SubjectId> changed_;
    std::set<SubjectId> inserted_;
    std::vector<SubjectId> removed_;
    std::vector<uint32_t> decided_in_step_;  ///< changes whose subject it found
    std::optional<Rejection> rejection_;
    uint64_t fuel_used_ = 0;
    bool schema_touched_ = false;
    bool identities_touched_ = false;
};

template <class Body>
Result<void> Transaction::step(uint32_t change, Body body) {
    if (rejection_) return success();
    const size_t removed_before = removed_.size();
    auto placed = Workspace::Placed::again;
    while (true) {
        workspace_.begin_step();
        decided_in_step_.clear();
        const Result<void> done = body();
        if (!done.ok() && !rejection_ && !workspace_.overflowed()) return done.error();
        TRY(tried, workspace_.place_step());
        placed = tried;
        if (placed != Workspace::Placed::again) break;
        take_back_step(removed_before);
    }
    if (workspace_.overflowed()) reject(ResultCode::step_too_large, {change});
    // A step, each of its keys, and each 64 bytes that it wrote, begun ones included.
    fuel_used_ += 1 + workspace_.step_keys() + (workspace_.step_bytes_written() + 63) / 64;
    if (fuel_used_ > settings_.fuel_max) {
        fuel_used_ = settings_.fuel_max;
        reject(ResultCode::out_of_fuel, {settings_.fuel_max});
    }
    workspace_.set_fuel(fuel_used_);
    if (placed == Workspace::Placed::too_many) reject(ResultCode::transaction_too_large);
    return success();
}

}  // namespace tally::ledger
