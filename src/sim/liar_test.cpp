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

TEST(Liars, who_discards_answers_who_asks_for_cells_with_nothing_or_with_something_else) {
    Stage stage(LiarKind::discarder);
    model::BatchCells cells;
    cells.cells.bytes.assign(200, 1);
    model::BatchCellLeaf leaf;
    leaf.leaf.bytes.assign(200, 1);
    size_t given = 0;
    for (int i = 0; i < 40; ++i) {
        for (const auto& said : stage.say(1, cells)) given += *said != *Stage::encoded(cells);
        for (const auto& said : stage.say(1, leaf)) given += *said != *Stage::encoded(leaf);
    }
    EXPECT_EQ(stage.mouth->acts(), 80u);
    EXPECT_GT(given, 20u);
    EXPECT_LT(given, 60u);
    EXPECT_EQ(stage.say(1, stage.fragment(1)).size(), 1u) << "all else is as it should be";
}

TEST(Liars, who_discards_is_named_by_all_and_nobody_else_is) {
    Scenario scenario;
    scenario.seed = 7;
    scenario.liars.push_back({{1}, LiarKind::discarder});
    const SeedReport report = run_scenario(scenario);
    EXPECT_FALSE(report.violation) << report.violation->what;
    EXPECT_EQ(report.coverage.discarders_named, 3u);
    EXPECT_GT(report.coverage.audits_passed, 0u);
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

/// The first seed from here on of which this holds.
template <class Holds>
uint64_t seed_where(uint64_t from, const Holds& holds) {
    while (!holds(from)) ++from;
    return from;
}

TEST(Liars, who_picks_cherries_with_two_faces_shows_two_certificates_of_one_batch) {
    Scenario drawn;
    Stage stage(LiarKind::cherry_picker, seed_where(1, [&](uint64_t seed) {
                    drawn.seed = seed;
                    return has_two_faces(drawn, self);
                }));
    model::LaneCertificate certificate;
    certificate.lane = self;
    certificate.height = {1};
    certificate.header = sha256({});
    certificate.author =
        model::sign(stage.set, self, *stage.signers[0],
                    model::BatchClaim{self, certificate.height, certificate.header})
            .signature;
    const auto acknowledgement = [&](uint8_t signer) {
        return model::sign(
            stage.set, {signer}, *stage.signers[signer],
            model::Acknowledgement{self, certificate.height, certificate.header, {100u + signer}});
    };
    for (uint8_t signer = 0; signer < 3; ++signer)
        certificate.parts.push_back({{signer}, {100u + signer}, acknowledgement(signer).signature});
    for (uint8_t signer = 1; signer < 4; ++signer)
        stage.mouth->hear({signer}, Stage::encoded(acknowledgement(signer)));
    for (const uint8_t to : {1, 2}) {
        const auto said = stage.say(to, certificate);
        ASSERT_EQ(said.size(), 1u);
        const auto decoded = model::decode_message(*said[0]);
        ASSERT_TRUE(decoded.ok());
        const auto& shown = std::get<model::LaneCertificate>(*decoded);
        EXPECT_TRUE(model::check_lane_certificate(stage.set, *stage.verifier, shown));
        EXPECT_EQ(shown.header, certificate.header);
        EXPECT_EQ(model::time_of(shown, 1).value, to == 1 ? 102u : 101u);
    }
}

TEST(Liars, who_withholds_certificates_shows_them_late_and_meanwhile_nothing_of_them) {
    Stage stage(LiarKind::certificate_withholder);
    model::LaneCertificate certificate;
    certificate.lane = self;
    certificate.height = {1};
    model::Fragment next = stage.fragment(2);
    next.header.previous = certificate;
    model::Report report;
    report.lanes.assign(4, LaneHeight{1});
    const auto truth = model::sign(stage.set, self, *stage.signers[0], report);
    const auto lanes_said = [&] {
        const auto decoded = model::decode_message(*stage.say(1, truth).at(0));
        return std::get<model::Signed<model::Report>>(*decoded).body.lanes;
    };

    EXPECT_EQ(stage.say(1, stage.fragment(1)).size(), 1u) << "the batch itself";
    EXPECT_TRUE(stage.say(1, certificate).empty());
    EXPECT_TRUE(stage.say(1, model::Wake{{}, certificate}).empty());
    EXPECT_TRUE(stage.say(1, next).empty()) << "its header has the certificate";
    EXPECT_EQ(lanes_said().at(0).value, 0u);
    EXPECT_EQ(lanes_said().at(1).value, 1u);
    certificate.lane = {2};
    EXPECT_EQ(stage.say(1, certificate).size(), 1u) << "of another lane";

    uint64_t waited_us = 0;
    while (stage.mouth->speak().empty() && waited_us < 5'000'000)
        waited_us += stage.mouth->speaks_after_us();
    EXPECT_NEAR(double(waited_us), double(withheld_us_of(stage.scenario, self)), 20'000);
    certificate.lane = self;
    EXPECT_EQ(stage.say(1, certificate).size(), 1u);
    EXPECT_EQ(stage.say(1, next).size(), 1u);
    EXPECT_EQ(lanes_said().at(0).value, 1u);
}

TEST(Liars, certificates_that_are_withheld_for_long_date_their_batches_behind_all_others) {
    Scenario scenario;
    scenario.liars.push_back({self, LiarKind::certificate_withholder});
    scenario.seed = seed_where(1, [&](uint64_t seed) {
        scenario.seed = seed;
        return withheld_us_of(scenario, self) > 1'000'000;
    });
    const SeedReport report = run_scenario(scenario);
    EXPECT_FALSE(report.violation) << report.violation->what;
    EXPECT_GT(report.late_batches, 0u);
}

}  // namespace
}  // namespace tally::sim
