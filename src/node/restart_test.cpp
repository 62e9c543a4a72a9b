// What a crash left half done is finished after the restart, without any more work coming in.
#include <gtest/gtest.h>

#include "node/chain_store.hpp"
#include "node/node.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node {
namespace {

/// A network of one whose disk and database the test owns.
class Alone {
public:
    Alone() {
        crypto_start();
        user_ = Ed25519Secret::from_seed({5});
        auto& body = charter_.body;
        body.genesis_time = {1'700'000'000'000'000};
        model::ParticipantEntry self;
        self.name = {"alone"};
        self.identity_key = Ed25519Secret::from_seed({1}).public_key();
        self.signing_key = signer_->public_key();
        body.participants.push_back(self);
        model::LedgerEntry ledger;
        ledger.name = {"items"};
        ledger.provers.push_back({0});
        for (const std::string& change :
             {std::string(R"({"_id":"_collection$item","name":"item"})"),
              std::string(R"({"_id":"_predicate$1","name":"item/key","type":"string"})"),
              std::string(R"({"_id":"_rule$1","id":"all","collection":"*","predicates":["*"],)"
                          R"("ops":["read","write"]})"),
              std::string(R"({"_id":"_role$1","id":"writer","rules":["_rule$1"]})"),
              R"({"_id":"_auth$1","id":")" + model::public_key_of(user_).did() +
                  R"(","roles":["_role$1"]})"})
            ledger.genesis.push_back({change});
        body.ledgers.push_back(ledger);
    }

    void open() {
        Config config;
        config.charter = charter_;
        auto opened = Node::open(std::move(config), *signer_, *verifier_, disk, key_value, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        node = std::move(*opened);
    }
    void start() {
        Effects effects;
        node->start(now(), effects);
        perform(effects);
    }
    void submit() {
        model::Payload payload;
        payload.network = model::network_id_of(charter_.body);
        payload.ledger = "items";
        payload.nonce = "1";
        payload.expire_ms = now().wall.value / 1'000 + 60'000;
        payload.fuel = 1'000;
        payload.changes = R"([{"_id":"item$1","key":"a"}])";
        const Bytes envelope = copy_of(view_of(model::sign_envelope(payload, user_)));
        auto checked = std::make_shared<const model::CheckedEnvelope>(
            model::check_envelope(envelope, payload.network, "items"));
        ASSERT_TRUE(checked->valid());
        step(ClientRequest{1, Submit{{0}, envelope, checked, Level::certified, 60'000'000}});
    }
    void step(Input input) {
        Effects effects;
        node->step(now(), std::move(input), effects);
        perform(effects);
    }
    /// Until `done`, but not for ever.
    template <class Done>
    void run_until(Done done) {
        for (int turns = 0; turns < 2'000 && !done(); ++turns) run_turns(1);
    }
    void run_turns(int count) {
        for (int turns = 0; turns < count; ++turns) {
            now_us_ += 10'000;
            if (const auto ticket = disk.pending()) {
                disk.complete(*ticket);
                step(Synced{*ticket});
                continue;
            }
            step(Tick{});
        }
    }
    /// The journal loses some of what was not synced, the database as much as it may.
    void crash(uint64_t seed) {
        node.reset();
        sim::Random random(seed, sim::stream_of("crash"));
        disk.crash(random);
        key_value.crash(random);
    }
    [[nodiscard]] Height executed() const {
        const auto mark = ChainReader(key_value).mark({0});
        return mark.ok() && *mark ? (*mark)->height : Height{};
    }
    [[nodiscard]] Height certified() const { return node->status().ledgers[0].certified; }

    sim::SimDisk disk;
    sim::SimKeyValue key_value;
    std::unique_ptr<Node> node;
    int halts = 0, replies = 0;

private:
    [[nodiscard]] model::Now now() const {
        return {Micros{1'700'000'001'000'000 + now_us_}, now_us_};
    }
    void perform(Effects& effects) {
        for (Effect& effect : effects) {
            if (std::holds_alternative<Halt>(effect)) ++halts;
            if (std::holds_alternative<Reply>(effect)) ++replies;
            if (auto* start = std::get_if<StartWork>(&effect)) {
                start->work->run();
                step(WorkDone{start->id, start->work});
            }
        }
    }

    model::Charter charter_;
    model::SecretKey user_ = Ed25519Secret::from_seed({5});
    std::unique_ptr<Signer> signer_ = ed25519_signer(Ed25519Secret::from_seed({2}));
    std::unique_ptr<Verifier> verifier_ = ed25519_verifier();
    uint64_t now_us_ = 1'000'000;
};

TEST(Restart, a_block_whose_attestation_was_lost_is_attested_again) {
    uint64_t lost = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        Alone network;
        network.open();
        network.start();
        network.submit();
        network.run_until([&] { return network.executed() == Height{1}; });
        ASSERT_EQ(network.executed(), Height{1});

        // The attestation is signed, and not durable yet.
        network.crash(seed);
        network.open();
        if (network.executed() == Height{1} && network.certified() == Height{0}) ++lost;
        network.start();
        network.run_until([&] { return network.certified() == Height{1}; });
        EXPECT_EQ(network.certified(), Height{1}) << seed;
    }
    EXPECT_GT(lost, 0u) << "some crash lost it, and kept the block";
}

TEST(Restart, a_database_without_room_ends_the_node_and_after_the_restart_all_goes_on) {
    // At whichever write there is no more room: of a batch, a decision, a block, a certificate.
    for (int writes = 0; writes < 12; ++writes) {
        Alone network;
        network.open();
        network.start();
        network.submit();
        network.run_turns(writes);
        network.key_value.set_full(true);
        network.run_turns(200);
        if (network.certified() == Height{1}) continue;  // All was written before.
        EXPECT_EQ(network.halts, 1) << "it says so once";
        EXPECT_EQ(network.replies, 0) << "and acknowledges nothing";
        EXPECT_FALSE(network.node->status().signing);
        network.step(ClientRequest{9, GetStatus{}});
        EXPECT_EQ(network.replies, 1) << "who asks is told";

        network.crash(uint64_t(writes));
        network.key_value.set_full(false);
        network.open();
        network.start();
        network.submit();
        network.run_until([&] { return network.certified() == Height{1}; });
        EXPECT_EQ(network.certified(), Height{1}) << writes;
    }
}

TEST(Restart, a_failed_sync_ends_the_node) {
    Alone network;
    network.open();
    network.start();
    network.submit();
    network.step(SyncFailed{"the disk failed"});
    EXPECT_EQ(network.halts, 1);
    network.run_turns(100);
    EXPECT_EQ(network.halts, 1);
    EXPECT_EQ(network.replies, 0);
    EXPECT_EQ(network.executed(), Height{0});
    EXPECT_EQ(network.node->status().note, "the disk failed");
}

}  // namespace
}  // namespace tally::node
