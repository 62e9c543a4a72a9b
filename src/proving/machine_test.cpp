// Honest provers that compute one header certify it, whatever is lost; one that computes another
// disputes and falls silent, alone; nobody ever signs two headers at one place.
#include "proving/machine.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tally::proving {
namespace {

constexpr LedgerIndex packages{0};
constexpr LedgerIndex audits{1};

class Provers : public ::testing::TestWithParam<uint32_t> {
protected:
    struct Node {
        std::unique_ptr<Signer> signer;
        std::unique_ptr<Verifier> verifier;
        std::unique_ptr<Machine> machine;
        std::vector<std::shared_ptr<const model::Record>> journal;
        std::map<std::pair<LedgerIndex, Height>, model::BlockCertificate> certified;
        std::vector<Diverged> diverged;
        std::vector<model::Signed<model::Dispute>> disputes;
        std::map<std::pair<LedgerIndex, Height>, model::Attestation> said;
        uint64_t attestations_sent = 0;
    };

    void make(uint32_t count) {
        crypto_start();
        charter.ledgers.resize(2);
        charter.ledgers[0].name = "packages";
        charter.ledgers[1].name = "audit";
        set.network = sha256(view_of("proving test"));
        nodes.resize(count);
        for (uint32_t i = 0; i < count; ++i) {
            std::array<uint8_t, 32> seed{uint8_t(i + 1)};
            nodes[i].signer = ed25519_signer(Ed25519Secret::from_seed(seed));
            nodes[i].verifier = ed25519_verifier();
            set.keys.push_back(nodes[i].signer->public_key());
            for (auto& ledger : charter.ledgers) ledger.provers.push_back(Participant{uint8_t(i)});
        }
        for (uint32_t i = 0; i < count; ++i) start(i);
    }
    void start(uint32_t index) {
        Node& node = nodes[index];
        node.machine = std::make_unique<Machine>(Config{
            {Participant{uint8_t(index)}, &set, node.signer.get(), node.verifier.get()}, &charter});
        for (const auto& record : node.journal) node.machine->recover(*record);
        Effects effects;
        node.machine->start(now(), effects);
        take(index, effects);
    }
    [[nodiscard]] model::Now now() const { return {Micros{now_us}, now_us}; }

