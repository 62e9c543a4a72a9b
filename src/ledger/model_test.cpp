// The ledger equals the obvious thing: maps, copied before each transaction and put back when it is
// rejected.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "ledger/keys.hpp"
#include "ledger/model_testing.hpp"

namespace tally::ledger::testing {
namespace {

struct Subject {
    std::optional<std::string> name;
    std::optional<int64_t> size;
    std::set<std::string> tags;
    std::optional<uint64_t> target;
};

struct State {
    std::map<uint64_t, Subject> subjects;
    uint64_t packages = 0, dependencies = 0;

    [[nodiscard]] std::optional<uint64_t> named(const std::string& name) const {
        for (const auto& [id, subject] : subjects) {
            if (subject.name == name) return id;
        }
        return {};
    }
};

/// Applies `ops` to a state, or says by which code they are refused.
class Naive {
public:
    Naive(State& state, const Ops& ops) : state_(state), ops_(ops), ids_(ops.size()) {}

    std::string run() {
        for (size_t i = 0; i < ops_.size(); ++i) {
            if (ops_[i].id != Op::Id::temporary) continue;
            const auto text = std::pair(ops_[i].is_package, ops_[i].temporary);
            if (!temporary_.emplace(text, i).second) return "temporary_id_twice";
        }
        const State before = state_;
        std::string code;
        for (size_t i = 0; i < ops_.size() && code.empty(); ++i) code = apply(i);
        for (const uint64_t id : removed_) {
            for (const auto& [source, subject] : state_.subjects) {
                if (code.empty() && subject.target == id) code = "still_referenced";
            }
        }
        if (code.empty()) return "applied";
        state_ = before;
        return code;
    }

private:
    uint64_t allocate(bool is_package) {
        return is_package ? package_base + ++state_.packages
                          : dependency_base + ++state_.dependencies;
    }

    std::string resolve(size_t i) {
        if (ids_[i]) return "";
        const Op& op = ops_[i];
        std::optional<uint64_t> found;
        if (op.id == Op::Id::temporary) {
            if (op.action == "update" || op.action == "delete") return "bad_action";
            const bool may_find = op.action != "insert" && op.is_package && op.name;
            if (may_find && *op.name != "null") found = state_.named(*op.name);
            inserts_[i] = !found;
            ids_[i] = found ? *found : allocate(op.is_package);
        } else if (op.id == Op::Id::number) {
            if (op.action == "insert" || op.action == "upsert") return "bad_action";
            if (!state_.subjects.contains(op.number)) return "no_such_subject";
            ids_[i] = op.number;
        } else {
            found = state_.named(op.pair_name);
            if (found && op.action == "insert") return "subject_exists";
            if (!found && op.action != "insert" && op.action != "upsert") return "no_such_subject";
            if (!found && op.name) return "bad_action";
            inserts_[i] = !found;
            ids_[i] = found ? *found : allocate(true);
        }
        if (!changed_.insert(*ids_[i]).second) return "subject_twice";
        if (inserts_[i]) inserted_.insert(*ids_[i]);
        return "";
    }

    std::string apply(size_t i) {
        if (const auto code = resolve(i); !code.empty()) return code;
        const Op& op = ops_[i];
        const uint64_t id = *ids_[i];
        const bool is_package = id < dependency_base;
        Subject subject = inserts_[i] ? Subject{} : state_.subjects.at(id);
        if (op.action == "delete") {
            if (op.name || op.size || op.tags || op.target != Op::Target::none) return "bad_action";
            state_.subjects.erase(id);
            removed_.push_back(id);
            return "";
        }
        // All values are read, in the order of the text, before the first is written.
        std::optional<uint64_t> target;
        if (!is_package && (op.name || op.size || op.tags)) return "unknown_predicate";
        if (op.size && *op.size == "true") return "wrong_type";
        if (is_package && op.target != Op::Target::none) return "unknown_predicate";
        if (const auto code = read_target(op, target); !code.empty()) return code;

        auto name = op.name;
        if (op.id == Op::Id::pair && inserts_[i]) name = op.pair_name;
        if (name && *name == "null") {
            subject.name.reset();
        } else if (name && subject.name != *name) {
            if (state_.named(*name)) return "not_unique";
            subject.name = *name;
        }
        if (op.size && *op.size == "null")
            subject.size.reset();
        else if (op.size)
            subject.size = std::stoll(*op.size);
        if (op.tags) subject.tags = {op.tags->begin(), op.tags->end()};
        if (op.target != Op::Target::none) subject.target = target;
        if (is_package && !subject.name) return "missing_required";
        state_.subjects[id] = subject;
        return "";
    }

    std::string read_target(const Op& op, std::optional<uint64_t>& target) {
        switch (op.target) {
        case Op::Target::none:
        case Op::Target::null: return "";
        case Op::Target::temporary: {
            const auto at = temporary_.find({true, op.target_temporary});
            if (at == temporary_.end()) return "unknown_temporary_id";
            if (const auto code = resolve(at->second); !code.empty()) return code;
            target = ids_[at->second];
            break;
        }
        case Op::Target::number: target = op.target_number; break;
        case Op::Target::pair:
            target = state_.named(op.target_name);
            if (!target) return "bad_reference";
            break;
        }
        if (*target >= dependency_base) return "wrong_collection";
        if (!inserted_.contains(*target) && !state_.subjects.contains(*target))
            return "bad_reference";
        return "";
    }

