// The order inside a block follows from certificates alone: by time, ascending along a lane, with
// what comes too late behind everything else.
#include "node/slot_plan.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace tally::node {
namespace {

model::LaneCertificate certificate_at(const model::BatchHeader& header, uint64_t time) {
    model::LaneCertificate certificate{header.lane, header.height, header.hash(), {}, {}};
    for (uint8_t signer = 0; signer < 3; ++signer)
        certificate.parts.push_back(
            {{signer}, {time + signer * 10}, {}});  // f = 1: T is the second.
    return certificate;
}

/// A lane of batches, one transaction each, whose certificates have the given times.
struct Lane {
    Participant index;
    std::vector<CheckedBatchRef> batches;
    std::vector<model::LaneCertificate> certificates;

    void add(uint64_t time, LedgerIndex ledger = {0}, bool is_void = false) {
        auto batch = std::make_shared<CheckedBatch>();
        batch->header.lane = index;
        batch->header.height = {batches.size() + 1};
        if (!batches.empty()) {
            batch->header.parent = batches.back()->header_hash;
            batch->header.previous = certificates.back();
        }
        batch->header_hash = batch->header.hash();
        batch->is_void = is_void;
        if (!is_void) {
            batch->items.push_back({ledger, Bytes{index.value, uint8_t(batches.size())}});
            auto envelope = std::make_shared<model::CheckedEnvelope>();
            envelope->id = sha256(batch->items.back().envelope);
            batch->envelopes.push_back(std::move(envelope));
        }
        certificates.push_back(certificate_at(batch->header, time));
        batches.push_back(std::move(batch));
    }
};

struct Slots {
    explicit Slots(size_t lanes) {
        for (size_t i = 0; i < lanes; ++i) list.push_back({{uint8_t(i)}, {}, {}});
    }
    /// The slot that takes each lane from one height to another.
    SlotFacts facts(const std::vector<uint64_t>& from, const std::vector<uint64_t>& to) const {
        SlotFacts facts;
        facts.slot = {2};
        facts.time_before = {1'000};
        for (size_t i = 0; i < list.size(); ++i) {
            facts.cut_before.push_back(entry(list[i], from[i]));
            facts.cut.push_back(entry(list[i], to[i]));
            facts.tip_times_before.push_back(time(list[i], from[i]));
            facts.tip_times.push_back(time(list[i], to[i]));
        }
        return facts;
    }
    std::vector<CheckedBatchRef> batches(const SlotFacts& facts) const {
        std::vector<CheckedBatchRef> all;
        for (const auto& place : places_of(facts))
            all.push_back(list[place.lane.value].batches[place.height.value - 1]);
        return all;
    }
    static model::CutEntry entry(const Lane& lane, uint64_t height) {
        if (height == 0) return {};
        return {{height},
                lane.batches[height - 1]->header_hash,
                lane.certificates[height - 1].digest()};
    }
    static Micros time(const Lane& lane, uint64_t height) {
        return height == 0 ? Micros{} : model::time_of(lane.certificates[height - 1], 1);
    }
    std::vector<Lane> list;
};

std::vector<std::pair<int, int>> order_of(const SlotPlan& plan, LedgerIndex ledger = {0}) {
    std::vector<std::pair<int, int>> order;
    for (const auto& entry : plan.lists.at(ledger))
        order.emplace_back(entry.place.lane.value, int(entry.place.height.value));
    return order;
}

using Order = std::vector<std::pair<int, int>>;

TEST(SlotPlan, batches_of_all_lanes_are_ordered_by_their_certificates_times) {
    Slots slots(2);
    slots.list[0].add(1'500);
    slots.list[0].add(1'700);
    slots.list[1].add(1'600);
    const auto facts = slots.facts({0, 0}, {2, 1});
    ASSERT_TRUE(matches_cut(facts, slots.batches(facts)));
    const SlotPlan plan = plan_slot(facts, slots.batches(facts), 1, 300);
    EXPECT_EQ(order_of(plan), (Order{{0, 1}, {1, 1}, {0, 2}}));
    EXPECT_EQ(plan.manifest[0].time, Micros{1'510})
        << "the second smallest of three acknowledgements";
    EXPECT_EQ(plan.manifest[0].certificate, slots.list[0].certificates[0].digest())
        << "below the tip the certificate inside the next header counts";
}

TEST(SlotPlan, times_ascend_along_a_lane_whatever_the_certificates_say) {
    Slots slots(2);
    slots.list[0].add(1'900);
    slots.list[0].add(1'200);
    slots.list[1].add(1'500);
    const auto facts = slots.facts({0, 0}, {2, 1});
    const SlotPlan plan = plan_slot(facts, slots.batches(facts), 1, 10'000);
    EXPECT_EQ(order_of(plan), (Order{{1, 1}, {0, 1}, {0, 2}}));
    EXPECT_EQ(plan.manifest[1].time, Micros{1'911});
}

TEST(SlotPlan, a_lane_goes_on_after_the_tip_of_the_cut_before) {
    Slots slots(1);
    slots.list[0].add(5'000);
    slots.list[0].add(2'000);
    const auto facts = slots.facts({1}, {2});
    const SlotPlan plan = plan_slot(facts, slots.batches(facts), 1, 10'000);
    EXPECT_EQ(plan.manifest[0].time, Micros{5'011});
}

TEST(SlotPlan, a_batch_that_was_held_back_gains_no_place_by_its_old_date) {
    Slots slots(2);
    slots.list[0].add(500);  // τ of the slot before is 1,000 and L is 300: 510 is late.
    slots.list[1].add(1'500);
    const auto facts = slots.facts({0, 0}, {1, 1});
    const SlotPlan plan = plan_slot(facts, slots.batches(facts), 1, 300);
    EXPECT_TRUE(plan.manifest[0].late);
    EXPECT_EQ(order_of(plan), (Order{{1, 1}, {0, 1}}));
}

TEST(SlotPlan, a_void_batch_keeps_its_place_in_the_manifest_and_gives_no_transactions) {
    Slots slots(2);
    slots.list[0].add(1'500, {0}, true);
    slots.list[1].add(1'600, {1});
    const auto facts = slots.facts({0, 0}, {1, 1});
    const SlotPlan plan = plan_slot(facts, slots.batches(facts), 1, 300);
    EXPECT_TRUE(plan.manifest[0].is_void);
    EXPECT_FALSE(plan.lists.contains({0})) << "no transaction, so no block for that ledger";
    EXPECT_EQ(order_of(plan, {1}), (Order{{1, 1}}));
}

TEST(SlotPlan, batches_that_are_not_the_chain_of_the_cut_do_not_match) {
    Slots slots(1);
    slots.list[0].add(1'500);
    slots.list[0].add(1'600);
    Slots others(1);
    others.list[0].add(1'501);
    others.list[0].add(1'600);
    const auto facts = slots.facts({0}, {2});
    auto batches = slots.batches(facts);
    ASSERT_TRUE(matches_cut(facts, batches));
    batches[1] = others.list[0].batches[1];
    EXPECT_FALSE(matches_cut(facts, batches));
    batches = slots.batches(facts);
    std::swap(batches[0], batches[1]);
    EXPECT_FALSE(matches_cut(facts, batches));
    batches.pop_back();
    EXPECT_FALSE(matches_cut(facts, batches));
}

std::shared_ptr<const SlotPlan> decided(const Slots& slots, SlotFacts facts, Slot slot,
                                        uint64_t before, uint64_t time, uint64_t hold) {
    facts.slot = slot;
    facts.time_before = {before};
    facts.time = {time};
    facts.hold_us = hold;
    auto batches = slots.batches(facts);
    return std::make_shared<const SlotPlan>(plan_slot(std::move(facts), batches, 1, 1'000'000));
}

std::vector<std::pair<uint8_t, uint64_t>> released(
    const std::vector<std::shared_ptr<const SlotPlan>>& plans) {
    std::vector<std::pair<uint8_t, uint64_t>> places;
    for (const auto& batch : released_plan(plans).manifest)
        places.emplace_back(batch.lane.value, batch.height.value);
    return places;
}

using Places = std::vector<std::pair<uint8_t, uint64_t>>;

TEST(Hold, a_batch_comes_in_the_first_slot_in_which_it_is_due_and_in_no_other) {
    Slots slots(2);
    for (const uint64_t time : {5'000, 6'000, 9'000}) slots.list[0].add(time);
    for (const uint64_t time : {5'500, 8'000}) slots.list[1].add(time);
    const auto first = decided(slots, slots.facts({0, 0}, {2, 0}), {2}, 4'000, 6'100, 1'000);
    const auto second = decided(slots, slots.facts({2, 0}, {3, 1}), {3}, 6'100, 6'900, 1'000);
    const auto last = decided(slots, slots.facts({3, 1}, {3, 2}), {4}, 6'900, 20'000, 1'000);
    EXPECT_EQ(released({first}), (Places{{0, 1}}));
    // The other lane's, which came a slot later, keeps its place between these two.
    EXPECT_EQ(released({first, second}), (Places{{1, 1}}));
    EXPECT_EQ(released({first, second, last}), (Places{{0, 2}, {0, 3}, {1, 2}}));
    const auto plan = released_plan({first, second, last});
    std::vector<uint64_t> times;
    for (const auto& entry : plan.lists.at({0})) times.push_back(entry.place.time.value);
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
}

TEST(Hold, no_clock_holds_a_batch_back_longer_than_that_after_its_decision) {
    Slots slots(1);
    slots.list[0].add(900'000);
    const auto early = decided(slots, slots.facts({0}, {1}), {2}, 4'000, 5'000, 1'000);
    EXPECT_EQ(due_of(early->facts, early->manifest[0]), Micros{6'000});
    EXPECT_TRUE(may_hold_back(early->facts, {5'999}));
    EXPECT_FALSE(may_hold_back(early->facts, {6'000}));
}

TEST(Hold, the_last_block_of_an_epoch_holds_nothing_back) {
    Slots slots(1);
    for (const uint64_t time : {5'000, 6'000}) slots.list[0].add(time);
    const auto first = decided(slots, slots.facts({0}, {1}), {2}, 4'000, 5'100, 1'000);
    auto facts = slots.facts({1}, {2});
    facts.ends_epoch = true;
    const auto last = decided(slots, facts, {3}, 5'100, 6'100, 1'000'000);
    EXPECT_EQ(released({first, last}), (Places{{0, 1}, {0, 2}}));
    EXPECT_FALSE(may_hold_back(last->facts, {0}));
}

}  // namespace
}  // namespace tally::node