    void take(uint32_t from, const Effects& effects) {
        Node& node = nodes[from];
        for (const auto& effect : effects.list) {
            if (const auto* save = std::get_if<model::Save>(&effect)) {
                node.journal.push_back(save->record);
            } else if (const auto* send = std::get_if<model::Send>(&effect)) {
                check_said(node, *send->message);
                for (uint32_t to = 0; to < nodes.size(); ++to) {
                    const bool meant = !send->to || send->to->value == to;
                    if (to != from && meant && random() % 100 >= loss_percent)
                        queue.push_back({from, to, send->message});
                }
            } else if (const auto* certified = std::get_if<BlockCertified>(&effect)) {
                const auto& certificate = certified->certificate;
                node.certified[{certificate.ledger, certificate.height}] = certificate;
            } else if (const auto* disputed = std::get_if<Disputed>(&effect)) {
                node.disputes.push_back(disputed->dispute);
            } else if (const auto* diverged = std::get_if<Diverged>(&effect)) {
                node.diverged.push_back(*diverged);
            }
        }
    }
    void check_said(Node& node, const model::Message& message) {
        const auto* attestation = std::get_if<model::Signed<model::Attestation>>(&message);
        if (attestation == nullptr) return;
        ++node.attestations_sent;
        const auto& body = attestation->body;
        const auto first = node.said.try_emplace({body.ledger, body.height}, body).first;
        EXPECT_EQ(first->second, body) << "two attestations at one place";
        bool saved = false;
        for (const auto& record : node.journal) {
            const auto* own = std::get_if<model::Signed<model::Attestation>>(record.get());
            saved = saved || (own != nullptr && *own == *attestation);
        }
        EXPECT_TRUE(saved) << "saved before it is sent";
    }
    void deliver() {
        while (!queue.empty()) {
            const auto mail = queue.front();
            queue.erase(queue.begin());
            Effects effects;
            nodes[mail.to].machine->on_message(Participant{uint8_t(mail.from)}, *mail.message,
                                               now(), effects);
            take(mail.to, effects);
        }
    }
    void run(uint64_t duration_us) {
        for (const uint64_t end = now_us + duration_us; now_us < end; now_us += 100'000) {
            for (uint32_t i = 0; i < nodes.size(); ++i) {
                if (nodes[i].machine->next_wakeup_us() > now_us) continue;
                Effects effects;
                nodes[i].machine->on_tick(now(), effects);
                take(i, effects);
                EXPECT_GT(nodes[i].machine->next_wakeup_us(), now_us);
            }
            deliver();
        }
    }
    static model::LedgerHeader header(LedgerIndex ledger, uint64_t height,
                                      std::string_view state = "right") {
        model::LedgerHeader made;
        made.ledger = ledger;
        made.height = Height{height};
        made.state_after = sha256(view_of(state));
        return made;
    }
    void execute(uint32_t index, const model::LedgerHeader& result) {
        Effects effects;
        nodes[index].machine->on_executed(result.ledger, result, sha256(view_of("D")), now(),
                                          effects);
        take(index, effects);
    }
    void execute_all(const model::LedgerHeader& result) {
        for (uint32_t i = 0; i < nodes.size(); ++i) execute(i, result);
        deliver();
    }
    void decide(const model::Block& block) {
        for (uint32_t i = 0; i < nodes.size(); ++i) {
            Effects effects;
            nodes[i].machine->on_decided(block, now(), effects);
            take(i, effects);
        }
        deliver();
    }
    model::Block carrying(uint64_t height) {
        model::Block block;
        block.highest_carried = {Height{height}, Height{0}};
        return block;
    }
    model::Signed<model::Attestation> attestation(uint32_t signer,
                                                  const model::LedgerHeader& result) {
        return model::sign(set, Participant{uint8_t(signer)}, *nodes[signer].signer,
                           model::Attestation{result.ledger, result.height, 0, result.hash(), {}});
    }
    void inject(uint32_t to, uint32_t from, const model::Message& message) {
        Effects effects;
        nodes[to].machine->on_message(Participant{uint8_t(from)}, message, now(), effects);
        take(to, effects);
    }
    uint64_t refusals(uint32_t node, Refusal reason, uint32_t from) {
        const auto& all = nodes[node].machine->refusals();
        const auto found = all.find({reason, Participant{uint8_t(from)}});
        return found == all.end() ? 0 : found->second;
    }

