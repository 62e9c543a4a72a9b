// One participant of four, of whom the test plays the others.
#pragma once

#include <gtest/gtest.h>

#include "node/node.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node::among_four {

inline constexpr uint64_t start_us = 1'800'000'000'000'000;

inline Ed25519Secret secret_of(uint8_t number) {
    std::array<uint8_t, 32> seed{};
    seed[0] = number;
    return Ed25519Secret::from_seed(seed);
}

inline model::Charter charter_of_four() {
    model::Charter charter;
    auto& body = charter.body;
    body.name = "test";
    body.genesis_time = {start_us};
    for (uint8_t i = 0; i < 4; ++i) {
        model::ParticipantEntry one;
        one.name = "participant " + std::to_string(i);
        one.identity_key = secret_of(uint8_t(10 + i)).public_key();
        one.signing_key = secret_of(uint8_t(20 + i)).public_key();
        one.addresses.emplace_back("127.0.0.1:1");
        body.participants.push_back(std::move(one));
    }
    model::LedgerEntry ledger;
    ledger.name = "items";
    for (uint8_t i = 0; i < 4; ++i) ledger.provers.push_back({i});
    body.ledgers.push_back(std::move(ledger));
    return charter;
}

/// Participant 0, whose disk and workers answer at once; the test plays the others.
class AmongFour : public testing::Test {
protected:
    void SetUp() override {
        crypto_start();
        set_.network = model::network_id_of(charter_.body);
        for (const auto& participant : charter_.body.participants)
            set_.keys.push_back(participant.signing_key);
        for (uint8_t i = 0; i < 4; ++i)
            signers_.push_back(ed25519_signer(secret_of(uint8_t(20 + i))));
        prepare();
        auto opened =
            Node::open({charter_, {0}}, *signers_[0], *verifier_, disk_, key_value_, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        node_ = std::move(*opened);
        Effects effects;
        node_->start(now(), effects);
        perform(effects);
    }

    /// What lies on the disks before the start.
    virtual void prepare() {}

    model::Now now() const { return {{start_us + time_us_}, 1'000'000 + time_us_}; }

    void step(Input input) {
        Effects effects;
        node_->step(now(), std::move(input), effects);
        perform(effects);
    }

    void hear(Participant from, const model::Message& message) {
        step(PeerMessage{from, std::make_shared<const Bytes>(model::encode_message(message))});
    }

    void perform(Effects& effects) {
        for (auto& effect : effects) {
            if (auto* start = std::get_if<StartWork>(&effect)) {
                late_work_.push_back(std::move(*start));
                if (!works_late_) work();
            } else if (auto* sent = std::get_if<SendPeer>(&effect)) {
                const auto message = model::decode_message(*sent->bytes);
                ENSURE(message.ok());
                if (std::holds_alternative<model::FetchDecisions>(*message)) ++decisions_asked_;
                if (const auto* told = std::get_if<model::BlockCertificate>(&*message))
                    certificates_told_.push_back(told->height);
                sent_.emplace_back(sent->to, *message);
            }
        }
        while (const auto ticket = disk_.pending()) {
            disk_.complete(*ticket);
            step(Synced{*ticket});
        }
    }

    /// What the workers were given and did not end yet.
    void work() {
        for (const auto& start : std::exchange(late_work_, {})) {
            start.work->run();
            step(WorkDone{start.id, start.work});
        }
    }

    uint64_t counter(const std::string& name) const {
        const auto counters = node_->status().counters;
        const auto found = counters.find(name);
        return found == counters.end() ? 0 : found->second;
    }

    template <class Message>
    size_t count_sent() const {
        size_t count = 0;
        for (const auto& [to, message] : sent_)
            count += std::holds_alternative<Message>(message) ? 1 : 0;
        return count;
    }

    /// The first slot's decision, of nothing.
    model::Decision first_decision() const {
        model::Decision decision;
        auto& block = decision.block;
        block.slot = {1};
        block.parent = set_.network;
        block.time = {start_us + 1};
        block.cut.resize(4);
        block.highest_carried.resize(1);
        decision.qc = decided({1}, block.hash());
        return decision;
    }

    /// A quorum's proof that this slot is decided.
    model::CommitQC decided(Slot slot, const Hash& block = sha256(view_of("some block"))) const {
        model::CommitQC qc{{slot, {0}, block}, {}};
        for (uint8_t i = 1; i < 4; ++i)
            qc.endorsements.push_back(
                {{i}, model::sign(set_, {i}, *signers_[i], qc.body).signature});
        return qc;
    }

    model::Charter charter_ = charter_of_four();
    model::Signatories set_{{}, Epoch{0}, {}};
    std::vector<std::unique_ptr<Signer>> signers_;
    std::unique_ptr<Verifier> verifier_ = ed25519_verifier();
    sim::SimDisk disk_;
    sim::SimKeyValue key_value_;
    std::unique_ptr<Node> node_;
    uint64_t time_us_ = 0;
    uint64_t decisions_asked_ = 0;
    std::vector<Height> certificates_told_;
    bool works_late_ = false;  ///< only when the test calls work()
    std::vector<StartWork> late_work_;
    std::vector<std::pair<Participant, model::Message>> sent_;
};

}  // namespace tally::node::among_four
