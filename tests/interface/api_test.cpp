// A client of one participant is told, in one shape, what was wrong and what to do; and what it
// wrote can be read, queried and followed.
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
namespace {

namespace bj = boost::json;

constexpr uint64_t start_us = 1'800'000'000'000'000;

Ed25519Secret secret_of(uint8_t number) {
    std::array<uint8_t, 32> seed{};
    seed[0] = number;
    return Ed25519Secret::from_seed(seed);
}

std::string did_of(const model::SecretKey& key) {
    return model::public_key_of(key).did();
}

model::Charter charter_of_one(const std::string& writer) {
    model::Charter charter;
    auto& body = charter.body;
    body.name = "test";
    body.genesis_time = {start_us - 1'000'000};
    model::ParticipantEntry alice;
    alice.name = "alice";
    alice.identity_key = secret_of(1).public_key();
    alice.signing_key = secret_of(2).public_key();
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

/// A network of one whose disk, workers and clock answer at once.
class ApiTest : public testing::Test {
protected:
    void SetUp() override {
        crypto_start();
        charter_ = std::make_shared<const model::Charter>(charter_of_one(did_of(writer_)));
        network_ = model::network_id_of(charter_->body);
        signer_ = ed25519_signer(secret_of(2));
        verifier_ = ed25519_verifier();
        auto opened =
            node::Node::open({*charter_, {0}}, *signer_, *verifier_, disk_, key_value_, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        node_ = std::move(*opened);
        reads_ = std::make_unique<node::Reads>(charter_, key_value_);
        api_ = std::make_unique<Api>(Config{
            charter_,
            {0},
            reads_.get(),
            [this](node::Request request, std::function<void(node::Response)> done) {
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
    uint64_t next_ = 1;
    uint64_t nonce_ = 1;
    uint64_t time_ = 0;
};

TEST_F(ApiTest, what_is_written_can_be_read_at_every_block) {
    const auto written = submit(R"([{"_id":"item$1","name":"nail","price":3,"secret":"rust"}])");
    ASSERT_EQ(written.status, 200) << written.body;
    EXPECT_EQ(object_of(written).at("outcome").get_string(), "applied");
    EXPECT_TRUE(object_of(written).at("assigned").get_object().contains("item$1"));
    ASSERT_EQ(submit(R"([{"_id":["item/name","nail"],"price":4}])").status, 200);

    const auto newest = object_of(get(path_ + "/subjects/item/name=nail"));
    EXPECT_EQ(newest.at("subject").at("price").as_int64(), 4);
    EXPECT_FALSE(newest.at("subject").get_object().contains("secret"))
        << "the public may not see it";
    const auto before = object_of(get(path_ + "/subjects/item/name=nail", {{"at", "1"}}));
    EXPECT_EQ(before.at("subject").at("price").as_int64(), 3);
    EXPECT_EQ(error_code(get(path_ + "/subjects/item/name=nail", {{"at", "0"}})),
              "unknown_subject");
    EXPECT_EQ(error_code(get(path_ + "/subjects/item/name=nail", {{"at", "77"}})), "unknown_block");

    const std::string own = token(now().wall.value / 1'000'000);
    const auto whole = object_of(get(path_ + "/subjects/item/name=nail", {}, own));
    EXPECT_EQ(whole.at("subject").at("secret").get_string(), "rust");

    const std::string id(object_of(written).at("transaction").get_string());
    const auto record = object_of(get(path_ + "/transactions/" + id));
    EXPECT_TRUE(record.at("applied").get_bool());
    EXPECT_EQ(object_of(get(path_ + "/blocks/1")).at("signed_by").get_array().size(), 1u);
    EXPECT_EQ(object_of(get(path_ + "/blocks")).at("blocks").get_array().size(), 3u);
}

TEST_F(ApiTest, queries_filter_order_and_stop_at_the_limit) {
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(submit(R"([{"_id":"item$1","name":"n)" + std::to_string(i) + R"(","price":)" +
                         std::to_string(10 - i) + "}]")
                      .status,
                  200);
    const auto answer = object_of(post(
        path_ + "/query",
        R"({"from":"item","where":[["price",">=",7],"name<n9"],"order":"price","select":["name"],"limit":2})"));
    ASSERT_EQ(answer.at("rows").get_array().size(), 2u);
    EXPECT_EQ(answer.at("rows").at(0).at("name").get_string(), "n3");
    EXPECT_EQ(answer.at("rows").at(1).at("name").get_string(), "n2");
    EXPECT_TRUE(answer.at("more").get_bool());
    EXPECT_EQ(error_code(post(path_ + "/query", R"({"from":"item","where":[["secret","=","x"]]})")),
              "not_permitted");
    EXPECT_EQ(error_code(post(path_ + "/query", R"({"from":"items"})")), "unknown_collection");
    EXPECT_EQ(error_code(post(path_ + "/query", R"({"from":"item","wher":[]})")), "bad_query");
    EXPECT_EQ(error_code(post(path_ + "/query", R"({"from":"item","where":[["price","=","x"]]})")),
              "bad_value");
    EXPECT_EQ(error_code(post(path_ + "/query", "{")), "not_json");
}

TEST_F(ApiTest, a_rejected_transaction_says_why_and_changes_nothing) {
    ASSERT_EQ(submit(R"([{"_id":"item$1","name":"nail"}])").status, 200);
    const auto twice = submit(R"([{"_id":"item$1","name":"nail"}])");
    EXPECT_EQ(twice.status, 409);
    EXPECT_EQ(object_of(twice).at("outcome").get_string(), "rejected");
    EXPECT_NE(object_of(twice).at("explanation").get_string().find("unique"), std::string::npos);
    const auto rows = object_of(post(path_ + "/query", R"({"from":"item"})"));
    EXPECT_EQ(rows.at("rows").get_array().size(), 1u);
}

TEST_F(ApiTest, the_same_transaction_sent_again_is_answered_and_takes_effect_once) {
    const auto envelope =
        model::sign_envelope(payload(R"([{"_id":"item$1","name":"nail"}])"), writer_);
    const auto first = post(path_ + "/transactions", envelope);
    const auto again = post(path_ + "/transactions", envelope + "\n");
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(object_of(first).at("height"), object_of(again).at("height"));
    EXPECT_EQ(object_of(get(path_ + "/blocks/latest")).at("height").as_int64(), 1);
}

TEST_F(ApiTest, what_is_invalid_by_its_bytes_is_refused_at_the_door) {
    const auto refused = [&](const std::string& body) {
        const auto response = post(path_ + "/transactions", body);
        EXPECT_GE(response.status, 400);
        return error_code(response);
    };
    EXPECT_EQ(refused("hello"), "not_compact_jws");
    auto wrong_ledger = payload("[]");
    wrong_ledger.ledger = "packages";
    EXPECT_EQ(refused(model::sign_envelope(wrong_ledger, writer_)), "wrong_ledger");
    auto wrong_network = payload(R"([{"_id":"item$1","name":"x"}])");
    wrong_network.network = {};
    EXPECT_EQ(refused(model::sign_envelope(wrong_network, writer_)), "wrong_network");
    std::string forged = model::sign_envelope(payload(R"([{"_id":"item$1","name":"x"}])"), writer_);
    forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refused(forged), "bad_signature");
    EXPECT_EQ(object_of(get(path_ + "/blocks/latest")).at("height").as_int64(), 0);
}

TEST_F(ApiTest, proofs_are_checked_from_the_charter_alone) {
    const auto written = submit(R"([{"_id":"item$1","name":"nail","price":3,"secret":"rust"}])");
    const std::string id(object_of(written).at("transaction").get_string());
    run_for(2'000'000);  // Until a later slot carries the certificate.
    const auto proved = [&](const std::string& what, const std::string& with_token = {}) {
        const auto file = get(path_ + "/proofs/" + what, {}, with_token);
        EXPECT_EQ(file.status, 200) << file.body;
        auto verdict = proving::verify(*charter_, view_of(file.body));
        EXPECT_TRUE(verdict.ok()) << verdict.error().message();
        return verdict;
    };
    const auto result = proved("transactions/" + id);
    EXPECT_EQ(result->finality, proving::Finality::final_);
    EXPECT_TRUE(std::get<proving::ProvedTransaction>(result->statement).applied());

    const auto row = proved("subjects/item/name=nail");
    const auto& subject = std::get<proving::ProvedSubject>(row->statement);
    EXPECT_TRUE(subject.present);
    EXPECT_EQ(subject.fields.size(), 2u) << "the public may not see the third";
    EXPECT_FALSE(subject.whole);
    const auto whole = proved("subjects/item/name=nail", token(now().wall.value / 1'000'000));
    EXPECT_TRUE(std::get<proving::ProvedSubject>(whole->statement).whole);
    const auto absent = proved("subjects/item/name=screw");
    EXPECT_FALSE(std::get<proving::ProvedSubject>(absent->statement).present);

    const auto file = get(path_ + "/proofs/transactions/" + id);
    auto other = *charter_;
    other.body.name = "another network";
    EXPECT_FALSE(proving::verify(other, view_of(file.body)).ok());
}

TEST_F(ApiTest, tokens_count_only_here_and_now) {
    const uint64_t seconds = now().wall.value / 1'000'000;
    const std::string subject = path_ + "/subjects/1";
    EXPECT_EQ(error_code(get(subject, {}, token(seconds - 1'000))), "token_not_now");
    EXPECT_EQ(error_code(get(subject, {}, token(seconds, "bob"))), "token_wrong_participant");
    EXPECT_EQ(error_code(get(subject, {}, "abc")), "not_a_token");
    const std::string good = token(seconds);
    std::string forged = good;
    forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
    const auto response = get(subject, {}, forged);
    EXPECT_EQ(error_code(response), "token_bad_signature");
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(error_code(get(subject, {}, good)), "unknown_subject");
}

TEST_F(ApiTest, unknown_addresses_and_parameters_are_refused_in_words) {
    EXPECT_EQ(error_code(get("/v1/nothing")), "not_found");
    EXPECT_EQ(error_code(get("/v1/ledgers/unknown/blocks")), "unknown_ledger");
    EXPECT_EQ(error_code(get(path_ + "/blocks/x")), "bad_parameter");
    EXPECT_EQ(error_code(get(path_ + "/transactions/abc")), "bad_hex");
    EXPECT_EQ(error_code(post(path_ + "/transactions", "x", {{"wait", "forever"}})),
              "bad_parameter");
    const std::string nobody(64, 'a');
    EXPECT_EQ(error_code(get(path_ + "/transactions/" + nobody)), "unknown_transaction");
    const auto late =
        get(path_ + "/transactions/" + nobody, {{"wait", "certified"}, {"timeout_ms", "1"}});
    EXPECT_EQ(late.status, 202);
    EXPECT_EQ(object_of(late).at("outcome").get_string(), "unknown");
}

TEST_F(ApiTest, status_and_metrics_say_that_a_network_of_one_survives_no_loss) {
    const auto status = object_of(get("/v1/status"));
    EXPECT_EQ(status.at("losses_survived").as_int64(), 0);
    EXPECT_NE(status.at("note").get_string().find("survives no loss"), std::string::npos);
    EXPECT_TRUE(status.at("peers").at(0).at("connected").get_bool()) << "to itself, always";
    EXPECT_EQ(get("/healthz").status, 200);
    const auto metrics = get("/metrics");
    for (const char* line : {"tally_signing 1", "tally_losses_survived 0",
                             "tally_ledger_executed_height{ledger=\"trade/items\"} 0",
                             "tally_peer_dropped_messages_total{peer=\"alice\"} 3"})
        EXPECT_NE(metrics.body.find(line), std::string::npos) << line;
}

TEST_F(ApiTest, status_says_how_far_lanes_and_ledgers_are) {
    ASSERT_EQ(submit(R"([{"_id":"item$1","name":"nail"}])").status, 200);
    run_for(2'000'000);
    const auto status = object_of(get("/v1/status"));
    const auto& lane = status.at("lanes").at(0).get_object();
    EXPECT_EQ(lane.at("participant").get_string(), "alice");
    EXPECT_GE(lane.at("height").as_int64(), 1);
    EXPECT_EQ(lane.at("held"), lane.at("height"));
    EXPECT_GE(uint64_t(lane.at("time_us").as_int64()), start_us);
    const auto& ledger = status.at("ledgers").at(0).get_object();
    EXPECT_EQ(ledger.at("slot"), status.at("slot")) << "no slot waits for it";
    EXPECT_EQ(ledger.at("executed").as_int64(), 1);
    EXPECT_EQ(ledger.at("failure").get_string(), "");
}

TEST_F(ApiTest, the_page_comes_with_a_policy_that_lets_nothing_else_in) {
    const auto page = get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_TRUE(page.body.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(page.body.ends_with("</html>\n"));
    EXPECT_EQ(page.headers.at("X-Content-Type-Options"), "nosniff");
    const auto& policy = page.headers.at("Content-Security-Policy");
    EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-")) << policy;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
    // One script and one style, which the policy's hashes are of; nothing from elsewhere.
    for (const char* never : {"src=", "@import", "url(", "innerHTML", "https://"})
        EXPECT_EQ(page.body.find(never), std::string::npos) << never;
    EXPECT_EQ(error_code(get("/index.html")), "not_found");
}

TEST(StatusJson, says_who_is_connected_and_why_not) {
    node::Status status;
    status.participant = "alice";
    status.peers = {{"alice", {4}, 0, true}, {"bob", {4}, 9'000, true}, {"carol", {}, 0, false}};
    const auto json = status_json(status, {{{1}, true, "", "earlier trouble", 0, 0, 0},
                                           {{2}, false, "", "no route", 0, 0, 0}});
    const auto& peers = json.at("peers").get_array();
    ASSERT_EQ(peers.size(), 3u);
    EXPECT_TRUE(peers[0].at("connected").get_bool());
    EXPECT_TRUE(peers[1].at("connected").get_bool());
    EXPECT_EQ(peers[1].at("silent_ms").as_uint64(), 9u);
    EXPECT_FALSE(peers[1].get_object().contains("refusal")) << "it is connected again";
    EXPECT_FALSE(peers[2].at("connected").get_bool());
    EXPECT_EQ(peers[2].at("refusal").get_string(), "no route");
    EXPECT_FALSE(peers[2].get_object().contains("slot"));
}

TEST_F(ApiTest, every_documented_address_is_served) {
    const auto document = model::parse_json(view_of(openapi_document()));
    ASSERT_TRUE(document.ok());
    size_t addresses = 0;
    for (const auto& [template_path, methods] : document->at("paths").get_object()) {
        std::string path(template_path);
        for (const auto& [name, value] :
             std::map<std::string, std::string>{{"{ledger}", "trade/items"},
                                                {"{id}", std::string(64, 'a')},
                                                {"{height}", "0"},
                                                {"{subject}", "1"}}) {
            if (const size_t at = path.find(name); at != path.npos)
                path.replace(at, name.size(), value);
        }
        for (const auto& [method, operation] : methods.get_object()) {
            const auto response = method == "post" ? post(path, "{}") : get(path);
            EXPECT_NE(error_code(response.content_type == "application/json"
                                     ? response
                                     : json_response(200, bj::object{})),
                      "not_found")
                << path;
            ++addresses;
        }
    }
    EXPECT_GE(addresses, 13u);
}

}  // namespace
}  // namespace tally::api
