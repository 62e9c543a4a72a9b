// A block's trace: where segments close changes nothing else, and each leaf says where execution
// stood.
#include <gtest/gtest.h>

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"
#include "ledger/workspace.hpp"

namespace tally::ledger::testing {
namespace {

/// `count` packages in one transaction; the last one is refused if `fails`.
std::string package_list(uint32_t count, bool fails = false) {
    std::string text = "[";
    for (uint32_t i = 0; i < count; ++i)
        text += R"({"_id":"package$)" + std::to_string(i) + R"(","name":"p)" + std::to_string(i) +
                R"(","size":)" + std::to_string(i) + "},";
    text += fails ? R"({"_id":"package$last"}])" : R"({"_id":"package$last","name":"last"}])";
    return text;
}

SegmentLimits keys_at_most(uint32_t keys) {
    SegmentLimits limits;
    limits.keys = keys;
    return limits;
}

std::vector<Bytes> leaves_of(const Execution& execution) {
    std::vector<Bytes> leaves;
    for (const auto& result : execution.results) leaves.push_back(result.leaf());
    return leaves;
}

TEST(Segments, an_empty_block_has_one) {
    Ledger ledger;
    const Hash root = ledger.tree.root();
    const auto execution = ledger.run({});
    ASSERT_EQ(execution.trace.size(), 1u);
    EXPECT_EQ(execution.trace[0].state_root, root);
    EXPECT_EQ(execution.trace[0].root_before, root);
    EXPECT_EQ(execution.trace[0].transaction, 1u);
    EXPECT_EQ(execution.state_before, execution.state_after);
    EXPECT_TRUE(execution.writes.empty());
}

TEST(Segments, close_before_the_limits_of_keys_and_transactions) {
    Ledger by_keys;
    by_keys.segments.keys = 60;
    std::vector<Sent> sent;
    for (int i = 0; i < 70; ++i)
        sent.push_back({R"([{"_id":"package$1","name":"p)" + std::to_string(i) + R"("}])"});
    const auto trace = by_keys.run_all(sent).trace;
    EXPECT_GT(trace.size(), 3u);

    Ledger by_count;
    by_count.segments.keys = 100'000;
    by_count.segments.witness_bytes = SIZE_MAX;
    const auto counted = by_count.run_all(sent).trace;
    ASSERT_EQ(counted.size(), 3u);
    EXPECT_EQ(counted[0].transaction, 33u);
    EXPECT_EQ(counted[1].transaction, 65u);
    EXPECT_EQ(counted[2].transaction, 71u);
    EXPECT_EQ(by_keys.tree.root(), by_count.tree.root());
}

TEST(Segments, close_before_the_limit_of_envelope_bytes) {
    Ledger ledger;
    const std::string filler(20'000, 'x');
    std::vector<Sent> sent;
    for (int i = 0; i < 6; ++i)
        sent.push_back({R"([{"_id":"package$1","name":"p)" + std::to_string(i) +
                        R"(","version":")" + filler + R"("}])"});
    const auto trace = ledger.run_all(sent).trace;  // 27 KB each: two to a segment.
    ASSERT_EQ(trace.size(), 3u);
    EXPECT_EQ(trace[0].transaction, 3u);
    EXPECT_EQ(trace[1].transaction, 5u);
}

TEST(Segments, say_where_an_open_transaction_stood) {
    Ledger ledger;
    ledger.segments = keys_at_most(40);
    const auto first = ledger.run_all({{package_list(0)}, {package_list(60)}});
    EXPECT_EQ(Ledger::code(first.results[1]), "applied") << first.results[1].explanation();
    ASSERT_GT(first.trace.size(), 3u);

    // What the second transaction found, with nothing of it but its id.
    Ledger before;
    before.segments = keys_at_most(40);
    const auto alone = before.run_all({{package_list(0)}});
    std::optional<TraceLeaf> last;
    for (const TraceLeaf& leaf : first.trace) {
        if (leaf.step == 0) {
            EXPECT_EQ(leaf.root_before, leaf.state_root);
            EXPECT_TRUE(leaf.running.is_zero());
            continue;
        }
        EXPECT_EQ(leaf.transaction, 2u);
        EXPECT_NE(leaf.state_root, leaf.root_before);
        EXPECT_NE(leaf.root_before, alone.state_after);
        EXPECT_FALSE(leaf.running.is_zero());
        if (last) {
            EXPECT_EQ(leaf.root_before, last->root_before);
            EXPECT_GT(leaf.step, last->step);
            EXPECT_GT(leaf.fuel, last->fuel);
            EXPECT_NE(leaf.running, last->running);
        }
        last = leaf;
    }
    EXPECT_TRUE(last);
}

