// The bound on censorship is seen to fail: one view more than it allows is found.
#include "sim/views.hpp"

#include <gtest/gtest.h>

namespace tally::sim {
namespace {

constexpr Participant author{1};

struct Watched {
    Watched() { scenario.participants = 4; }
    template <class M>
    void say(M message) {
        checker.on_sent(author, {0}, model::encode_message(model::Message(message)), {});
    }
    void report(uint64_t slot, uint32_t view) {
        model::Signed<model::Report> report;
        report.body.slot = {slot};
        report.body.view = {view};
        report.signer = author;
        say(report);
    }
    void certify(uint64_t height) {
        model::LaneCertificate certificate;
        certificate.lane = author;
        certificate.height = {height};
        say(certificate);
    }
    [[nodiscard]] bool is_found(uint64_t height, uint64_t slot) {
        node::StoredBlock block;
        block.header.slot = {slot};
        model::ListEntry entry;
        entry.lane = author;
        entry.height = {height};
        entry.transaction = sha256({});
        block.list.push_back(entry);
        checker.check(author, sha256({}), block);
        return findings.first().has_value();
    }

    Findings findings;
    Scenario scenario;
    ViewsChecker checker{findings, scenario};
};

TEST(Views, more_than_the_bound_since_the_certificate_are_found) {
    Watched watched;
    for (uint32_t view = 0; view < 20; ++view) watched.report(3, view);
    watched.checker.begin();
    watched.report(4, 0);
    watched.certify(7);
    watched.report(4, 1);
    for (uint32_t view = 0; view < 5; ++view) {
        watched.report(5, view);
        watched.report(5, view);
    }
    watched.certify(7);
    watched.report(6, 0);
    EXPECT_FALSE(watched.is_found(7, 5)) << "six views, each said twice, and one of a later slot";
    EXPECT_TRUE(watched.is_found(7, 6));
}

TEST(Views, where_views_are_too_short_for_a_leader_nothing_is_bound) {
    Watched watched;
    watched.scenario.latency_us_max = watched.scenario.view_timer_us;
    ViewsChecker checker(watched.findings, watched.scenario);
    checker.begin();
    node::StoredBlock block;
    checker.check(author, sha256({}), block);
    EXPECT_FALSE(watched.findings.first());
}

}  // namespace
}  // namespace tally::sim
