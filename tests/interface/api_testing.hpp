// A network of one whose disk, workers and clock answer at once, behind its HTTP interface.
#pragma once

#include "api/api.hpp"

#include <gtest/gtest.h>
#include <boost/json/object.hpp>

#include "api/answers.hpp"
#include "api/openapi.hpp"
#include "model/json.hpp"
#include "model/reader_token.hpp"
#include "node/node.hpp"
#include "proving/verify/verify.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::api {

namespace bj = boost::json;

inline constexpr uint64_t start_us = 1'800'000'000'000'000;

inline Ed25519Secret secret_of(uint8_t number) {
    std::array<uint8_t, 32> seed{};
    seed[0] = number;
    return Ed25519Secret::from_seed(seed);
}

inline std::string did_of(const model::SecretKey& key) {
    return model::public_key_of(key).did();
}

inline model::Charter charter_of_one(const std::string& writer) {
    model::Charter charter;
    auto& body = charter.body;
    body.name = "test";
    body.genesis_time = {start_us - 1'000'000};
    model::ParticipantEntry alice;
    alice.name = "alice";
    alice.identity_key = secret_of(1).public_key();
    alice.signing_key = secret_of(2).public_key();
    alice.opening_key = x25519_public({3});
    alice.addresses.emplace_back("127.0.0.1:1");
    body.participants.push_back(std::move(alice));
    model::LedgerEntry ledger;
    ledger.name = "trade/items";
    ledger.provers.push_back({0});
    for (const std::string& change :
         {std::string(R"({"_id":"_collection$1","name":"item"})"),
          std::string(R"({"_id":"_predicate$1","name":"item/name","type":"string","unique":true,)"
                      R"("required":true})"),
          std::string(R"({"_id":"_predicate$2","name":"item/price","type":"int","index":true})"),
          std::string(R"({"_id":"_predicate$3","name":"item/secret","type":"string"})"),
          std::string(R"({"_id":"_rule$1","id":"see","collection":"item",)"
                      R"("predicates":["name","price"],"ops":["read"]})"),
          std::string(R"({"_id":"_rule$2","id":"all","collection":"*","predicates":["*"],)"
                      R"("ops":["read","write"]})"),
          std::string(R"({"_id":"_role$1","id":"public","rules":["_rule$1"]})"),
          std::string(R"({"_id":"_role$2","id":"writer","rules":["_rule$2"]})"),
          R"({"_id":"_auth$1","id":")" + writer + R"(","roles":["_role$2"]})"})
        ledger.genesis.emplace_back(change);
    body.ledgers.push_back(std::move(ledger));
    return charter;
}