TEST(Segments, an_abort_across_segments_closes_the_segment_at_the_root_before) {
    Ledger ledger;
    ledger.segments = keys_at_most(40);
    const auto execution = ledger.run_all({{package_list(60, true)}, {package_list(0)}});
    EXPECT_EQ(Ledger::code(execution.results[0]), "missing_required");
    EXPECT_EQ(Ledger::code(execution.results[1]), "applied");
    size_t at = 0;
    while (execution.trace.at(at).transaction == 1) ++at;
    ASSERT_GT(at, 1u);
    const TraceLeaf& closed = execution.trace[at];
    EXPECT_EQ(closed.transaction, 2u);
    EXPECT_EQ(closed.step, 0u);
    EXPECT_EQ(closed.state_root, execution.trace[at - 1].root_before);
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
    // Numbers went back: the second transaction has the first one.
    EXPECT_EQ(execution.results[1].subjects.front(), subject_of(collection_first, 1));
}

TEST(Segments, bound_what_one_transaction_may_span) {
    Ledger ledger;
    ledger.segments = keys_at_most(40);
    ledger.segments.per_transaction = 3;
    const auto execution = ledger.run_all({{package_list(60)}, {package_list(0)}});
    EXPECT_EQ(Ledger::code(execution.results[0]), "transaction_too_large");
    EXPECT_EQ(Ledger::code(execution.results[1]), "applied");
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
}

TEST(Segments, change_neither_results_nor_state) {
    std::optional<Execution> reference;
    for (const uint32_t keys : {30u, 31u, 33u, 40u, 57u, 128u, 1'000'000u}) {
        Ledger ledger;
        ledger.segments = keys_at_most(keys);
        const auto execution = ledger.run_all({{package_list(60)},
                                               {package_list(5, true)},
                                               {package_list(0), 9},
                                               {package_list(7), 2},
                                               {package_list(70), 1, 300},
                                               {package_list(2)}});
        if (!reference) reference = execution;
        EXPECT_EQ(leaves_of(execution), leaves_of(*reference)) << keys;
        EXPECT_EQ(execution.state_after, reference->state_after) << keys;
        EXPECT_TRUE(execution.writes == reference->writes) << keys;
        EXPECT_EQ(root_from_scratch(ledger.state), execution.state_after) << keys;
    }
}

