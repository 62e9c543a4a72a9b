// Every kind of liar does what it is for, in the seeds that draw it, and no more than it may.
#include "sim/liar.hpp"
#include "sim/liar_kinds.hpp"

#include <gtest/gtest.h>

#include <set>

#include "sim/random.hpp"
#include "sim/registry.hpp"
#include "sim/run.hpp"

namespace tally::sim {
namespace {

constexpr Participant self{0};

/// A liar of four, with a voice.
struct Stage {
    explicit Stage(LiarKind kind, uint64_t seed = 1) : registry(seed) {
        scenario.seed = seed;
        for (uint32_t i = 0; i < 4; ++i) {
            signers.push_back(registry.signer(i));
            set.keys.push_back(signers.back()->public_key());
        }
        verifier = registry.verifier();
        mouth = make_mouth({scenario, self, set, *signers[0]}, kind, 0);
    }
    template <class M>
    static Mouth::Message encoded(M message) {
        return std::make_shared<const Bytes>(model::encode_message(model::Message(message)));
    }
    template <class M>
    std::vector<Mouth::Message> say(uint8_t to, M message, uint64_t now_us = 0) {
        return mouth->say({to}, encoded(std::move(message)), now_us);
    }
    model::Fragment fragment(uint64_t height) const {
        model::Fragment fragment;
        fragment.header.lane = self;
        fragment.header.height = {height};
        return fragment;
    }

