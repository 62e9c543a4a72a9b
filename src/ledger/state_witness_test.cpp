// A block is executed from its witness exactly as from the whole state (every test of this room
// that runs a block checks that too: Ledger::run); a witness shows no more, and nothing else.
#include "ledger/state_witness.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/keys.hpp"
#include "ledger/model_testing.hpp"

namespace tally::ledger::testing {
namespace {

/// Schema, identities and rules change among the packages, now and then in the same transaction.
std::string schema_change(Generator& generator, int block) {
    const std::string number = std::to_string(block);
    switch (generator.below(5)) {
    case 0:
        return R"([{"_id":"_predicate$1","name":"package/extra)" + number +
               R"(","type":"int","index":true},{"_id":"package$1","name":"new)" + number + R"("}])";
    case 1:
        return R"([{"_id":"_collection$1","name":"c)" + number +
               R"("},{"_id":"_predicate$1","name":"c)" + number +
               R"(/x","type":"ref","multi":true,"restrict":"package"}])";
    case 2: return R"([{"_id":["_predicate/name","package/size"],"index":false}])";
    case 3: return R"([{"_id":["_collection/name","dependency"],"_action":"delete"}])";
    default:
        return R"([{"_id":"_auth$1","id":")" + did_of(uint8_t(20 + generator.below(20))) +
               R"(","roles":[["_role/id","keeper"]]}])";
    }
}

TEST(StateWitness, generated_blocks_execute_alike_from_it) {
    std::set<std::string> codes;
    size_t segments = 0, inside = 0, blocks = 0, expired = 0;
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        Generator generator(seed);
        Ledger ledger;
        ledger.segments.keys = seed % 3 == 0 ? 30 : limits::segment_keys_max;
        ledger.segments.witness_bytes = seed % 3 == 1 ? 5'000 : limits::segment_witness_bytes_max;
        for (int block = 0; block < 20; ++block) {
            std::vector<std::string> envelopes;
            for (uint64_t n = generator.below(12); n > 0; --n) {
                Sent sent{json_of(generator.transaction())};
                if (generator.below(6) == 0) sent.changes = schema_change(generator, block);
                if (generator.below(6) == 0) sent.signer = uint8_t(1 + generator.below(30));
                if (generator.below(8) == 0) sent.fuel = 25;
                sent.expire_ms = ledger.now_ms + 500 + generator.below(20'000);
                envelopes.push_back(ledger.envelope_of(sent));
                if (generator.below(10) == 0) envelopes.push_back(envelopes.front());
            }
            ledger.paused = generator.below(15) == 0;
            const auto execution = ledger.run(envelopes);
            for (const auto& result : execution.results) codes.insert(Ledger::code(result));
            for (const auto& write : execution.writes) {
                expired += !write.value && write.key[0] == uint8_t(KeyKind::transaction);
            }
            segments += execution.trace.size();
            for (const TraceLeaf& leaf : execution.trace) inside += leaf.step > 0;
            ++blocks;
        }
    }
    // The generator reaches what it is for.
    for (const char* code :
         {"applied", "tx_duplicate", "tx_expired", "unknown_identity", "out_of_fuel", "not_unique",
          "still_referenced", "missing_required", "not_permitted"})
        EXPECT_TRUE(codes.contains(code)) << code;
    EXPECT_GT(segments, 2 * blocks);
    EXPECT_GT(inside, 100u) << "segments that close inside a transaction";
    EXPECT_GT(expired, 100u);
}

/// A state, and a witness of three keys of it, of which the last is absent.
struct Example {
    Example() {
        ledger.send(R"([{"_id":"package$1","name":"a"}])");
        for (const auto& [key, value] : ledger.state.map) {
            if (key[0] == uint8_t(KeyKind::row)) rows.push_back(key);
        }
        for (const Bytes& key : {rows.front(), rows.back(), row_key(subject_of({100}, 1))})
            touched.insert(key);
        witness = *make_witness(ledger.state, ledger.tree, touched);
    }
    [[nodiscard]] bool opens() const {
        const auto view = WitnessView::open(ledger.tree.root(), witness);
        EXPECT_TRUE(view.ok() || view.error().is(tree::TreeError::invalid_proof));
        return view.ok();
    }
    mutable Ledger ledger;
    std::vector<Bytes> rows;
    Touched touched;
    StateWitness witness;
};

TEST(StateWitness, shows_its_keys_and_nothing_else) {
    Example example;
    const auto view = WitnessView::open(example.ledger.tree.root(), example.witness);
    ASSERT_TRUE(view.ok()) << view.error().message();
    for (const Bytes& key : example.touched) {
        const auto value = view->get(key);
        ASSERT_TRUE(value.ok());
        EXPECT_EQ(*value, *example.ledger.state.get(key));
    }
    const auto outside = view->get(example.rows[example.rows.size() / 2]);
    ASSERT_FALSE(outside.ok());
    EXPECT_TRUE(outside.error().is(tree::TreeError::outside_witness));
    const auto all = [](ByteView, ByteView) { return true; };
    EXPECT_TRUE(view->scan(example.rows.front(), example.rows.back(), all)
                    .error()
                    .is(tree::TreeError::outside_witness));
}

TEST(StateWitness, values_that_do_not_fit_their_leaves_are_refused) {
    Example example;
    ASSERT_TRUE(example.opens());
    const StateWitness good = example.witness;
    const auto shown = std::find_if(good.values.begin(), good.values.end(),
                                    [](const auto& v) { return v.has_value(); });
    const size_t at = size_t(shown - good.values.begin());
    example.witness.values[at]->back() ^= 1;
    EXPECT_FALSE(example.opens()) << "another byte";
    example.witness = good;
    example.witness.values[at]->pop_back();
    EXPECT_FALSE(example.opens()) << "cut";
    example.witness = good;
    example.witness.values.pop_back();
    EXPECT_FALSE(example.opens()) << "one too few";
    example.witness = good;
    example.witness.values.emplace_back();
    EXPECT_FALSE(example.opens()) << "one too many";
    example.witness = good;
    std::swap(example.witness.values[at], example.witness.values.back());
    EXPECT_FALSE(example.opens()) << "another's";
    example.witness = good;
    example.witness.values[at].reset();
    EXPECT_TRUE(example.opens()) << "it may show less";
}

TEST(StateWitness, bytes_are_the_published_ones) {
    MapState state;
    state.map = {{counter_key({1}), number_value(5)},
                 {counter_key({2}), number_value(6)},
                 {schema_version_key(), number_value(1)}};
    const NoPages pages;
    tree::Tree tree(pages);
    for (const auto& [key, value] : state.map) {
        ASSERT_TRUE(tree.put(key, uint32_t(value.size()), sha256(value)).ok());
    }
    const auto witness = make_witness(state, tree, {counter_key({1}), schema_version_key()});
    EXPECT_EQ(to_hex(cbor::encode(*witness)),
              "82820185820004820016820283430200010858205dee4dd60ff8d0ba9900fe91e90e0dcf65f0"
              "570d42c431f727d0300dd70dc43182015820956e103e9f3256b245befa982ce148aa50243dbc"
              "635d7f58670ab16b3ca074ac8202834108085820cd2662154e6d76b2b2b92e70c0cac3ccf534"
              "f9b74eb5b89819ec509083d00a5082480000000000000005480000000000000001");
}

}  // namespace
}  // namespace tally::ledger::testing
