// An envelope that a client handed in here is checked once, and what was found of it then counts
// only where the very same check would be made again.
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
    CheckedBatchRef check(const model::Batch& items, KnownEnvelopes& known) const {
        CheckBatchWork work({}, {}, items, false, known.take(items),
                            std::make_shared<const model::Charter>(charter), network);
        work.run();
        return work.result();
    }

    model::Charter charter;
    Hash network;
    Bytes envelope;
};

TEST(CheckBatch, what_was_checked_for_one_ledger_is_not_valid_in_another) {
    const World world;
    KnownEnvelopes known(10);
    known.add(std::make_shared<const Bytes>(world.envelope), world.handed_in(world.envelope));
    const auto batch = world.check({{{1}, world.envelope}, {{0}, world.envelope}}, known);
    // As for everyone who never met this client.
    EXPECT_FALSE(batch->envelopes[0]->valid());
    EXPECT_EQ(batch->envelopes[0]->error, model::EnvelopeError::wrong_ledger);
    EXPECT_TRUE(batch->envelopes[1]->valid());
}

TEST(CheckBatch, a_ledger_outside_of_the_charter_takes_nothing) {
    const World world;
    KnownEnvelopes known(10);
    known.add(std::make_shared<const Bytes>(world.envelope), world.handed_in(world.envelope));
    EXPECT_FALSE(world.check({{{9}, world.envelope}}, known)->envelopes[0]->valid());
}

TEST(CheckBatch, an_envelope_is_not_checked_again) {
    const World world;
    KnownEnvelopes known(10);
    const auto checked = world.handed_in(world.envelope);
    known.add(std::make_shared<const Bytes>(world.envelope), checked);
    const auto batch = world.check({{{0}, world.envelope}}, known);
    EXPECT_EQ(batch->envelopes[0], checked);
}

TEST(CheckBatch, one_bit_makes_it_another_envelope) {
    const World world;
    KnownEnvelopes known(10);
    known.add(std::make_shared<const Bytes>(world.envelope), world.handed_in(world.envelope));
    Bytes bent = world.envelope;
    bent[bent.size() - 20] ^= 1;
    EXPECT_FALSE(world.check({{{0}, bent}}, known)->envelopes[0]->valid());
}

}  // namespace
}  // namespace tally::node