    Scenario scenario;
    Registry registry;
    std::vector<std::unique_ptr<Signer>> signers;
    std::unique_ptr<Verifier> verifier;
    model::Signatories set;
    std::unique_ptr<Mouth> mouth;
};

TEST(Liars, each_kind_lies_in_the_seeds_that_draw_it) {
    std::set<LiarKind> lied;
    for (uint64_t seed = 1; seed < 400 && lied.size() <= size_t(liar_kind_last); ++seed) {
        Scenario scenario = draw_scenario(seed, 4);
        if (scenario.liars.empty() || lied.contains(scenario.liars[0].kind)) continue;
        const LiarKind kind = scenario.liars[0].kind;
        const SeedReport report = run_scenario(scenario);
        EXPECT_FALSE(report.violation) << seed << ": " << report.violation->what;
        if (report.coverage.acts_of(kind) > 0) lied.insert(kind);
    }
    EXPECT_EQ(lied.size(), size_t(liar_kind_last) + 1);
}

TEST(Liars, who_is_selective_keeps_to_its_favourites_for_a_time) {
    uint32_t spoken = 0, kept_back = 0;
    for (uint64_t seed = 0; seed < 30; ++seed) {
        Stage stage(LiarKind::selective, seed);
        for (uint8_t to = 1; to < 4; ++to) {
            const size_t first = stage.say(to, model::Heartbeat{}).size();
            EXPECT_EQ(stage.say(to, model::Heartbeat{}, 1'000).size(), first) << "in one period";
            first == 1 ? ++spoken : ++kept_back;
        }
    }
    EXPECT_GT(spoken, 10u);
    EXPECT_GT(kept_back, 10u);
}

TEST(Liars, who_withholds_gives_each_batch_to_a_bare_quorum_and_answers_nobody) {
    Stage stage(LiarKind::withholder);
    std::set<uint8_t> left_out;
    for (uint64_t height = 1; height <= 40; ++height) {
        uint32_t given = 0;
        for (uint8_t to = 1; to < 4; ++to) {
            const size_t count = stage.say(to, stage.fragment(height)).size();
            EXPECT_EQ(stage.say(to, stage.fragment(height)).size(), count) << "nor later";
            given += uint32_t(count);
            if (count == 0) left_out.insert(to);
        }
        EXPECT_EQ(given, 2u) << "with itself three of four";
    }
    EXPECT_EQ(left_out.size(), 3u) << "each is left out at some time";
    EXPECT_TRUE(stage.say(1, model::BatchBody{}).empty());
    EXPECT_TRUE(stage.say(1, model::Decisions{}).empty());

    model::LaneCertificate certificate;
    certificate.lane = {2};
    certificate.height = {7};
    EXPECT_EQ(stage.say(1, certificate).size(), 1u) << "unasked it says it";
    stage.mouth->hear({1}, Stage::encoded(model::FetchLaneCertificate{{2}, {7}}));
    EXPECT_TRUE(stage.say(1, certificate).empty());
    EXPECT_EQ(stage.say(3, certificate).size(), 1u);
}

TEST(Liars, who_censors_says_nothing_of_one_lane_and_reports_that_it_is_empty) {
    Stage stage(LiarKind::censor);
    const Participant victim = victim_of(stage.scenario, self);
    EXPECT_NE(victim, self);
    for (uint8_t lane = 0; lane < 4; ++lane) {
        const bool is_victim = lane == victim.value;
        model::LaneCertificate certificate;
        certificate.lane = {lane};
        EXPECT_EQ(stage.say(1, certificate).empty(), is_victim);
        model::BatchCells cells;
        cells.header.lane = {lane};
        EXPECT_EQ(stage.say(1, cells).empty(), is_victim);
    }
    model::Report report;
    report.lanes.assign(4, LaneHeight{5});
    const auto said =
        stage.say(1, model::sign(stage.set, self, *stage.signers[self.value], report));
    ASSERT_EQ(said.size(), 1u);
    const auto decoded = model::decode_message(*said[0]);
    ASSERT_TRUE(decoded.ok());
    const auto& changed = std::get<model::Signed<model::Report>>(*decoded);
    EXPECT_TRUE(model::check_signed(stage.set, *stage.verifier, changed));
    for (uint8_t lane = 0; lane < 4; ++lane)
        EXPECT_EQ(changed.body.lanes[lane].value, lane == victim.value ? 0u : 5u);
}

TEST(Liars, who_is_stale_reports_less_than_it_holds_and_says_it_alike_to_all) {
    Stage stage(LiarKind::stale_certificate);
    uint32_t lowered = 0;
    for (uint64_t slot = 1; slot <= 30; ++slot) {
        model::Report report;
        report.slot = {slot};
        report.lanes.assign(4, LaneHeight{slot + 5});
        const auto truth = model::sign(stage.set, self, *stage.signers[0], report);
        const auto first = stage.say(1, truth), second = stage.say(2, truth);
        ASSERT_EQ(first.size(), 1u);
        EXPECT_EQ(*first[0], *second[0]);
        const auto decoded = model::decode_message(*first[0]);
        ASSERT_TRUE(decoded.ok());
        const auto& said = std::get<model::Signed<model::Report>>(*decoded);
        EXPECT_TRUE(model::check_signed(stage.set, *stage.verifier, said));
        for (const LaneHeight tip : said.body.lanes) {
            EXPECT_LE(tip.value, slot + 5);
            lowered += tip.value < slot + 5 ? 1 : 0;
        }
    }
    EXPECT_GT(lowered, 10u);
}

TEST(Liars, who_is_stale_says_again_what_it_heard_first) {
    Stage stage(LiarKind::stale_certificate);
    EXPECT_TRUE(stage.mouth->speak().empty()) << "it knows nothing yet";
    EXPECT_NE(stage.mouth->speaks_after_us(), Mouth::never_us);
    model::LaneCertificate certificate;
    certificate.height = {1};
    const auto first = Stage::encoded(certificate);
    stage.mouth->hear({1}, first);
    for (uint64_t height = 2; height < 200; ++height) {
        certificate.height = {height};
        stage.mouth->hear({1}, Stage::encoded(certificate));
    }
    uint32_t repeated = 0;
    for (int i = 0; i < 200; ++i) {
        for (const auto& said : stage.mouth->speak()) repeated += *said.message == *first ? 1 : 0;
    }
    EXPECT_GT(repeated, 5u);
}

TEST(Liars, who_spams_says_every_kind_of_thing_within_its_line) {
    std::set<std::optional<uint8_t>> kinds;
    size_t broken = 0;
    Stage stage(LiarKind::spammer);
    for (uint64_t height = 1; height < 20; ++height)
        stage.mouth->hear({1}, Stage::encoded(stage.fragment(height)));
    for (int i = 0; i < 1'000; ++i) {
        size_t bytes = 0;
        for (const auto& said : stage.mouth->speak()) {
            EXPECT_NE(said.to, self);
            bytes += said.message->size();
            const auto decoded = model::decode_message(*said.message);
            decoded.ok() ? void(kinds.insert(kind_of_message(*said.message))) : void(++broken);
        }
        EXPECT_LT(bytes, 150'000u);
    }
    EXPECT_GT(broken, 50u);
    EXPECT_GT(kinds.size(), 16u) << "of " << std::variant_size_v<model::Message>;
    EXPECT_GE(stage.mouth->speaks_after_us(), 5'000u);
}

}  // namespace
}  // namespace tally::sim
