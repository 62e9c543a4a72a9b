// What docs/openapi.json says is what is answered: every documented operation, asked well and asked
// badly, gives a documented status and a body of the documented shape.
#include <boost/json/serialize.hpp>
#include <set>

#include "api_testing.hpp"

namespace tally::api {
namespace {

/// As much of JSON Schema as the document uses. Empty: the value is as the schema says.
class Shape {
public:
    explicit Shape(const bj::object& document) : document_(document) {}

    std::string fault(const bj::value& value, const bj::object& schema,
                      const std::string& at = "body") const {
        if (const auto* ref = schema.if_contains("$ref")) return fault(value, find(*ref), at);
        if (const auto* any = schema.if_contains("anyOf")) {
            std::string faults;
            for (const auto& one : any->get_array()) {
                const std::string found = fault(value, one.get_object(), at);
                if (found.empty()) return {};
                faults += found + "; ";
            }
            return faults;
        }
        const auto* nullable = schema.if_contains("nullable");
        if (nullable != nullptr && nullable->get_bool() && value.is_null()) return {};
        if (const auto* type = schema.if_contains("type"); type && !has_type(value, *type))
            return at + " is not " + std::string(type->get_string()) + ": " + bj::serialize(value);
        if (const auto* values = schema.if_contains("enum")) {
            const auto& list = values->get_array();
            if (std::find(list.begin(), list.end(), value) == list.end())
                return at + " is none of " + bj::serialize(list);
        }
        if (value.is_object()) return fault_of_object(value.get_object(), schema, at);
        if (const auto* items = schema.if_contains("items"); items && value.is_array()) {
            for (const auto& element : value.get_array()) {
                auto found = fault(element, items->get_object(), at + "[]");
                if (!found.empty()) return found;
            }
        }
        return {};
    }

private:
    const bj::object& find(const bj::value& ref) const {
        const std::string_view text = ref.get_string();
        const auto& schemas = document_.at("components").at("schemas").get_object();
        return schemas.at(text.substr(text.rfind('/') + 1)).get_object();
    }
    static bool has_type(const bj::value& value, const bj::value& type) {
        const std::string_view name = type.get_string();
        return name == "object"    ? value.is_object()
               : name == "array"   ? value.is_array()
               : name == "string"  ? value.is_string()
               : name == "boolean" ? value.is_bool()
                                   : name == "integer" && (value.is_int64() || value.is_uint64());
    }
    std::string fault_of_object(const bj::object& object, const bj::object& schema,
                                const std::string& at) const {
        if (const auto* names = schema.if_contains("required")) {
            for (const auto& name : names->get_array()) {
                if (!object.contains(name.get_string()))
                    return at + " has no " + std::string(name.get_string()) + ": " +
                           bj::serialize(object);
            }
        }
        const auto* properties = schema.if_contains("properties");
        if (properties == nullptr) return {};
        for (const auto& [name, value] : object) {
            const std::string below = at + "." + std::string(name);
            const auto* known = properties->get_object().if_contains(name);
            if (known == nullptr) return below + " is not documented";
            auto found = fault(value, known->get_object(), below);
            if (!found.empty()) return found;
        }
        return {};
    }
    const bj::object& document_;
};

class OpenApi : public ApiTest {
protected:
    void SetUp() override {
        ApiTest::SetUp();
        auto parsed = model::parse_json(view_of(openapi_document()));
        ASSERT_TRUE(parsed.ok());
        document_ = parsed->get_object();
        const auto written = submit(R"([{"_id":"item$1","name":"nail","price":3}])");
        applied_ = object_of(written).at("transaction").get_string();
        const auto refused = submit(R"([{"_id":"item$1","name":"nail"}])");
        rejected_ = object_of(refused).at("transaction").get_string();
        run_for(2'000'000);
    }

