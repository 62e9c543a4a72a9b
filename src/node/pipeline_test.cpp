// What the pipeline writes down of its progress is so, also while it is on hold, and it keeps
// nothing that nobody needs.
#include "node/pipeline.hpp"

#include <gtest/gtest.h>

#include "availability/dispersal.hpp"
#include "node/stored_decision.hpp"
#include "node/testing/batches.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node {
namespace {

/// Four participants and one ledger, of which nothing is executed yet.
class PipelineTest : public testing::Test {
protected:
    PipelineTest() {
        model::Charter& charter = charter_;
        charter.body.genesis_time = {1'700'000'000'000'000};
        for (uint8_t i = 0; i < 4; ++i) {
            model::ParticipantEntry one;
            one.name = "participant " + std::to_string(i);
            one.identity_key[0] = uint8_t(10 + i);
            one.signing_key[0] = uint8_t(20 + i);
            charter.body.participants.push_back(std::move(one));
        }
        model::LedgerEntry ledger;
        ledger.name = {"items"};
        ledger.genesis.push_back({R"({"_id":"_collection$item","name":"item"})"});
        charter.body.ledgers.push_back(ledger);
        network_ = model::network_id_of(charter.body);
        pipeline_ = std::make_unique<Pipeline>(
            Pipeline::Config{std::make_shared<const model::Charter>(charter), network_,
                             std::make_shared<const availability::Coder>(charter.body), 1'000,
                             1'000'000},
            database_);
        ENSURE(pipeline_->open().ok());
    }

    model::Charter charter_;
    sim::SimKeyValue database_;
    Hash network_;
    std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, a_block_that_ends_while_all_is_on_hold_says_nothing_of_batches) {
    PipelineOutput out;
    pipeline_->on_decided({}, out);
    ASSERT_EQ(out.work.size(), 1u) << "the block of the charter";
    // Decisions come in a hurry; of their batches none is here.
    pipeline_->hold_all();
    pipeline_->on_decided({40}, out);
    ASSERT_EQ(out.work.size(), 1u);
    out.work.front()->run();
    EXPECT_TRUE(pipeline_->on_work_done(out.work.front(), out));
    ASSERT_EQ(out.executed.size(), 1u);
    EXPECT_TRUE(out.failures.empty()) << out.failures.front();
    EXPECT_EQ(*ChainReader(database_).held_slot(), Slot{0});
}

TEST_F(PipelineTest, what_checking_makes_of_small_envelopes_counts_as_what_it_takes) {
    model::Batch batch;
    for (int i = 0; i < 5'000; ++i) batch.push_back({{0}, Bytes(128, uint8_t(i))});
    const Bytes bytes = availability::encode_batch(batch);
    ASSERT_LT(bytes.size(), 1'000'000u) << "alone it would leave room for more";
    const auto hear = [&](uint8_t lane) {
        model::BatchHeader header;
        header.lane = {lane};
        header.height = {1};
        header.da = availability::Coder(4, {})
                        .disperse({Epoch{}, {lane}, {1}}, model::Forwarding::coded, bytes)
                        .da;
        PipelineOutput out;
        pipeline_->on_batch(header, header.hash(), bytes, false, out);
        const auto works = out.work;
        for (const auto& work : works) {
            work->run();
            pipeline_->on_work_done(work, out);
        }
        return !works.empty();
    };
    EXPECT_TRUE(hear(0));
    EXPECT_FALSE(hear(1)) << "it waits in the database";
}

/// Slot 1 has two batches of lane 1, of which the newer one is here and checked.
class JumpedOver : public PipelineTest {
protected:
    JumpedOver() {
        const auto decision = first_decision_of(network_, {1}, second_.header, 1);
        ports::WriteBatch batch;
        put_decision(batch, *derive_stored(model::Epochs(charter_), nullptr, decision));
        put_body(batch, second_);
        ENSURE(database_.write(batch).ok());
        cut_ = decision.block.cut;
        pipeline_->on_decided({1}, out_);
        run_work();  // The charter's block, and then what it lets begin.
        run_work();
        ENSURE(out_.failures.empty());
    }
    void run_work() {
        for (const auto& work : std::exchange(out_.work, {})) {
            work->run();
            ENSURE(pipeline_->on_work_done(work, out_));
        }
    }

    model::BatchBody first_ = next_batch({1}, nullptr);
    model::BatchBody second_ = next_batch({1}, &first_.header);
    model::Cut cut_;
    PipelineOutput out_;
};

TEST_F(JumpedOver, batches_are_neither_kept_nor_wanted_any_more) {
    ASSERT_GT(pipeline_->checked_bytes(), 0u);
    ASSERT_EQ(pipeline_->wanted().size(), 1u);
    pipeline_->hold_all();
    pipeline_->forget_through(cut_);
    EXPECT_EQ(pipeline_->checked_bytes(), 0u);
    EXPECT_TRUE(pipeline_->wanted().empty());
}

TEST_F(JumpedOver, a_ledger_that_begins_again_has_its_batches_checked_again) {
    ASSERT_GT(pipeline_->checked_bytes(), 0u);
    pipeline_->restart_ledger({0}, out_);
    EXPECT_EQ(pipeline_->checked_bytes(), 0u);
    for (int i = 0; i < 4; ++i) run_work();
    EXPECT_EQ(pipeline_->passed({0}), Slot{0});
    ports::WriteBatch batch;
    put_body(batch, first_);
    ASSERT_TRUE(database_.write(batch).ok());
    pipeline_->on_batch(first_.header, first_.header.hash(), first_.bytes, false, out_);
    for (int i = 0; i < 4; ++i) run_work();
    EXPECT_TRUE(out_.failures.empty());
    EXPECT_EQ(pipeline_->passed({0}), Slot{1});
    EXPECT_EQ(pipeline_->checked_bytes(), 0u) << "nobody needs them any more";
}

}  // namespace
}  // namespace tally::node