    struct Mail {
        uint32_t from, to;
        std::shared_ptr<const model::Message> message;
    };
    model::CharterBody charter;
    model::Signatories set;
    std::vector<Node> nodes;
    std::vector<Mail> queue;
    std::mt19937_64 random{1};
    uint64_t loss_percent = 0, now_us = 1'000'000;
};

TEST_P(Provers, more_than_half_certify_for_everyone) {
    make(GetParam());
    execute_all(header(packages, 1));
    for (const Node& node : nodes) {
        const auto found = node.certified.find({packages, Height{1}});
        ASSERT_NE(found, node.certified.end());
        EXPECT_EQ(found->second.header, header(packages, 1).hash());
        EXPECT_TRUE(model::check_block_certificate(set, *node.verifier, charter.ledgers[0].provers,
                                                   found->second));
        EXPECT_EQ(node.machine->certified_height(packages), Height{1});
        EXPECT_TRUE(node.machine->refusals().empty());
    }
}
INSTANTIATE_TEST_SUITE_P(Sizes, Provers, ::testing::Values(1, 2, 3, 4, 7));

class FourProvers : public Provers {
protected:
    void SetUp() override { make(4); }
};

TEST_F(FourProvers, two_of_four_are_not_enough) {
    for (uint32_t i = 0; i < 2; ++i) execute(i, header(packages, 1));
    deliver();
    for (const Node& node : nodes) EXPECT_TRUE(node.certified.empty());
    EXPECT_EQ(nodes[0].machine->missing(packages, Height{1}),
              (std::vector<Participant>{Participant{2}, Participant{3}}));
}

TEST_F(FourProvers, those_above_vacant_places_are_heard) {
    set.keys[0] = set.keys[1] = {};
    for (auto& ledger : charter.ledgers) ledger.provers = {Participant{2}, Participant{3}};
    for (uint32_t i = 2; i < 4; ++i) execute(i, header(packages, 1));
    deliver();
    for (uint32_t i = 2; i < 4; ++i)
        EXPECT_EQ(nodes[i].machine->certified_height(packages), Height{1});
}

TEST_F(FourProvers, attestations_are_said_again_until_carried) {
    loss_percent = 70;
    for (uint64_t height = 1; height <= 5; ++height) execute_all(header(packages, height));
    run(60'000'000);
    for (const Node& node : nodes) EXPECT_EQ(node.machine->certified_height(packages), Height{5});
    decide(carrying(5));
    run(20'000'000);
    for (Node& node : nodes) {
        EXPECT_EQ(node.machine->carried_height(packages), Height{5});
        node.attestations_sent = 0;
    }
    run(60'000'000);
    for (const Node& node : nodes) {
        EXPECT_EQ(node.attestations_sent, 0u) << "carried: nothing more to say";
        EXPECT_EQ(node.machine->next_wakeup_us(), UINT64_MAX);
    }
}

TEST_F(FourProvers, who_diverges_disputes_and_is_silent_for_that_ledger_alone) {
    execute(3, header(packages, 1, "wrong"));
    execute_all(header(audits, 1));
    for (uint32_t i = 0; i < 3; ++i) execute(i, header(packages, 1));
    deliver();
    Node& wrong = nodes[3];
    EXPECT_TRUE(wrong.machine->diverged(packages));
    EXPECT_FALSE(wrong.machine->diverged(audits));
    ASSERT_EQ(wrong.diverged.size(), 1u);
    EXPECT_EQ(wrong.diverged[0].height, Height{1});
    ASSERT_EQ(wrong.disputes.size(), 1u);
    EXPECT_EQ(wrong.disputes[0].body.header, header(packages, 1, "wrong").hash());
    for (uint32_t i = 0; i < 3; ++i) {
        EXPECT_FALSE(nodes[i].machine->diverged(packages));
        EXPECT_EQ(nodes[i].disputes, wrong.disputes) << "everyone sees it, once";
    }

    // Silent for packages, not for audits.
    for (uint32_t i = 0; i < 3; ++i) execute(i, header(packages, 2));
    execute(3, header(packages, 2, "wrong"));
    execute_all(header(audits, 2));
    EXPECT_FALSE(wrong.said.contains({packages, Height{2}}));
    EXPECT_TRUE(wrong.said.contains({audits, Height{2}}));
    EXPECT_EQ(wrong.diverged.size(), 1u);

    // Executed again, now right: it agrees, and attests what it has not signed before.
    execute(3, header(packages, 1));
    EXPECT_FALSE(wrong.machine->diverged(packages));
    execute(3, header(packages, 2));
    execute_all(header(packages, 3));
    EXPECT_EQ((wrong.said[{packages, Height{1}}].header), header(packages, 1, "wrong").hash());
    EXPECT_EQ((wrong.said[{packages, Height{2}}].header), header(packages, 2).hash());
    EXPECT_EQ((wrong.said[{packages, Height{3}}].header), header(packages, 3).hash());
    EXPECT_EQ(wrong.diverged.size(), 1u);
}

TEST_F(FourProvers, what_is_certified_vouches_for_what_is_executed_once_both_are_compared) {
    for (uint64_t height = 1; height <= 3; ++height) {
        for (uint32_t i = 0; i < 3; ++i) execute(i, header(packages, height));
    }
    deliver();
    const Machine& late = *nodes[3].machine;
    EXPECT_EQ(late.certified_height(packages), Height{3});
    EXPECT_EQ(late.agreed_height(packages), Height{0}) << "it executed nothing";
    execute(3, header(packages, 1));
    EXPECT_EQ(late.agreed_height(packages), Height{1});
    execute(3, header(packages, 2, "wrong"));
    EXPECT_TRUE(late.diverged(packages));
    EXPECT_EQ(late.agreed_height(packages), Height{1});

    // Executed again: what was compared was another result.
    execute(3, header(packages, 1, "wrong"));
    EXPECT_EQ(late.agreed_height(packages), Height{0});
    execute(3, header(packages, 1));
    execute(3, header(packages, 2));
    EXPECT_EQ(late.agreed_height(packages), Height{2});
}

TEST_F(FourProvers, a_restart_does_not_forget_a_divergence) {
    execute(3, header(packages, 1, "wrong"));
    for (uint32_t i = 0; i < 3; ++i) execute(i, header(packages, 1));
    deliver();
    Node& wrong = nodes[3];
    ASSERT_TRUE(wrong.machine->diverged(packages));
    const auto certificate = wrong.certified.at({packages, Height{1}});

    // The database still holds the wrong block when the process ends, and the right one is carried
    // meanwhile: nothing would be compared any more.
    const auto restart = [&](Height executed, const std::optional<Hash>& own) {
        start(3);
        decide(carrying(1));
        Effects effects;
        wrong.machine->on_stored(packages, executed, own,
                                 own ? std::optional(certificate) : std::nullopt, effects);
        take(3, effects);
    };
    restart(Height{1}, header(packages, 1, "wrong").hash());
    EXPECT_TRUE(wrong.machine->diverged(packages));
    EXPECT_EQ(wrong.diverged.size(), 2u) << "to be executed again";
    EXPECT_EQ(wrong.disputes.size(), 1u + 1u) << "the same Dispute, said again";
    execute(3, header(packages, 2, "wrong"));
    EXPECT_FALSE(wrong.said.contains({packages, Height{2}}));

    // Another restart, while the ledger is executed again and has not come that far.
    restart(Height{0}, {});
    EXPECT_TRUE(wrong.machine->diverged(packages));
    execute(3, header(packages, 1));

    // Back, and it stays so.
    restart(Height{1}, header(packages, 1).hash());
    EXPECT_FALSE(wrong.machine->diverged(packages));
    execute(3, header(packages, 2));
    EXPECT_EQ((wrong.said[{packages, Height{2}}].header), header(packages, 2).hash());
}

TEST_F(FourProvers, a_divergence_noticed_before_it_may_sign_is_disputed_once_it_may) {
    // As at every start: nobody signs before the others have said what they hold.
    const auto set_signer = [&](const Signer* signer) {
        Effects effects;
        nodes[3].machine->set_signer(signer, now(), effects);
        take(3, effects);
        deliver();
    };
    for (uint32_t i = 0; i < 3; ++i) execute(i, header(packages, 1));
    queue.clear();
    for (uint32_t i = 1; i < 3; ++i) inject(0, i, attestation(i, header(packages, 1)));
    const auto right = nodes[0].certified.at({packages, Height{1}});
    set_signer(nullptr);
    Effects effects;
    nodes[3].machine->on_stored(packages, Height{1}, header(packages, 1, "wrong").hash(), right,
                                effects);
    take(3, effects);
    EXPECT_TRUE(nodes[3].machine->diverged(packages));
    EXPECT_TRUE(nodes[3].disputes.empty());
    set_signer(nodes[3].signer.get());
    ASSERT_EQ(nodes[3].disputes.size(), 1u);
    EXPECT_EQ(nodes[3].disputes[0].body.height, Height{1});
    EXPECT_EQ(nodes[3].disputes[0].body.header, header(packages, 1, "wrong").hash());
    EXPECT_EQ(nodes[0].disputes, nodes[3].disputes);
    set_signer(nullptr);
    set_signer(nodes[3].signer.get());
    EXPECT_EQ(nodes[3].disputes.size(), 1u) << "once";
}

TEST_F(FourProvers, what_is_forgotten_of_many_uncarried_blocks_is_not_signed_again) {
    for (uint64_t height = 1; height <= 4'097; ++height) execute(0, header(packages, height));
    // Executed again, with another result.
    execute(0, header(packages, 1, "another"));
    execute(0, header(packages, 2, "another"));
    EXPECT_EQ(nodes[0].attestations_sent, 4'097u);
    execute(0, header(packages, 4'098));
    EXPECT_EQ(nodes[0].attestations_sent, 4'098u);
}

TEST_F(FourProvers, divergence_is_seen_in_a_carried_certificate_too) {
    for (uint32_t i = 0; i < 3; ++i) execute(i, header(packages, 1));
    deliver();
    auto block = carrying(1);
    block.carried.push_back(nodes[0].certified[{packages, Height{1}}]);
    start(3);  // It heard nothing.
    Effects effects;
    nodes[3].machine->on_decided(block, now(), effects);
    take(3, effects);
    execute(3, header(packages, 1, "wrong"));
    EXPECT_TRUE(nodes[3].machine->diverged(packages));
    EXPECT_TRUE(nodes[3].said.empty());
    // The dispute is said again until it is decided.
    queue.clear();
    now_us += 20'000'000;
    run(100'000);
    EXPECT_GE(nodes[0].disputes.size(), 1u);
    block.control.push_back(nodes[3].disputes[0]);
    decide(block);
    EXPECT_EQ(nodes[3].machine->next_wakeup_us() == UINT64_MAX ||
                  (run(30'000'000), nodes[3].machine->next_wakeup_us() == UINT64_MAX),
              true);
}

TEST_F(FourProvers, a_restart_never_signs_another_header_at_the_same_place) {
    execute(0, header(packages, 1));
    execute(0, header(packages, 2));
    start(0);
    execute(0, header(packages, 1));
    execute(0, header(packages, 2, "another result after the crash"));
    now_us += 1'000'000;
    run(1'000'000);
    EXPECT_EQ((nodes[0].said[{packages, Height{2}}].header), header(packages, 2).hash());
    for (uint32_t i = 1; i < 4; ++i) execute(i, header(packages, 1));
    deliver();
    EXPECT_TRUE(nodes[0].certified.contains({packages, Height{1}}));
    const auto before = nodes[0].certified;
    nodes[0].certified.clear();
    start(0);
    EXPECT_EQ(nodes[0].certified, before) << "certificates are told again after a restart";
}

TEST_F(FourProvers, two_attestations_at_one_place_are_kept_as_evidence) {
    const auto first = attestation(3, header(packages, 1));
    const auto second = attestation(3, header(packages, 1, "other"));
    inject(0, 3, first);
    inject(0, 3, second);
    inject(0, 3, second);
    ASSERT_EQ(nodes[0].machine->equivocations().size(), 1u);
    EXPECT_EQ(nodes[0].machine->equivocations()[0], (Equivocation{first, second}));
    EXPECT_EQ(refusals(0, Refusal::equivocation, 3), 2u);
    auto forged = second;
    forged.signature[0] ^= 1;
    forged.signer = Participant{2};
    inject(1, 2, attestation(2, header(packages, 1)));
    inject(1, 2, forged);
    EXPECT_TRUE(nodes[1].machine->equivocations().empty()) << "a forgery accuses nobody";
    EXPECT_EQ(refusals(1, Refusal::bad_signature, 2), 1u);
}

TEST_F(FourProvers, what_breaks_a_rule_is_refused_by_its_reason) {
    inject(0, 1, attestation(2, header(packages, 1)));
    EXPECT_EQ(refusals(0, Refusal::not_a_prover, 1), 1u) << "each speaks for itself";
    inject(0, 1, attestation(1, header(LedgerIndex{7}, 1)));
    EXPECT_EQ(refusals(0, Refusal::unknown_ledger, 1), 1u);
    inject(0, 1, attestation(1, header(packages, 1'000)));
    EXPECT_EQ(refusals(0, Refusal::out_of_window, 1), 1u);
    charter.ledgers[1].provers = {Participant{0}, Participant{2}, Participant{3}};
    inject(0, 1, attestation(1, header(audits, 1)));
    EXPECT_EQ(refusals(0, Refusal::not_a_prover, 1), 2u);

    model::BlockCertificate good{packages, Height{1}, 0, header(packages, 1).hash(), {}};
    for (uint8_t i = 1; i < 4; ++i)
        good.parts.push_back({Participant{i}, {}, attestation(i, header(packages, 1)).signature});
    auto bad = good;
    bad.parts.pop_back();
    inject(0, 1, bad);
    bad = good;
    bad.parts[1] = bad.parts[0];
    inject(0, 1, bad);
    bad = good;
    bad.header = header(packages, 1, "other").hash();
    inject(0, 1, bad);
    bad = good;
    bad.parts[0].tag = sha256({});
    inject(0, 1, bad);
    EXPECT_EQ(refusals(0, Refusal::bad_certificate, 1), 4u);
    EXPECT_TRUE(nodes[0].certified.empty());
    inject(0, 1, good);
    EXPECT_EQ((nodes[0].certified[{packages, Height{1}}]), good);
    ASSERT_NE(nodes[0].machine->certificate(packages, Height{1}), nullptr);
    EXPECT_EQ(*nodes[0].machine->certificate(packages, Height{1}), good);
    EXPECT_EQ(nodes[0].machine->certificate(packages, Height{9}), nullptr);
}

}  // namespace
}  // namespace tally::proving
