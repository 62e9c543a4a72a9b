#include "entry_load.hpp"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "cli/key_file.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

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

/// Polls until all have executed the same newest block, and it is not below `height`.
bool agree(const LocalNetwork& network, uint64_t height) {
    const auto deadline = Clock::now() + std::chrono::seconds(120);
    while (Clock::now() < deadline) {
        std::map<std::string, size_t> seen;
        for (size_t i = 0; i < network.size(); ++i) {
            Client client(network.url(i));
            client.set_timeout_ms(2'000);
            const auto status = client.get("/v1/status");
            if (!status.ok()) continue;
            const auto& ledger = status->body.at("ledgers").at(0).as_object();
            if (number_in(ledger, "executed") >= height)
                ++seen[std::string(text_in(ledger, "header"))];
        }
        if (seen.size() == 1 && seen.begin()->second == network.size()) return true;
        std::this_thread::sleep_for(milliseconds(100));
    }
    return false;
}

/// What everyone says of itself.
std::string statuses_of(const LocalNetwork& network) {
    std::string text;
    for (size_t i = 0; i < network.size(); ++i) {
        const auto status = Client(network.url(i)).get("/v1/status");
        text += "--- " + network.plan().participants[i] + ": " +
                (status.ok() ? bj::serialize(status->body) : status.error().message()) + "\n";
    }
    return text;
}

}  // namespace

Result<Chain> chain_of(const LocalNetwork& network, size_t index) {
    Client client(network.url(index));
    const std::string blocks = "/v1/ledgers/" + network.plan().ledger + "/blocks/";
    TRY(newest, client.get(blocks + "latest"));
    TRY(status, client.get("/v1/status"));
    const auto& ledger = status.body.at("ledgers").at(0).as_object();
    Chain chain;
    chain.state = text_in(newest.body, "state");
    // Of the block at which a state was loaded only the header is there.
    const uint64_t loaded = number_in(ledger, "history");
    const uint64_t first = loaded > 0 ? loaded + 1 : 0;
    for (uint64_t height = first; height <= number_in(newest.body, "height"); ++height) {
        TRY(block, client.get(blocks + std::to_string(height)));
        chain.headers.emplace(height, text_in(block.body, "header"));
        uint64_t place = 0;
        for (const auto& one : block.body.at("transactions").as_array()) {
            const auto& object = one.as_object();
            if (number_in(object, "code") == 0)
                chain.applied[std::string(text_in(object, "transaction"))].push_back(
                    {height, place});
            ++place;
        }
    }
    return chain;
}

Chain Chain::from(uint64_t height) const {
    Chain rest = *this;
    std::erase_if(rest.headers, [&](const auto& one) { return one.first < height; });
    for (auto& [id, places] : rest.applied)
        std::erase_if(places, [&](const Place& place) { return place.height < height; });
    std::erase_if(rest.applied, [](const auto& one) { return one.second.empty(); });
    return rest;
}

Clients::Clients(const LocalNetwork& network, model::SecretKey key, size_t count, int pause_ms)
    : network_(network),
      key_(std::move(key)),
      pause_ms_(pause_ms),
      path_("/v1/ledgers/" + network.plan().ledger +
            "/transactions?wait=certified&timeout_ms=6000") {
    for (size_t i = 0; i < count; ++i) threads_.emplace_back([this, i] { work(i); });
}

void Clients::finish() {
    stopping_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

uint64_t Clients::acknowledged_so_far() {
    const std::lock_guard lock(mutex_);
    return acknowledged.size();
}

void Clients::work(size_t number) {
    for (size_t count = 0; !stopping_; ++count) {
        submit(envelope_of(std::to_string(number) + "-" + std::to_string(count)), number + count);
        std::this_thread::sleep_for(milliseconds(pause_ms_));
    }
}

void Clients::submit_one() {
    submit(envelope_of("one more"), 0);
}

std::string Clients::envelope_of(const std::string& name) const {
    const auto payload = fresh_payload(network_.network(), network_.plan().ledger,
                                       R"([{"_id":"entry$1","name":")" + name + "\"}]");
    return model::sign_envelope(payload, key_);
}

void Clients::submit(const std::string& envelope, size_t first) {
    for (size_t tries = 0; tries < 2'000; ++tries) {
        Client client(network_.url((first + tries) % network_.size()));
        client.set_timeout_ms(8'000);
        const auto answer = client.post(path_, "application/jose", envelope);
        {
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
        }
        if (!answer.ok()) std::this_thread::sleep_for(milliseconds(20));
    }
    const std::lock_guard lock(mutex_);
    troubles.push_back("never answered: " + envelope);
}

LocalPlan entry_plan(const WorkFolder& folder, const std::string& ledger,
                     const model::SecretKey& key) {
    LocalPlan plan;
    plan.program = TALLY_PROGRAM;
    plan.folder = folder.path();
    plan.ledger = ledger;
    plan.genesis = genesis(model::public_key_of(key).did());
    plan.peer_port = 7401;
    plan.http_port = 7481;
    return plan;
}

std::string logs_of(const LocalNetwork& network) {
    std::string text;
    for (size_t i = 0; i < network.size(); ++i)
        text += "--- " + network.plan().participants[i] + network.log_end(i) + "\n";
    return text;
}

void expect_nothing_lost(LocalNetwork& network, Clients& clients) {
    clients.finish();
    ASSERT_TRUE(agree(network, 0)) << statuses_of(network) << logs_of(network);
    // Who loaded the newest state has nothing but its header; of the next block everyone has all.
    clients.submit_one();
    EXPECT_TRUE(clients.troubles.empty()) << clients.troubles.front() << "\n" << logs_of(network);
    uint64_t height = 0;
    for (const auto& [id, place] : clients.acknowledged) height = std::max(height, place.height);
    ASSERT_TRUE(agree(network, height)) << statuses_of(network) << logs_of(network);
    const auto chain = chain_of(network, 0);
    ASSERT_TRUE(chain.ok()) << chain.error().message();
    ASSERT_EQ(chain->first(), 0u);
    for (size_t i = 1; i < network.size(); ++i) {
        const auto other = chain_of(network, i);
        ASSERT_TRUE(other.ok()) << other.error().message();
        EXPECT_TRUE(chain->from(other->first()) == *other) << network.plan().participants[i];
    }
    for (const auto& [id, places] : chain->applied) EXPECT_EQ(places.size(), 1u) << id;
    for (const auto& [id, place] : clients.acknowledged) {
        const auto found = chain->applied.find(id);
        ASSERT_NE(found, chain->applied.end()) << id << " was acknowledged and is lost";
        EXPECT_EQ(found->second.front(), place) << id;
    }
    std::printf("%zu acknowledged, %llu sent again, %zu blocks\n", clients.acknowledged.size(),
                static_cast<unsigned long long>(clients.sent_again), chain->headers.size());
}

}  // namespace tally::cli