    /// Asks, and compares the answer with what is documented for this operation.
    void ask(const std::string& method, const std::string& path_template,
             std::map<std::string, std::string> names, int status,
             std::map<std::string, std::string> query = {}, const std::string& body = {},
             std::map<std::string, std::string> headers = {}) {
        std::string path = path_template;
        names.emplace("ledger", "trade/items");
        for (const auto& [name, value] : names) {
            if (const size_t at = path.find("{" + name + "}"); at != path.npos)
                path.replace(at, name.size() + 2, value);
        }
        const std::string what = method + " " + path;
        std::string verb = method == "get" ? "GET" : "POST";
        const auto response =
            call({verb, path, std::move(query), std::move(headers), body, "test"});
        EXPECT_EQ(response.status, status) << what << " " << response.body;
        const auto& operation = document_.at("paths").at(path_template).at(method).get_object();
        asked_.insert(method + " " + path_template);
        const auto* documented =
            operation.at("responses").get_object().if_contains(std::to_string(response.status));
        ASSERT_NE(documented, nullptr) << what << ": " << response.status << " is not documented";
        const auto& content = documented->at("content").get_object();
        const std::string type = response.content_type.substr(0, response.content_type.find(';'));
        ASSERT_TRUE(content.contains(type)) << what << ": " << type;
        if (type != "application/json") return;
        const auto json = model::parse_json(view_of(response.body));
        ASSERT_TRUE(json.ok()) << response.body;
        EXPECT_EQ(Shape(document_).fault(*json, content.at(type).at("schema").get_object()), "")
            << what << " " << response.status;
    }