    State& state_;
    const Ops& ops_;
    std::vector<std::optional<uint64_t>> ids_;
    std::map<size_t, bool> inserts_;
    std::map<std::pair<bool, uint32_t>, size_t> temporary_;
    std::set<uint64_t> changed_, inserted_;
    std::vector<uint64_t> removed_;
};

void expect_equal(const Ledger& ledger, const State& model) {
    const auto schema = ledger.schema();
    size_t rows = 0;
    for (const uint16_t collection : {uint16_t{16}, uint16_t{17}}) {
        const KeyRange range = rows_of({collection});
        ENSURE(ledger.state
                   .scan(range.from, range.to,
                         [&](ByteView, ByteView) {
                             ++rows;
                             return true;
                         })
                   .ok());
    }
    EXPECT_EQ(rows, model.subjects.size());
    for (const auto& [id, subject] : model.subjects) {
        const auto object =
            *subject_to_json(ledger.state, *schema, {id}, Permissions::everything());
        ASSERT_TRUE(object) << id;
        boost::json::object expected{{"_id", int64_t(id)}};
        if (subject.name) expected["name"] = *subject.name;
        if (subject.size) expected["size"] = *subject.size;
        if (!subject.tags.empty()) {
            boost::json::array tags;
            for (const auto& tag : subject.tags) tags.emplace_back(tag);
            expected["tags"] = tags;
        }
        if (subject.target) expected["target"] = int64_t(*subject.target);
        EXPECT_EQ(*object, expected);
        if (!subject.name) continue;
        EXPECT_EQ(ledger.find("package/name", Value(*subject.name))->value, id);
    }
}

/// Index, unique and reverse keys follow from the rows, no more and no fewer.
void expect_derived_keys(const Ledger& ledger, const State& model) {
    std::set<Bytes> expected, actual;
    const auto schema = ledger.schema();
    const auto id_of = [&](const char* name) { return schema->predicate(name)->id; };
    for (const auto& [id, subject] : model.subjects) {
        if (subject.name) expected.insert(unique_key(id_of("package/name"), Value(*subject.name)));
        if (subject.size)
            expected.insert(index_key(id_of("package/size"), Value(*subject.size), {id}));
        for (const auto& tag : subject.tags)
            expected.insert(index_key(id_of("package/tags"), Value(tag), {id}));
        if (subject.target)
            expected.insert(reverse_key({*subject.target}, id_of("dependency/target"), {id}));
    }
    for (const auto& [key, value] : ledger.state.map) {
        const bool derived = key[0] == uint8_t(KeyKind::index) ||
                             key[0] == uint8_t(KeyKind::unique) ||
                             key[0] == uint8_t(KeyKind::reverse);
        // Those of the built-in predicates are not in the model.
        const size_t at = key[0] == uint8_t(KeyKind::reverse) ? 9 : 1;
        if (derived && PredicateId{read_u32(ByteView(key).subspan(at))} >= predicates::first)
            actual.insert(key);
    }
    EXPECT_TRUE(actual == expected);
}

TEST(Model, equals_plain_maps) {
    std::map<std::string, int> seen;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        Generator generator(seed);
        Ledger ledger, in_pieces;
        in_pieces.segments.keys = 50;
        State model;
        for (int block = 0; block < 25; ++block) {
            std::vector<std::string> envelopes, expected, texts;
            for (uint64_t n = generator.below(8); n > 0; --n) {
                const Ops ops = generator.transaction();
                texts.push_back(json_of(ops));
                envelopes.push_back(ledger.envelope_of({texts.back()}));
                expected.push_back(Naive(model, ops).run());
                ++seen[expected.back()];
            }
            const auto execution = ledger.run(envelopes);
            const auto pieces = in_pieces.run(envelopes);
            for (size_t i = 0; i < envelopes.size(); ++i) {
                const auto& result = execution.results[i];
                ASSERT_EQ(Ledger::code(result), expected[i])
                    << "seed " << seed << ": " << texts[i] << "\n"
                    << result.explanation();
                EXPECT_EQ(pieces.results[i].leaf(), result.leaf());
            }
            EXPECT_EQ(pieces.state_after, execution.state_after);
        }
        expect_equal(ledger, model);
        expect_derived_keys(ledger, model);
        EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
        if (HasFailure()) return;
    }
    // The generator reaches what it is for.
    for (const char* code : {"applied", "temporary_id_twice", "subject_twice", "no_such_subject",
                             "subject_exists", "not_unique", "missing_required", "bad_reference",
                             "wrong_collection", "unknown_temporary_id", "still_referenced",
                             "unknown_predicate", "wrong_type", "bad_action"})
        EXPECT_GT(seen[code], 0) << code;
    EXPECT_GT(seen["applied"], 200);
}

TEST(Model, replaying_the_same_bytes_gives_the_same_roots_and_results) {
    Generator generator(99);
    Ledger first, second;
    for (int block = 0; block < 10; ++block) {
        std::vector<std::string> envelopes;
        for (int n = 0; n < 10; ++n)
            envelopes.push_back(first.envelope_of({json_of(generator.transaction())}));
        const auto a = first.run(envelopes);
        const auto b = second.run(envelopes);
        EXPECT_EQ(a.state_after, b.state_after);
        EXPECT_EQ(a.results_root(), b.results_root());
        EXPECT_EQ(a.trace_root(), b.trace_root());
        EXPECT_EQ(a.digest, b.digest);
    }
}

}  // namespace
}  // namespace tally::ledger::testing