class ApiTest : public testing::Test {
protected:
    void SetUp() override {
        crypto_start();
        charter_ = std::make_shared<const model::Charter>(charter_of_one(did_of(writer_)));
        network_ = model::network_id_of(charter_->body);
        signer_ = ed25519_signer(secret_of(2));
        verifier_ = ed25519_verifier();
        node::Config config{*charter_, {0}};
        config.submitted_bytes_max = submitted_bytes_max_;
        config.opening_secrets = {{3}};
        auto opened = node::Node::open(config, *signer_, *verifier_, disk_, key_value_, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        node_ = std::move(*opened);
        reads_ = std::make_unique<node::Reads>(charter_, key_value_);
        api_ = std::make_unique<Api>(Config{
            charter_,
            {0},
            reads_.get(),
            [this](node::Request request, std::function<void(node::Response)> done) {
                if (refuses_) return done(Result<node::Status>(fail(*refuses_)));
                const uint64_t id = next_++;
                waiting_[id] = std::move(done);
                step(node::ClientRequest{id, std::move(request)});
            },
            [this] { return now().wall.value / 1'000'000; },
            [] {
                return std::vector<ports::PeerState>{{{0}, false, "127.0.0.1:1", "", 1, 2, 3}};
            }});
        node::Effects effects;
        node_->start(now(), effects);
        perform(effects);
        run_for(1'000'000);
    }

    model::Now now() const { return {{start_us + time_}, 1'000'000 + time_}; }

    void step(node::Input input) {
        node::Effects effects;
        node_->step(now(), std::move(input), effects);
        perform(effects);
    }

    void perform(node::Effects& effects) {
        for (auto& effect : effects) {
            if (auto* start = std::get_if<node::StartWork>(&effect)) {
                start->work->run();
                step(node::WorkDone{start->id, start->work});
            } else if (auto* reply = std::get_if<node::Reply>(&effect)) {
                const auto done = std::move(waiting_.at(reply->id));
                waiting_.erase(reply->id);
                done(std::move(reply->response));
            }
        }
        while (const auto ticket = disk_.pending()) {
            disk_.complete(*ticket);
            step(node::Synced{*ticket});
        }
    }

    void run_for(uint64_t micros) {
        const uint64_t end = time_ + micros;
        while (time_ < end) {
            time_ += 5'000;
            if (node_->next_wakeup_us() <= now().monotonic_us) step(node::Tick{});
        }
    }

    ports::HttpResponse call(ports::HttpRequest request) {
        std::optional<ports::HttpResponse> answer;
        api_->handle(request, [&](ports::HttpResponse response) { answer = std::move(response); });
        for (int tries = 0; !answer && tries < 40; ++tries) run_for(500'000);
        EXPECT_TRUE(answer.has_value()) << request.path;
        return answer.value_or(ports::HttpResponse{});
    }
    ports::HttpResponse get(const std::string& path, std::map<std::string, std::string> query = {},
                            const std::string& token = {}) {
        ports::HttpRequest request{"GET", path, std::move(query), {}, {}, "test"};
        if (!token.empty()) request.headers["authorization"] = "Bearer " + token;
        return call(std::move(request));
    }
    ports::HttpResponse post(const std::string& path, const std::string& body,
                             std::map<std::string, std::string> query = {}) {
        return call({"POST", path, std::move(query), {}, body, "test"});
    }
    static bj::object object_of(const ports::HttpResponse& response) {
        const auto json = model::parse_json(view_of(response.body));
        EXPECT_TRUE(json.ok()) << response.body;
        return json.ok() && json->is_object() ? json->get_object() : bj::object{};
    }
    static std::string error_code(const ports::HttpResponse& response) {
        const auto object = object_of(response);
        const auto* error = object.if_contains("error");
        return error == nullptr ? "" : std::string(error->at("code").get_string());
    }
    model::Payload payload(const std::string& changes) {
        return {network_,
                "trade/items",
                "n" + std::to_string(nonce_++),
                now().wall.value / 1000 + 60'000,
                10'000,
                changes};
    }
    ports::HttpResponse submit(const std::string& changes) {
        return post(path_ + "/transactions", model::sign_envelope(payload(changes), writer_));
    }
    std::string token(uint64_t at_seconds, const std::string& participant = "alice") {
        return model::sign_token(network_, participant, at_seconds, writer_);
    }

    const std::string path_ = "/v1/ledgers/trade/items";
    model::SecretKey writer_{secret_of(9)};
    std::shared_ptr<const model::Charter> charter_;
    Hash network_;
    sim::SimDisk disk_;
    sim::SimKeyValue key_value_;
    std::unique_ptr<Signer> signer_;
    std::unique_ptr<Verifier> verifier_;
    std::unique_ptr<node::Node> node_;
    std::unique_ptr<node::Reads> reads_;
    std::unique_ptr<Api> api_;
    std::map<uint64_t, std::function<void(node::Response)>> waiting_;
    std::optional<node::ClientError> refuses_;  ///< to say how it stands
    size_t submitted_bytes_max_ = node::Config{}.submitted_bytes_max;
    uint64_t next_ = 1;
    uint64_t nonce_ = 1;
    uint64_t time_ = 0;
};

}  // namespace tally::api
