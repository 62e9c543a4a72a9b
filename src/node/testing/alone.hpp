// A network of one participant, whose media a test owns.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "model/sealed.hpp"
#include "node/chain_store.hpp"
#include "node/node.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node {

inline constexpr LedgerIndex items{0};

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
        self.opening_key = x25519_public(opening_secret);
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
        if (has_opening_secret) config.opening_secrets = {opening_secret};
        if (tree_nodes_in_memory_max) config.tree_nodes_in_memory_max = *tree_nodes_in_memory_max;
        auto opened = Node::open(std::move(config), *signer_, *verifier_, disk, key_value, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        node = std::move(*opened);
    }
    void start() {
        Effects effects;
        node->start(now(), effects);
        perform(effects);
    }
    void submit() { submit(R"([{"_id":"item$1","key":"a"}])", 1); }
    void submit(const std::string& changes, uint64_t number) {
        const auto [envelope, checked] = envelope_of(changes, number);
        ASSERT_TRUE(checked->valid());
        step(ClientRequest{number, Submit{{0}, envelope, checked, Level::certified, 60'000'000}});
    }
    /// The transaction that submit() with the same would hand in now.
    [[nodiscard]] std::pair<Bytes, std::shared_ptr<const model::CheckedEnvelope>> envelope_of(
        const std::string& changes, uint64_t number) const {
        const model::Payload payload = payload_of(changes, number);
        const Bytes envelope = copy_of(view_of(model::sign_envelope(payload, user_)));
        auto checked = std::make_shared<const model::CheckedEnvelope>(
            model::check_envelope(envelope, payload.network, "items"));
        return {envelope, checked};
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
    [[nodiscard]] const model::Charter& charter() const { return charter_; }
    [[nodiscard]] const Signer& signer() const { return *signer_; }
    [[nodiscard]] const Verifier& verifier() const { return *verifier_; }
    [[nodiscard]] Height certified() const { return node->status().ledgers[0].certified; }

    sim::SimDisk disk;
    sim::SimKeyValue key_value;
    std::unique_ptr<Node> node;
    int halts = 0, replies = 0;
    std::map<uint64_t, TransactionStatus> answers;  ///< by request, of transactions
    std::function<void(const Work&)> before_work;
    std::optional<size_t> tree_nodes_in_memory_max;
    bool has_opening_secret = true;

    static constexpr X25519Secret opening_secret{9};
    [[nodiscard]] const model::SecretKey& user() const { return user_; }
    [[nodiscard]] model::Payload payload_of(const std::string& changes, uint64_t number) const {
        model::Payload payload;
        payload.network = model::network_id_of(charter_.body);
        payload.ledger = "items";
        payload.nonce = std::to_string(number);
        payload.expire_ms = now().wall.value / 1'000 + 60'000;
        payload.fuel = 1'000;
        payload.changes = changes;
        return payload;
    }
    /// Hands in any envelope.
    void submit_envelope(const std::string& text, uint64_t number) {
        const auto keys = model::sealing_keys_of({}, charter_.body);
        const Bytes envelope = copy_of(view_of(text));
        auto checked = std::make_shared<model::CheckedEnvelope>(
            model::check_envelope(envelope, model::network_id_of(charter_.body), "items", &keys));
        ASSERT_TRUE(checked->valid()) << checked->why().message();
        step(ClientRequest{number, Submit{{0}, envelope, checked, Level::certified, 60'000'000}});
    }

private:
    [[nodiscard]] model::Now now() const {
        return {Micros{1'700'000'001'000'000 + now_us_}, now_us_};
    }
    void perform(Effects& effects) {
        for (Effect& effect : effects) {
            if (std::holds_alternative<Halt>(effect)) ++halts;
            if (const auto* reply = std::get_if<Reply>(&effect)) {
                ++replies;
                const auto* status = std::get_if<Result<TransactionStatus>>(&reply->response);
                if (status != nullptr && status->ok())
                    answers.insert_or_assign(reply->id, **status);
            }
            if (auto* start = std::get_if<StartWork>(&effect)) {
                if (before_work) before_work(*start->work);
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

}  // namespace tally::node
