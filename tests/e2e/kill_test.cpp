// Four participants under load, and again and again one of them, whichever it is, is killed with
// kill -9 at a drawn moment and started again: no transaction that was acknowledged is lost, none
// takes effect twice, and in the end all four have the same blocks and the same state.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "cli/folders.hpp"
#include "cli/key_file.hpp"
#include "cli/local_network.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t client_count = 12;
constexpr int kills = 10;

/// Where a participant said that a transaction took effect.
struct Place {
    uint64_t height = 0, index = 0;
    auto operator<=>(const Place&) const = default;
};

bj::array genesis(const std::string& did) {
    return {bj::object{{"_id", "_collection$e"}, {"name", "entry"}},
            bj::object{{"_id", "_predicate$1"},
                       {"name", "entry/name"},
                       {"type", "string"},
                       {"required", true},
                       {"index", true}},
            bj::object{{"_id", "_rule$all"},
                       {"id", "all"},
                       {"collection", "entry"},
                       {"predicates", bj::array{"*"}},
                       {"ops", bj::array{"read", "write"}}},
            bj::object{{"_id", "_role$w"}, {"id", "writer"}, {"rules", bj::array{"_rule$all"}}},
            bj::object{{"_id", "_auth$1"}, {"id", did}, {"roles", bj::array{"_role$w"}}}};
}

/// Clients that submit one transaction after another and remember what was acknowledged. Who gets
/// no answer sends the same bytes to the next participant, as anyone would.
class Clients {
public:
    Clients(const LocalNetwork& network, model::SecretKey key)
        : network_(network), key_(std::move(key)) {
        for (size_t i = 0; i < client_count; ++i) threads_.emplace_back([this, i] { work(i); });
    }
    ~Clients() { finish(); }

    void finish() {
        stopping_ = true;
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }

    /// Call after finish().
    std::map<std::string, Place> acknowledged;  ///< by transaction id
    std::vector<std::string> troubles;
    uint64_t sent_again = 0;

private:
    void work(size_t number) {
        for (size_t count = 0; !stopping_; ++count) {
            const std::string name = std::to_string(number) + "-" + std::to_string(count);
            const auto payload = fresh_payload(network_.network(), "kills",
                                               R"([{"_id":"entry$1","name":")" + name + "\"}]");
            submit(model::sign_envelope(payload, key_), number + count);
        }
    }

    void submit(const std::string& envelope, size_t first) {
        for (size_t tries = 0; tries < 200; ++tries) {
            Client client(network_.url((first + tries) % network_.size()));
            client.set_timeout_ms(8'000);
            const auto answer =
                client.post("/v1/ledgers/kills/transactions?wait=certified&timeout_ms=6000",
                            "application/jose", envelope);
            const std::lock_guard lock(mutex_);
            sent_again += tries > 0 ? 1 : 0;
            if (answer.ok() && text_in(answer->body, "outcome") == "applied") {
                acknowledged[std::string(text_in(answer->body, "transaction"))] = {
                    number_in(answer->body, "height"), number_in(answer->body, "index")};
                return;
            }
            if (answer.ok() && text_in(answer->body, "outcome") == "rejected") {
                troubles.push_back(bj::serialize(answer->body));
                return;
            }
            if (!answer.ok()) std::this_thread::sleep_for(milliseconds(20));
        }
        const std::lock_guard lock(mutex_);
        troubles.push_back("never answered: " + envelope);
    }

    const LocalNetwork& network_;
    const model::SecretKey key_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::vector<std::thread> threads_;
};

/// One participant's blocks: headers by height, and the places at which transactions took effect.
struct Chain {
    std::vector<std::string> headers;
    std::map<std::string, std::vector<Place>> applied;
    std::string state;
    bool operator==(const Chain&) const = default;
};

Result<Chain> chain_of(const Url& url) {
    Client client(url);
    TRY(newest, client.get("/v1/ledgers/kills/blocks/latest"));
    Chain chain;
    chain.state = text_in(newest.body, "state");
    for (uint64_t height = 0; height <= number_in(newest.body, "height"); ++height) {
        TRY(block, client.get("/v1/ledgers/kills/blocks/" + std::to_string(height)));
        chain.headers.emplace_back(text_in(block.body, "header"));
        uint64_t index = 0;
        for (const auto& one : block.body.at("transactions").as_array()) {
            const auto& object = one.as_object();
            if (number_in(object, "code") == 0)
                chain.applied[std::string(text_in(object, "transaction"))].push_back(
                    {height, index});
            ++index;
        }
    }
    return chain;
}

