// What an operator reads when a peer is not to be trusted: real participants, and one that speaks
// their protocol with a key that nobody listed, or with dave's key and bytes beyond every limit.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "cli/folders.hpp"
#include "cli/key_file.hpp"
#include "cli/local_network.hpp"
#include "io/peer_net.hpp"

namespace tally::cli {
namespace {

using std::chrono::milliseconds;

std::string content_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Alice, bob and carol run; dave's place is the test's.
class Stranger : public testing::Test {
protected:
    void SetUp() override {
        crypto_start();
        auto folder = WorkFolder::make("", "tally-stranger");
        ASSERT_TRUE(folder.ok());
        folder_.emplace(std::move(*folder));
        LocalPlan plan;
        plan.program = TALLY_PROGRAM;
        plan.folder = folder_->path() + "/network";
        plan.ledger = "items";
        plan.genesis = {boost::json::object{{"_id", "_collection$1"}, {"name", "item"}}};
        plan.peer_port = 26'101;
        plan.http_port = 26'181;
        auto made = LocalNetwork::make(std::move(plan));
        ASSERT_TRUE(made.ok()) << made.error().message();
        network_.emplace(std::move(*made));
        for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(network_->start(i).ok());
        for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(network_->wait_ready(i, 30'000).ok());
    }

    /// Dials alice with this identity.
    std::unique_ptr<io::PeerNet> dial(const Ed25519Secret& identity) {
        io::PeerNetSetup setup;
        setup.listen = "127.0.0.1:0";
        setup.table.network = network_->network();
        setup.table.self = dave_;
        const auto& alice = network_->charter().body.participants[0];
        setup.table.peers.push_back({alice_, alice.identity_key, alice.addresses.front()});
        setup.identity = std::shared_ptr<const Signer>(ed25519_signer(identity));
        setup.on_message = [](Participant, const Bytes&) { return true; };
        auto net = io::open_peer_net(std::move(setup));
        EXPECT_TRUE(net.ok());
        return std::move(*net);
    }
    /// How it stands with alice; nothing yet, just after dialling.
    static ports::PeerState with_alice(const io::PeerNet& net) {
        const auto peers = net.peers();
        return peers.empty() ? ports::PeerState{} : peers.front();
    }
    /// Whether it holds before long.
    template <class Condition>
    static bool soon(const Condition& condition) {
        for (int i = 0; i < 200; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(milliseconds(50));
        }
        return false;
    }
    /// The first line of alice's log with these words in it.
    std::string line_with(const std::string& words) {
        std::string found;
        soon([&] {
            const std::string log = content_of(network_->log_file(0));
            const size_t at = log.find(words);
            if (at == log.npos || log.find('\n', at) == log.npos) return false;
            const size_t start = log.rfind('\n', at) + 1;
            found = log.substr(start, log.find('\n', at) - start);
            return true;
        });
        return found.empty() ? "nothing in:\n" + network_->log_end(0) : found;
    }
    std::string metric(const std::string& name) {
        Client client(network_->url(0));
        const auto text = client.get_bytes("/metrics");
        if (!text.ok()) return text.error().message();
        const std::string all(text_of(*text));
        const size_t at = all.find("\n" + name + " ");
        return at == all.npos ? "none" : all.substr(at + 1, all.find('\n', at + 1) - at - 1);
    }

    static constexpr Participant alice_{0}, dave_{3};
    std::optional<WorkFolder> folder_;
    std::optional<LocalNetwork> network_;
};

TEST_F(Stranger, with_an_unlisted_key_is_refused_and_both_sides_say_why) {
    const auto identity = Ed25519Secret::from_seed(random_secret());
    const auto key = identity.public_key();
    const std::string did = PublicKey{KeyType::ed25519, {key.begin(), key.end()}}.did();
    const std::string network = network_->network().hex().substr(0, 16) + "...";
    const auto net = dial(identity);
    const std::string line = line_with(did);
    EXPECT_NE(line.find("refused: the peer at 127.0.0.1:"), line.npos) << line;
    EXPECT_NE(line.find(" has the identity key " + did + ", which network " + network +
                        " does not list. Start it with the identity key that the network lists"),
              line.npos)
        << line;
    EXPECT_TRUE(soon([&] {
        return with_alice(*net).last_refusal.find("does not list. Start it with") !=
               std::string::npos;
    })) << with_alice(*net).last_refusal;
    net->stop();
}

TEST_F(Stranger, who_sends_a_batch_beyond_the_limits_is_named_and_counted) {
    const auto keys = read_participant_keys(network_->file("dave.keys"));
    ASSERT_TRUE(keys.ok());
    const auto net = dial(keys->keys().identity);
    ASSERT_TRUE(soon([&] { return with_alice(*net).connected; }));

    // A body one byte above a batch's 4 MiB: the CBOR of [21, [header, bytes]].
    cbor::Writer body;
    body.array(2);
    body.uint(21);
    body.array(2);
    body.raw(cbor::encode(model::BatchHeader{}));
    body.bytes(Bytes(limits::void_batch_bytes_max + 1));
    net->send(alice_, std::make_shared<const Bytes>(body.take()));
    const std::string line = line_with("from dave");
    EXPECT_NE(line.find(" warning node message_refused peer=dave code=cbor_too_long "), line.npos)
        << line;
    EXPECT_NE(line.find(" count=1 -- refused a message of "), line.npos) << line;
    EXPECT_NE(line.find(" bytes from dave: an item of the CBOR is over its limit (1 refused since "
                        "the start). It breaks the protocol or speaks another version: compare "
                        "versions with the operator of dave"),
              line.npos)
        << line;
    EXPECT_EQ(metric("tally_refused_undecodable_total"), "tally_refused_undecodable_total 1");

    // A header whose author claims a batch above the limit, and sends none of it.
    model::Fragment fragment;
    fragment.header.lane = dave_;
    fragment.header.height = LaneHeight{1};
    fragment.header.da.participants = 4;
    fragment.header.da.data_cells = 1;
    fragment.header.da.cells = 4;
    fragment.header.da.lane = dave_;
    fragment.header.da.height = LaneHeight{1};
    fragment.header.da.length = limits::batch_bytes_max + 1;
    fragment.header.da.cell_bytes = limits::batch_bytes_max + 64;
    fragment.header.da.count = 1;
    net->send(alice_, std::make_shared<const Bytes>(model::encode_message(fragment)));
    const std::string refused =
        R"(tally_messages_refused_total{part="availability",reason="bad_parameters"})";
    EXPECT_TRUE(soon([&] { return metric(refused) == refused + " 1"; })) << metric(refused);
    net->stop();
}

}  // namespace
}  // namespace tally::cli