TEST(Segments, of_fewer_bytes_change_neither_results_nor_state) {
    std::optional<Execution> reference;
    std::set<size_t> segments;
    for (const size_t bytes : {size_t{8'000}, size_t{12'000}, size_t{30'000}, size_t{SIZE_MAX}}) {
        Ledger ledger;
        ledger.segments.keys = 1'000'000;
        ledger.segments.witness_bytes = bytes;
        const auto execution = ledger.run_all({{package_list(60)},
                                               {package_list(5, true)},
                                               {package_list(7), 2},
                                               {package_list(70), 1, 300}});
        if (!reference) reference = execution;
        EXPECT_EQ(leaves_of(execution), leaves_of(*reference)) << bytes;
        EXPECT_EQ(execution.state_after, reference->state_after) << bytes;
        EXPECT_TRUE(execution.writes == reference->writes) << bytes;
        segments.insert(execution.trace.size());
    }
    EXPECT_EQ(segments.size(), 4u);
}

/// A state of three values, and a workspace over it in which each step reads some of them.
class Metered {
public:
    explicit Metered(size_t witness_bytes) {
        for (const size_t length : {10, 2'000, 300}) {
            const Bytes key = counter_key({uint16_t(length)});
            state_.map[key] = Bytes(length, 1);
            const auto commitment = *commitment_of(key, state_.map[key]);
            ENSURE(tree_.put(key, commitment.length, commitment.hash).ok());
            keys.push_back(key);
        }
        limits_.witness_bytes = witness_bytes;
        workspace.emplace(state_, tree_, limits_);
        workspace->open_transaction(1, 0);
    }
    Workspace::Placed step(std::initializer_list<size_t> which) {
        workspace->begin_step();
        for (const size_t i : which) {
            if (!workspace->get(keys[i]).ok()) {
                ENSURE(workspace->overflowed());
                break;
            }
        }
        return *workspace->place_step();
    }
    size_t segments() {
        workspace->close_transaction();
        ENSURE(workspace->close_segment().ok());
        return workspace->take_trace().size();
    }
    /// By the definition.
    size_t cost(size_t i) {
        return 32 * tree_.way(keys[i])->inner_nodes + 3 + state_.map[keys[i]].size();
    }

    std::vector<Bytes> keys;
    std::optional<Workspace> workspace;

private:
    MapState state_;
    NoPages pages_;
    tree::Tree tree_{pages_};
    SegmentLimits limits_;
};

TEST(Segments, count_the_bytes_of_a_witness_of_each_key_once) {
    Metered sample(1'000'000);
    const size_t first = sample.cost(0) + sample.cost(1);
    const size_t all = first + sample.cost(2);
    for (const size_t limit : {all, all - 1}) {
        Metered metered(limit);
        EXPECT_EQ(metered.step({0, 1}), Workspace::Placed::here);
        EXPECT_EQ(metered.step({1, 0, 1}), Workspace::Placed::here);
        EXPECT_EQ(metered.step({1, 2}), Workspace::Placed::here);
        EXPECT_EQ(metered.segments(), limit == all ? 1u : 2u);
    }
}

TEST(Segments, a_step_that_is_too_large_is_tried_again_in_one_of_its_own) {
    Metered sample(1'000'000);
    const size_t both = sample.cost(1) + sample.cost(2);
    Metered metered(both - 1);
    EXPECT_EQ(metered.step({1, 2}), Workspace::Placed::here) << "as far as it fits";
    EXPECT_TRUE(metered.workspace->overflowed());
    EXPECT_EQ(metered.workspace->step_keys(), 1u);
    EXPECT_EQ(metered.step({0}), Workspace::Placed::here);
    EXPECT_EQ(metered.step({1, 2}), Workspace::Placed::again);
    EXPECT_EQ(metered.step({1, 2}), Workspace::Placed::here);
    EXPECT_TRUE(metered.workspace->overflowed());
}

TEST(Segments, a_transaction_with_a_step_that_is_too_large_is_rejected_alike_anywhere) {
    std::string tags;
    for (int i = 0; i < 110; ++i) tags += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + '"';
    const std::string large =
        R"([{"_id":"package$0","name":"p0"},{"_id":"package$1","name":"p1","tags":[)" + tags +
        "]}]";
    for (const uint32_t before : {0u, 1u, 2u, 5u}) {
        Ledger ledger;
        ledger.segments.witness_bytes = 16'000;
        std::vector<Sent> sent;
        for (uint32_t i = 0; i < before; ++i) sent.push_back({package_list(0), 9});
        sent.push_back({large});
        sent.push_back({package_list(0)});
        const auto execution = ledger.run_all(sent);
        const TransactionResult& result = execution.results[before];
        EXPECT_EQ(Ledger::code(result), "step_too_large");
        EXPECT_EQ(result.arguments, std::vector<uint64_t>{1});
        EXPECT_EQ(Ledger::code(execution.results.back()), "applied");
        EXPECT_EQ(execution.results.back().subjects.front(), subject_of(collection_first, 1));
        EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
    }
}

TEST(Segments, a_rejected_steps_reads_count) {
    // The same transaction refused for different reasons leaves different digests.
    const auto digest_of = [](const std::string& changes) {
        Ledger ledger;
        return ledger.run_all({{changes}}).digest;
    };
    EXPECT_EQ(digest_of(R"([{"_id":"package$1","size":1}])"),
              digest_of(R"([{"_id":"package$1","size":1}])"));
    EXPECT_NE(digest_of(R"([{"_id":["package/name","a"],"size":1}])"),
              digest_of(R"([{"_id":["package/name","b"],"size":1}])"));
}

TEST(Segments, expired_ids_leave_first_and_at_most_256_a_block) {
    Ledger ledger;
    std::vector<Sent> sent;
    for (int i = 0; i < 300; ++i) sent.push_back({package_list(0), 9});
    ledger.run_all(sent);
    const auto ids = [&] {
        size_t count = 0;
        for (const auto& entry : ledger.state.map)
            count += entry.first[0] == uint8_t(KeyKind::transaction);
        return count;
    };
    EXPECT_EQ(ids(), 300u);
    ledger.now_ms += 100'000;
    const auto execution = ledger.run({});
    EXPECT_EQ(ids(), 44u);
    ASSERT_EQ(execution.trace.size(), 3u);  // 128 keys each, one of them where all ids begin.
    EXPECT_EQ(execution.trace[0].transaction, 0u);
    EXPECT_EQ(execution.trace[0].step, 127u);
    EXPECT_EQ(execution.trace[0].root_before, execution.state_before);
    EXPECT_EQ(root_from_scratch(ledger.state), execution.state_after);
    ledger.run({});
    EXPECT_EQ(ids(), 0u);
}

}  // namespace
}  // namespace tally::ledger::testing
