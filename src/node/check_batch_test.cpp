// An envelope that a client handed in here is checked once, and what was found of it then counts
// only where the very same check would be made again; it is known until then, within a bound of
// memory.
#include "node/check_batch.hpp"

#include <gtest/gtest.h>

namespace tally::node {
namespace {

struct World {
    World() {
        for (const char* name : {"items", "trade/other"}) {
            model::LedgerEntry ledger;
            ledger.name = {name};
            charter.body.ledgers.push_back(ledger);
        }
        network = model::network_id_of(charter.body);
        model::Payload payload;
        payload.network = network;
        payload.ledger = "items";
        payload.nonce = "1";
        payload.expire_ms = 1'000;
        payload.fuel = 100;
        payload.changes = R"([{"_id":"item$1","key":"a"}])";
        const model::SecretKey secret = Ed25519Secret::from_seed({7});
        envelope = copy_of(view_of(model::sign_envelope(payload, secret)));
    }

    std::shared_ptr<const model::CheckedEnvelope> handed_in(const Bytes& bytes) const {
        return std::make_shared<const model::CheckedEnvelope>(
            model::check_envelope(bytes, network, "items"));
    }
    CheckedBatchRef check(const model::Batch& items, KnownEnvelopes& known,
                          Epoch epoch = {}) const {
        CheckBatchWork work({}, {}, items, false, known.take(items),
                            std::make_shared<const model::Charter>(charter), network,
                            model::sealing_keys_of(epoch, charter.body));
        work.run();
        return work.result();
    }

    model::Charter charter;
    Hash network;
    Bytes envelope;
};

TEST(CheckBatch, what_was_checked_for_one_ledger_is_not_valid_in_another) {
    const World world;
    KnownEnvelopes known(1'000'000);
    known.add(world.envelope, world.handed_in(world.envelope));
    const auto batch = world.check({{{1}, world.envelope}, {{0}, world.envelope}}, known);
    // As for everyone who never met this client.
    EXPECT_FALSE(batch->envelopes[0]->valid());
    EXPECT_EQ(batch->envelopes[0]->error, model::EnvelopeError::wrong_ledger);
    EXPECT_TRUE(batch->envelopes[1]->valid());
}

TEST(CheckBatch, a_ledger_outside_of_the_charter_takes_nothing) {
    const World world;
    KnownEnvelopes known(1'000'000);
    known.add(world.envelope, world.handed_in(world.envelope));
    EXPECT_FALSE(world.check({{{9}, world.envelope}}, known)->envelopes[0]->valid());
}

TEST(CheckBatch, an_envelope_is_not_checked_again) {
    const World world;
    KnownEnvelopes known(1'000'000);
    const auto checked = world.handed_in(world.envelope);
    known.add(world.envelope, checked);
    const auto batch = world.check({{{0}, world.envelope}}, known);
    EXPECT_EQ(batch->envelopes[0], checked);
}

TEST(CheckBatch, one_bit_makes_it_another_envelope) {
    const World world;
    KnownEnvelopes known(1'000'000);
    known.add(world.envelope, world.handed_in(world.envelope));
    Bytes bent = world.envelope;
    bent[bent.size() - 20] ^= 1;
    EXPECT_FALSE(world.check({{{0}, bent}}, known)->envelopes[0]->valid());
}

std::shared_ptr<const model::CheckedEnvelope> checked_with(size_t objects) {
    model::CheckedEnvelope checked;
    checked.transaction.emplace();
    for (size_t i = 0; i < objects; ++i)
        checked.transaction->changes.push_back(boost::json::object{{"a", 1}});
    return std::make_shared<const model::CheckedEnvelope>(std::move(checked));
}

Bytes envelope(uint32_t number) {
    Bytes bytes;
    append_u32(bytes, number);
    return bytes;
}

model::Batch batch_of(std::initializer_list<uint32_t> numbers) {
    model::Batch batch;
    for (const uint32_t number : numbers) batch.push_back({LedgerIndex{0}, envelope(number)});
    return batch;
}

TEST(KnownEnvelopes, are_forgotten_once_their_batch_is_checked) {
    KnownEnvelopes known(1'000'000);
    const auto first = checked_with(1);
    known.add(envelope(1), first);
    known.add(envelope(2), checked_with(1));
    const auto taken = known.take(batch_of({1, 7, 1}));
    ASSERT_EQ(taken.size(), 2u) << "an envelope may stand in a batch twice";
    EXPECT_EQ(taken.at(0), first);
    EXPECT_EQ(taken.at(2), first);
    EXPECT_EQ(known.count(), 1u);
    EXPECT_TRUE(known.take(batch_of({1})).empty());
    EXPECT_EQ(known.take(batch_of({2})).size(), 1u);
    EXPECT_EQ(known.bytes(), 0u);
}

TEST(KnownEnvelopes, never_take_more_memory_than_allowed) {
    // A transaction of 2,000 small objects has a text of 16 KB and a tree of some 300 KB.
    constexpr size_t bytes_max = 4'000'000;
    KnownEnvelopes known(bytes_max);
    for (uint32_t i = 0; i < 100; ++i) {
        known.add(envelope(i), checked_with(2'000));
        ASSERT_LE(known.bytes(), bytes_max);
    }
    EXPECT_LE(known.count(), bytes_max / (2'000 * 100));
    EXPECT_TRUE(known.take(batch_of({0})).empty()) << "the oldest went first";
    EXPECT_EQ(known.take(batch_of({99})).size(), 1u);
    known.add(envelope(100), checked_with(100'000));
    EXPECT_TRUE(known.take(batch_of({100})).empty()) << "larger than all that is allowed";
    EXPECT_EQ(known.take(batch_of({98})).size(), 1u) << "and makes no room";
}

}  // namespace
}  // namespace tally::node