/// Polls until all have the same newest block, and it is not below `height`.
bool agree(LocalNetwork& network, uint64_t height) {
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    while (Clock::now() < deadline) {
        std::map<std::string, int> seen;
        for (size_t i = 0; i < network.size(); ++i) {
            Client client(network.url(i));
            client.set_timeout_ms(2'000);
            const auto newest = client.get("/v1/ledgers/kills/blocks/latest");
            if (newest.ok() && number_in(newest->body, "height") >= height)
                ++seen[std::string(text_in(newest->body, "header"))];
        }
        if (seen.size() == 1 && seen.begin()->second == int(network.size())) return true;
        std::this_thread::sleep_for(milliseconds(100));
    }
    return false;
}

std::string logs_of(const LocalNetwork& network) {
    std::string text;
    for (size_t i = 0; i < network.size(); ++i)
        text += "--- " + network.plan().participants[i] + network.log_end(i) + "\n";
    return text;
}

TEST(Kill, loses_nothing_that_was_acknowledged_and_repeats_nothing) {
    crypto_start();
    auto folder = WorkFolder::make("", "tally-kill");
    ASSERT_TRUE(folder.ok());
    const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
    LocalPlan plan;
    plan.program = TALLY_PROGRAM;
    plan.folder = folder->path();
    plan.ledger = "kills";
    plan.genesis = genesis(model::public_key_of(key).did());
    plan.peer_port = 7401;
    plan.http_port = 7481;
    auto made = LocalNetwork::make(std::move(plan));
    ASSERT_TRUE(made.ok()) << made.error().message();
    LocalNetwork network = std::move(*made);
    const auto started = network.start_all();
    ASSERT_TRUE(started.ok()) << started.error().message();

    constexpr uint32_t seed = 20'260'711;
    std::mt19937 draw(seed);
    Clients clients(network, key);
    for (int i = 0; i < kills; ++i) {
        std::this_thread::sleep_for(milliseconds(200 + draw() % 1'000));
        const size_t victim = draw() % network.size();
        network.kill(victim);
        std::this_thread::sleep_for(milliseconds(draw() % 800));
        ASSERT_TRUE(network.start(victim).ok());
        if (draw() % 3 == 0) {  // In the middle of its recovery, too.
            std::this_thread::sleep_for(milliseconds(draw() % 300));
            network.kill(victim);
            ASSERT_TRUE(network.start(victim).ok());
        }
        const auto ready = network.wait_ready(victim, 30'000);
        ASSERT_TRUE(ready.ok()) << ready.error().message() << "\nseed " << seed;
    }
    clients.finish();

    EXPECT_TRUE(clients.troubles.empty()) << clients.troubles.front() << "\n" << logs_of(network);
    ASSERT_GT(clients.acknowledged.size(), 100u);
    uint64_t height = 0;
    for (const auto& [id, place] : clients.acknowledged) height = std::max(height, place.height);
    ASSERT_TRUE(agree(network, height)) << logs_of(network);
    const auto chain = chain_of(network.url(0));
    ASSERT_TRUE(chain.ok()) << chain.error().message();
    for (size_t i = 1; i < network.size(); ++i) {
        const auto other = chain_of(network.url(i));
        ASSERT_TRUE(other.ok()) << other.error().message();
        EXPECT_TRUE(*chain == *other) << network.plan().participants[i];
    }
    for (const auto& [id, places] : chain->applied) EXPECT_EQ(places.size(), 1u) << id;
    for (const auto& [id, place] : clients.acknowledged) {
        const auto found = chain->applied.find(id);
        ASSERT_NE(found, chain->applied.end()) << id << " was acknowledged and is lost";
        EXPECT_EQ(found->second.front(), place) << id;
    }
    std::printf("%zu acknowledged, %llu sent again, %zu blocks, %d kills\n",
                clients.acknowledged.size(), static_cast<unsigned long long>(clients.sent_again),
                chain->headers.size(), kills);
}

}  // namespace
}  // namespace tally::cli
