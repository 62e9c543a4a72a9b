// One slot of four participants, told line by line, against the golden transcript.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "ordering/test_network.hpp"

namespace tally::ordering {
namespace {

using testing::Network;
using testing::Options;

const char* const golden_path = TALLY_SOURCE_DIR "/tests/golden/ordering-one-slot.txt";

std::string place(Slot slot, View view) {
    return " slot " + std::to_string(slot.value) + " view " + std::to_string(view.value);
}
std::string name(const Hash& hash) {
    return " block " + hash.hex().substr(0, 8);
}

std::string told(const model::Signed<model::Report>& report) {
    std::string lanes;
    for (const LaneHeight lane : report.body.lanes) lanes += " " + std::to_string(lane.value);
    return "reports" + place(report.body.slot, report.body.view) + " lanes" + lanes;
}
std::string told(const model::ProposalMessage& message) {
    const auto& proposal = message.proposal.body;
    std::string cut;
    for (const auto& entry : message.block->cut) cut += " " + std::to_string(entry.height.value);
    return "proposes" + place(proposal.slot, proposal.view) + name(proposal.block) + " cut" + cut;
}
std::string told(const model::Signed<model::PrepareVote>& vote) {
    return "votes to prepare" + place(vote.body.slot, vote.body.view) + name(vote.body.block);
}
std::string told(const model::Signed<model::CommitVote>& vote) {
    return "votes to commit" + place(vote.body.slot, vote.body.view) + name(vote.body.block);
}
std::string told(const model::DecideMessage& message) {
    const auto& [slot, view, block] = message.qc.body;
    return "shows that" + place(slot, view) + name(block) + " is decided";
}
std::string told(const model::Wake& wake) {
    const auto& certificate = std::get<model::LaneCertificate>(wake.work);
    return "wakes slot " + std::to_string(wake.slot.value) + " with height " +
           std::to_string(certificate.height.value) + " of lane " +
           std::to_string(certificate.lane.value);
}
std::string told(const model::Heartbeat& heartbeat) {
    return "beats in" + place(heartbeat.slot, heartbeat.view);
}

TEST(Transcript, OneSlotIsAsTold) {
    // The order of what is said in a slot without faults is part of the protocol: four message
    // delays from a Report to a decision. TALLY_RENEW_GOLDEN=1 tells it anew.
    Network network(Options{});
    std::ostringstream out;
    std::string last;
    network.filter = [&](const Network::Sent& sent) {
        std::visit(
            [&](const auto& message) {
                if constexpr (requires { told(message); }) {
                    std::ostringstream line;
                    line << (network.now_us() - 1'000'000) << " us: " << sent.from << " "
                         << told(message);
                    // Told once, though it goes to three peers.
                    if (line.str() != last) out << line.str() << "\n";
                    last = line.str();
                } else {
                    ADD_FAILURE() << "a message of this kind has no place in a slot without faults";
                }
            },
            *sent.message);
        return true;
    };
    network.batch({0});
    network.batch({2});
    network.run_for(500'000);
    EXPECT_EQ(network.violation(), "");
    if (std::getenv("TALLY_RENEW_GOLDEN") != nullptr) std::ofstream(golden_path) << out.str();
    std::ifstream file(golden_path);
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(out.str(), golden.str());
}

}  // namespace
}  // namespace tally::ordering
