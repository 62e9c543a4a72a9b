// A client of one participant is told, in one shape, what was wrong and what to do; and what it
// wrote can be read, queried and followed.
#include "api_testing.hpp"

#include <boost/json/serialize.hpp>

#include "model/utf8.hpp"
#include "node/chain_store.hpp"

namespace tally::api {
namespace {

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
    for (const char* what : {"/transactions/abc", "/proofs/transactions/zz"}) {
        const auto refused = get(path_ + what);
        EXPECT_EQ(error_code(refused), "bad_transaction_id");
        EXPECT_NE(refused.body.find("64 lower-case hexadecimal digits"), std::string::npos);
    }
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
    for (const char* line :
         {"tally_signing 1", "tally_losses_survived 0",
          "tally_ledger_executed_height{ledger=\"trade/items\"} 0",
          "tally_http_too_fast_total{quota=\"signer\"} 0", "tally_transactions_submitted_total 0",
          "tally_peer_dropped_messages_total{peer=\"alice\"} 3"})
        EXPECT_NE(metrics.body.find(line), std::string::npos) << line;
}

/// Each refusal says how long to wait, in the header and to the millisecond in the error.
TEST_F(ApiTest, clients_that_are_too_fast_are_told_to_wait) {
    Quotas quotas({3, 2, 0, 1});
    Config config;
    config.charter = charter_;
    config.reads = reads_.get();
    config.ask = [this](node::Request request, std::function<void(node::Response)> done) {
        const uint64_t id = next_++;
        waiting_[id] = std::move(done);
        step(node::ClientRequest{id, std::move(request)});
    };
    config.peers = [] { return std::vector<ports::PeerState>{}; };
    config.quotas = &quotas;
    config.monotonic_us = [this] { return now().monotonic_us; };
    api_ = std::make_unique<Api>(config);
    const auto send = [&](const model::SecretKey& key, const std::string& from) {
        ports::HttpRequest request{"POST",
                                   path_ + "/transactions",
                                   {{"wait", "submitted"}},
                                   {},
                                   model::sign_envelope(payload(R"([{"_id":"item$1"}])"), key),
                                   "127.0.0.1:4711"};
        if (!from.empty()) request.headers["x-forwarded-for"] = "203.0.113.1, " + from;
        return call(std::move(request));
    };
    for (int i = 0; i < 4; ++i) EXPECT_EQ(send(writer_, std::to_string(i)).status, 202);
    const auto refused = send(writer_, "5");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(error_code(refused), "too_fast");
    EXPECT_EQ(refused.headers.at("Retry-After"), "1");
    const auto error = object_of(refused).at("error").as_object();
    EXPECT_EQ(error.at("retry_after_ms").as_int64(), 501);
    EXPECT_NE(error.at("message").as_string().find("more than 2 transactions"), std::string::npos);
    run_for(501'000);
    EXPECT_EQ(send(writer_, "6").status, 202);

    // Keys that nobody knows share one allowance, however many they are.
    EXPECT_EQ(send(secret_of(101), "7").status, 202);
    EXPECT_EQ(send(secret_of(102), "8").status, 202);
    EXPECT_EQ(send(secret_of(103), "9").status, 429);

    // Behind a proxy the address is what that saw; without one, the connection's.
    for (int i = 0; i < 6; ++i) (void)send(secret_of(104), "");
    EXPECT_EQ(send(secret_of(104), "").status, 429);
    EXPECT_EQ(quotas.refused(Quotas::Of::address), 1u);
    EXPECT_EQ(object_of(post("/v1/ledgers/nowhere/transactions", "x")).contains("error"), true);
}

class BusyApiTest : public ApiTest {
protected:
    BusyApiTest() { submitted_bytes_max_ = 2'000; }
};

/// The own lane takes no more than it can hold, and says when to come again.
TEST_F(BusyApiTest, a_full_lane_asks_to_wait) {
    const auto send = [&] {
        return post(path_ + "/transactions",
                    model::sign_envelope(payload(R"([{"_id":"item$1"}])"), writer_),
                    {{"wait", "submitted"}});
    };
    ports::HttpResponse last;
    int taken = 0;
    while ((last = send()).status == 202 && taken < 100) ++taken;
    EXPECT_GT(taken, 1);
    ASSERT_EQ(last.status, 429) << last.body;
    EXPECT_EQ(error_code(last), "busy");
    EXPECT_EQ(last.headers.at("Retry-After"), "1");
    EXPECT_EQ(object_of(last).at("error").at("retry_after_ms").as_int64(), 1'000);
    run_for(1'000'000);
    EXPECT_EQ(send().status, 202);
}

/// Nobody is told that all is well by a participant that did not look.
TEST_F(ApiTest, a_status_that_cannot_be_asked_for_is_an_error) {
    for (const char* path : {"/v1/status", "/healthz", "/metrics"}) {
        refuses_ = node::ClientError::too_many_waiting;
        EXPECT_EQ(get(path).status, 429) << path;
        EXPECT_EQ(error_code(get(path)), "too_many_waiting") << path;
        refuses_ = node::ClientError::stopped;
        EXPECT_EQ(get(path).status, 503) << path;
        refuses_.reset();
        EXPECT_EQ(get(path).status, 200) << path;
    }
}

TEST_F(ApiTest, what_reads_the_database_takes_long) {
    const auto long_one = [](const char* method, const std::string& path) {
        return Api::takes_long({method, path, {}, {}, {}, {}});
    };
    EXPECT_TRUE(long_one("POST", path_ + "/query"));
    EXPECT_TRUE(long_one("GET", path_ + "/subjects/5"));
    EXPECT_TRUE(long_one("GET", path_ + "/blocks"));
    EXPECT_TRUE(long_one("GET", path_ + "/proofs/subjects/5"));
    EXPECT_FALSE(long_one("POST", path_ + "/transactions"));
    EXPECT_FALSE(long_one("GET", "/v1/status"));
    EXPECT_FALSE(long_one("GET", "/metrics"));
    ports::HttpResponse refused;
    Api::refuse([&](ports::HttpResponse response) { refused = std::move(response); });
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.headers.at("Retry-After"), "1");
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
    status.peers = {
        {"alice", {0}, {4}, 0, true}, {"bob", {1}, {4}, 9'000, true}, {"carol", {2}, {}, 0, false}};
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

TEST_F(ApiTest, a_method_or_parameter_that_an_address_does_not_have_is_refused) {
    EXPECT_EQ(get("/v1/nothing").status, 404);
    EXPECT_EQ(get(path_ + "/nothing").status, 404);
    EXPECT_EQ(get(path_ + "/proofs/nothing").status, 404);
    for (const char* path : {"/v1/status", "/healthz", "/v1/charter"}) {
        const auto refused = post(path, "{}");
        EXPECT_EQ(refused.status, 405) << path;
        EXPECT_EQ(refused.headers.at("Allow"), "GET, HEAD");
        EXPECT_EQ(call({"HEAD", path, {}, {}, {}, "test"}).status, 200) << path;
    }
    EXPECT_EQ(call({"DELETE", path_ + "/blocks", {}, {}, {}, "test"}).status, 405);
    EXPECT_EQ(get(path_ + "/transactions").status, 405);
    EXPECT_EQ(get(path_ + "/query").headers.at("Allow"), "POST");
    EXPECT_EQ(error_code(get(path_ + "/blocks", {{"count", "0"}})), "bad_parameter");
    EXPECT_EQ(error_code(get(path_ + "/blocks", {{"cuont", "1"}})), "bad_parameter");
    EXPECT_EQ(error_code(get("/v1/status", {{"at", "1"}})), "bad_parameter");
    EXPECT_EQ(error_code(post(path_ + "/transactions", "x", {{"at", "1"}})), "bad_parameter");
}

TEST_F(ApiTest, an_error_that_quotes_any_bytes_is_json_in_utf8) {
    for (const auto& refused :
         {get("/\xff"), get("/v1/ledgers/\xff\xfe/blocks"), get(path_ + "/blocks", {{"\xff", "1"}}),
          get(path_ + "/transactions/\xe2\x82"), get(path_ + "/subjects/\xff=1"),
          post(path_ + "/query", "{\xff"), call({"G\xff", "/v1/status", {}, {}, {}, "test"})}) {
        EXPECT_GE(refused.status, 400);
        EXPECT_TRUE(model::is_utf8(view_of(refused.body))) << refused.body;
        EXPECT_FALSE(error_code(refused).empty());
    }
    EXPECT_NE(get("/\xff").body.find("/\xef\xbf\xbd"), std::string::npos);
}

TEST_F(ApiTest, blocks_before_the_history_are_refused_and_not_left_out) {
    ASSERT_EQ(submit(R"([{"_id":"item$1","name":"nail","price":3}])").status, 200);
    ASSERT_EQ(submit(R"([{"_id":"item$1","name":"screw","price":4}])").status, 200);
    auto mark = node::ChainReader(key_value_).mark({0});
    ASSERT_TRUE(mark.ok() && *mark);
    node::LedgerStatus ledger;
    ledger.name = "trade/items";
    const Api loaded(
        Config{charter_,
               {0},
               reads_.get(),
               [&](const node::Request&, const std::function<void(node::Response)>& done) {
                   node::Status status;
                   status.ledgers.push_back(ledger);
                   done(Result<node::Status>(status));
               },
               [] { return uint64_t{0}; },
               [] { return std::vector<ports::PeerState>{}; }});
    const auto blocks = [&](std::map<std::string, std::string> query) {
        std::optional<ports::HttpResponse> answer;
        loaded.handle({"GET", path_ + "/blocks", std::move(query), {}, {}, "test"},
                      [&](ports::HttpResponse response) { answer = std::move(response); });
        return answer.value_or(ports::HttpResponse{});
    };
    const auto count_of = [](const ports::HttpResponse& answer) {
        return object_of(answer).at("blocks").get_array().size();
    };
    EXPECT_EQ(count_of(blocks({{"from", "77"}})), 0u) << "not made yet";
    // The newest block is the one whose state was loaded, and then the one before.
    for (const uint64_t history : {(*mark)->height.value, (*mark)->height.value - 1}) {
        (*mark)->history = ledger.history = {history};
        ports::WriteBatch batch;
        node::put_mark(batch, {0}, **mark);
        ASSERT_TRUE(key_value_.write(batch).ok());
        const auto refused = blocks({{"from", "0"}});
        EXPECT_EQ(refused.status, 404);
        EXPECT_EQ(error_code(refused), "unknown_block");
        EXPECT_NE(refused.body.find("its history begins at block " + std::to_string(history)),
                  std::string::npos)
            << refused.body;
        EXPECT_EQ(error_code(blocks({{"from", std::to_string(history)}})), "unknown_block");
        const size_t here = (*mark)->height.value - history;
        EXPECT_EQ(count_of(blocks({{"from", std::to_string(history + 1)}})), here);
        EXPECT_EQ(count_of(blocks({})), here);
    }
}

TEST_F(ApiTest, whatever_is_no_token_is_401) {
    const std::string subject = path_ + "/subjects/1";
    for (const char* token : {"a.b.c", "..", "e30.e30.e30", "", "%%%"}) {
        const auto refused = get(subject, {}, token);
        if (*token == 0) continue;  // The helper sends no header then.
        EXPECT_EQ(refused.status, 401) << token;
        EXPECT_EQ(error_code(refused), "not_a_token") << token;
    }
    const auto with = [&](const std::string& header) {
        return call({"GET", subject, {}, {{"authorization", header}}, {}, "test"});
    };
    const std::string good = token(now().wall.value / 1'000'000);
    EXPECT_EQ(error_code(with("bearer " + good)), "unknown_subject");
    EXPECT_EQ(error_code(with("BEARER  " + good)), "unknown_subject");
    EXPECT_EQ(with("Basic YTpi").status, 401);
    EXPECT_EQ(with("Bearer").status, 401);
}

TEST_F(ApiTest, a_reference_is_found_by_number_and_by_unique_pair) {
    ASSERT_EQ(
        submit(R"([{"_id":"_predicate$1","name":"item/part","type":"ref","index":true}])").status,
        200);
    ASSERT_EQ(submit(R"([{"_id":"item$1","name":"nail"},)"
                     R"({"_id":"item$2","name":"box","part":"item$1"}])")
                  .status,
              200);
    const auto nail = object_of(get(path_ + "/subjects/item/name=nail"));
    const std::string number =
        std::to_string(nail.at("subject").get_object().at("_id").to_number<uint64_t>());
    const std::string good = token(now().wall.value / 1'000'000);
    const auto ask = [&](const std::string& filter) {
        return call({"POST",
                     path_ + "/query",
                     {},
                     {{"authorization", "Bearer " + good}},
                     R"({"from":"item","where":[)" + filter + "]}",
                     "test"});
    };
    for (const std::string& filter :
         {"\"part=" + number + "\"", std::string(R"("part=item/name=nail")"),
          R"(["part","=",)" + number + "]", std::string(R"(["part","=","item/name=nail"])"),
          std::string(R"(["part","=",["item/name","nail"]])")}) {
        const auto found = object_of(ask(filter));
        ASSERT_TRUE(found.contains("rows")) << filter << bj::serialize(found);
        ASSERT_EQ(found.at("rows").get_array().size(), 1u) << filter;
        EXPECT_EQ(found.at("rows").at(0).at("name").get_string(), "box");
    }
    EXPECT_EQ(error_code(ask(R"("part=item/name=screw")")), "unknown_subject");
    EXPECT_EQ(error_code(ask(R"("part=nail")")), "bad_value");
}

TEST_F(ApiTest, a_rejection_asked_for_later_still_names_what_was_wrong) {
    const auto rejected = submit(R"([{"_id":"item$1","name":"nail","price":"much"}])");
    EXPECT_EQ(rejected.status, 409);
    EXPECT_NE(rejected.body.find(R"(\"price\" is int, not \"much\")"), std::string::npos)
        << rejected.body;
    const std::string id(object_of(rejected).at("transaction").get_string());
    for (const auto& query : {std::map<std::string, std::string>{},
                              std::map<std::string, std::string>{{"wait", "certified"}}}) {
        const auto later = object_of(get(path_ + "/transactions/" + id, query));
        const std::string explanation(later.at("explanation").get_string());
        EXPECT_NE(explanation.find("predicate item/price"), std::string::npos) << explanation;
        EXPECT_EQ(later.at("outcome").get_string(), "rejected");
    }
}

}  // namespace
}  // namespace tally::api
