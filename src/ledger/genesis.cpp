// Height 0: the built-in schema, then the charter's changes for the ledger.
#include <boost/json/array.hpp>

#include "ledger/transaction.hpp"

namespace tally::ledger {
namespace {

class EmptyState final : public StateView {
public:
    Result<std::optional<Bytes>> get(ByteView) const override { return std::optional<Bytes>(); }
    Result<void> scan(ByteView, ByteView, const Each&) const override { return success(); }
};

/// Writes the built-in collections as the rows that they are, with what follows from rows.
class Bootstrap {
public:
    Bootstrap(Workspace& workspace, const Hash& network)
        : workspace_(workspace), salts_(network.view()) {}

    Result<void> run() {
        workspace_.open_transaction(0, 0);
        for (const Collection& collection : built_in_collections()) {
            CHECK(step([&] { return write_collection(collection); }));
            for (const Predicate& predicate : collection.predicates)
                CHECK(step([&] { return write_predicate(collection, predicate); }));
        }
        CHECK(step([&] { return write_numbers(); }));
        workspace_.close_transaction();
        return success();
    }

private:
    template <class Body>
    Result<void> step(Body body) {
        workspace_.begin_step();
        CHECK(body());
        TRY(placed, workspace_.place_step());
        ENSURE(placed == Workspace::Placed::here);  // A few small keys.
        return success();
    }

    void set(Row& row, SubjectId subject, PredicateId predicate, const Value& value) {
        row.set({predicate, salts_.salt(subject, predicate), encode_single(value)});
    }

    Result<void> put(SubjectId subject, const Row& row, PredicateId name_predicate,
                     const std::string& name) {
        CHECK(workspace_.put(unique_key(name_predicate, Value(name)), number_value(subject.value)));
        return workspace_.put(row_key(subject), encode_row(row));
    }

    Result<void> write_collection(const Collection& collection) {
        const SubjectId subject = subject_of(collection_collection, collection.id.value);
        Row row;
        set(row, subject, predicates::collection_name, Value(collection.name));
        CHECK(workspace_.put(sheet_key(collection.id), encode_sheet(collection)));
        return put(subject, row, predicates::collection_name, collection.name);
    }

    Result<void> write_predicate(const Collection& collection, const Predicate& predicate) {
        const SubjectId subject = subject_of(predicate_collection, predicate.id.value);
        const std::string name = collection.name + "/" + predicate.name;
        Row row;
        set(row, subject, predicates::predicate_name, Value(name));
        set(row, subject, predicates::predicate_type, Value(std::string(name_of(predicate.type))));
        const auto flag = [&](bool is_set, PredicateId setting) {
            if (is_set) set(row, subject, setting, Value(true));
        };
        flag(predicate.unique, predicates::predicate_unique);
        flag(predicate.required, predicates::predicate_required);
        flag(predicate.index, predicates::predicate_index);
        flag(predicate.multi, predicates::predicate_multi);
        flag(predicate.upsert, predicates::predicate_upsert);
        for (const Collection& target : built_in_collections()) {
            if (predicate.restrict_to == target.id)
                set(row, subject, predicates::predicate_restrict, Value(target.name));
        }
        return put(subject, row, predicates::predicate_name, name);
    }

    /// Users' collections and predicates begin after the built-in ones.
    Result<void> write_numbers() {
        CHECK(workspace_.put(counter_key(collection_collection),
                             number_value(collection_first.value - 1)));
        CHECK(workspace_.put(counter_key(predicate_collection),
                             number_value(predicates::first.value - 1)));
        return workspace_.put(schema_version_key(), number_value(1));
    }

    Workspace& workspace_;
    SaltSource salts_;
};

Result<boost::json::array> parse_changes(const model::LedgerEntry& ledger) {
    boost::json::array changes;
    for (const auto& text : ledger.genesis) {
        auto change = model::parse_json(view_of(text));
        const std::string which = ledger.name + ", change " + std::to_string(changes.size() + 1);
        if (!change.ok())
            return fail(GenesisError::bad_change, which + ": " + change.error().message());
        if (!change->is_object()) return fail(GenesisError::bad_change, which + " is no object");
        changes.push_back(*std::move(change));
    }
    return changes;
}

}  // namespace

ErrorText describe(GenesisError error) {
    switch (error) {
    case GenesisError::bad_change:
        return {"bad_genesis_change", "a first change of the charter is no JSON object",
                "Correct the charter and have it signed again"};
    case GenesisError::rejected:
        return {"genesis_rejected", "a first change of the charter is refused",
                "Correct the charter and have it signed again"};
    }
    std::abort();
}

Result<Execution> genesis(tree::Tree& tree, const model::LedgerEntry& ledger, const Hash& network) {
    TRY(changes, parse_changes(ledger));
    Execution execution;
    execution.state_before = tree.root();
    const EmptyState empty;
    SegmentLimits segments;
    segments.per_transaction = std::numeric_limits<uint32_t>::max();
    Workspace workspace(empty, tree, segments);
    CHECK(Bootstrap(workspace, network).run());

    Catalog catalog(workspace);
    workspace.open_transaction(1, 0);
    const Transaction::Settings without_bounds{std::numeric_limits<uint64_t>::max(),
                                               std::numeric_limits<uint32_t>::max()};
    Transaction transaction(workspace, catalog, network.view(), without_bounds);
    CHECK(transaction.apply(changes, Permissions::everything()));
    if (const auto& rejection = transaction.rejection()) {
        TransactionResult result;
        result.code = uint16_t(rejection->code);
        result.arguments = rejection->arguments;
        result.detail = rejection->detail;
        return fail(GenesisError::rejected, ledger.name + ": " + result.explanation());
    }
    workspace.close_transaction();
    CHECK(workspace.close_segment());
    execution.trace = workspace.take_trace();
    execution.digest = workspace.digest();
    execution.writes = workspace.take_writes();
    execution.state_after = tree.root();
    return execution;
}

}  // namespace tally::ledger