    bj::object document_;
    std::string applied_, rejected_;
    std::set<std::string> asked_;
};

TEST_F(OpenApi, every_answer_is_documented) {
    const std::string ledger = "/v1/ledgers/{ledger}";
    const std::map<std::string, std::string> elsewhere{{"ledger", "else/where"}};
    const std::map<std::string, std::string> misspelt{{"colour", "red"}};
    const std::map<std::string, std::string> no_token{{"authorization", "Bearer a.b.c"}};
    const std::string nobody(64, 'a');

    const std::string transactions = ledger + "/transactions";
    const auto signed_one = [&](const std::string& name) {
        return model::sign_envelope(payload(R"([{"_id":"item$1","name":")" + name + "\"}]"),
                                    writer_);
    };
    ask("post", transactions, {}, 200, {}, signed_one("screw"));
    ask("post", transactions, {}, 202, {{"wait", "submitted"}}, signed_one("bolt"));
    ask("post", transactions, {}, 409, {}, signed_one("nail"));
    ask("post", transactions, {}, 400, {}, "no envelope");
    ask("post", transactions, {}, 400, misspelt, signed_one("x"));
    ask("post", transactions, elsewhere, 404, {}, signed_one("x"));
    ask("post", transactions, {}, 413, {}, std::string(61'441, 'x'));

    const std::string transaction = transactions + "/{id}";
    using Query = std::map<std::string, std::string>;
    for (const Query& wait : {Query{}, Query{{"wait", "certified"}}}) {
        ask("get", transaction, {{"id", applied_}}, 200, wait);
        ask("get", transaction, {{"id", rejected_}}, wait.empty() ? 200 : 409, wait);
    }
    ask("get", transaction, {{"id", nobody}}, 404);
    ask("get", transaction, {{"id", nobody}}, 202, {{"wait", "final"}, {"timeout_ms", "1"}});
    ask("get", transaction, {{"id", "abc"}}, 400);

    ask("get", ledger + "/blocks", {}, 200);
    ask("get", ledger + "/blocks", {}, 400, {{"count", "0"}});
    ask("get", ledger + "/blocks", {}, 400, {{"count", "1001"}});
    ask("get", ledger + "/blocks", elsewhere, 404);
    ask("get", ledger + "/blocks/{height}", {{"height", "0"}}, 200);
    ask("get", ledger + "/blocks/{height}", {{"height", "1"}}, 200);
    ask("get", ledger + "/blocks/{height}", {{"height", "latest"}}, 200);
    ask("get", ledger + "/blocks/{height}", {{"height", "first"}}, 400);
    ask("get", ledger + "/blocks/{height}", {{"height", "77"}}, 404);

    for (const std::string& subject :
         {ledger + "/subjects/{subject}", ledger + "/proofs/subjects/{subject}"}) {
        ask("get", subject, {{"subject", "item/name=nail"}}, 200);
        ask("get", subject, {{"subject", "item/name=nail"}}, 200, {{"at", "1"}});
        ask("get", subject, {{"subject", "nail"}}, 400);
        ask("get", subject, {{"subject", "item/name=nail"}}, 400, misspelt);
        ask("get", subject, {{"subject", "item/name=nail"}}, 401, {}, {}, no_token);
        ask("get", subject, {{"subject", "item/name=nail"}}, 404, {{"at", "1000"}});
    }
    ask("get", ledger + "/proofs/transactions/{id}", {{"id", applied_}}, 200);
    ask("get", ledger + "/proofs/transactions/{id}", {{"id", nobody}}, 404);
    ask("get", ledger + "/proofs/transactions/{id}", {{"id", "zz"}}, 400);

    const std::string query = ledger + "/query";
    ask("post", query, {}, 200, {}, R"({"from":"item","where":["price>=1"]})");
    ask("post", query, {}, 400, {}, "{");
    ask("post", query, {}, 400, {}, R"({"from":"item","limit":0})");
    ask("post", query, {}, 401, {}, R"({"from":"item"})", no_token);
    ask("post", query, {}, 403, {}, R"({"from":"item","where":["secret=x"]})");
    ask("post", query, {}, 404, {}, R"({"from":"items"})");

    const std::string batch = "/v1/batches/{participant}/{height}";
    const auto now_s = now().wall.value / 1'000'000;
    const std::map<std::string, std::string> token{
        {"authorization", "Bearer " + model::sign_token(network_, "alice", now_s, writer_)}};
    const Query first{{"participant", "alice"}, {"height", "1"}, {"cell", "0"}};
    const Query nobodys{{"participant", "zoe"}, {"height", "1"}, {"cell", "0"}};
    const Query unknown{{"participant", "alice"}, {"height", "77"}, {"cell", "0"}};
    const Query odd{{"participant", "alice"}, {"height", "first"}, {"cell", "0"}};
    const Query another{{"participant", "alice"}, {"height", "1"}, {"cell", "5"}};
    for (const std::string& path : {batch, batch + "/cells", batch + "/cells/{cell}"}) {
        const bool is_open = path == batch;
        ask("get", path, first, 200, {}, {}, token);
        ask("get", path, first, is_open ? 200 : 403);
        ask("get", path, first, 400, misspelt, {}, token);
        ask("get", path, odd, 400, {}, {}, token);
        ask("get", path, nobodys, 404, {}, {}, token);
        ask("get", path, unknown, 404, {}, {}, token);
        ask("get", path, first, 401, {}, {}, no_token);
    }
    ask("get", batch + "/cells/{cell}", another, 404, {}, {}, token);
    ask("get", batch + "/cells/{cell}", first, 400, {{"leaf", "x"}}, {}, token);
    ask("get", batch + "/cells/{cell}", first, 404, {{"leaf", "9"}}, {}, token);

    model::VotedProposal voted{{network_, {1}, 1, charter_->body.parameters, {}, {}}, {}};
    voted.proposal.participants = charter_->body.participants;
    for (const auto& one : charter_->body.ledgers) voted.proposal.provers.push_back(one.provers);
    const auto bytes_of = [](const model::VotedProposal& proposal) {
        return std::string(text_of(cbor::encode(proposal)));
    };
    ask("post", "/v1/epoch", {}, 400, {}, "no proposal");
    ask("post", "/v1/epoch", {}, 409, {}, bytes_of(voted));
    const auto statement = model::proposal_statement(voted.proposal.hash());
    voted.votes.push_back({{0}, secret_of(1).sign(statement)});
    ask("post", "/v1/epoch", {}, 202, {}, bytes_of(voted));

    for (const char* path :
         {"/v1/status", "/v1/charter", "/v1/sealing", "/v1/openapi.json", "/healthz", "/metrics"}) {
        ask("get", path, {}, 200);
        ask("get", path, {}, 400, misspelt);
    }

    for (const auto& [path, methods] : document_.at("paths").get_object()) {
        for (const auto& [method, operation] : methods.get_object())
            EXPECT_TRUE(asked_.contains(std::string(method) + " " + std::string(path)))
                << "nobody asked " << method << " " << path;
    }
}

}  // namespace
}  // namespace tally::api
