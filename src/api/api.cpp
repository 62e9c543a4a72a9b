#include "api/api.hpp"

#include <boost/json/array.hpp>
#include <charconv>

#include "api/answers.hpp"
#include "api/metrics.hpp"
#include "api/openapi.hpp"
#include "api/page.hpp"
#include "model/json.hpp"
#include "model/reader_token.hpp"

namespace tally::api {
namespace {

namespace bj = boost::json;
using ports::HttpRequest;
using ports::HttpRespond;

constexpr uint64_t timeout_ms_default = 10'000;
constexpr uint64_t timeout_ms_max = 120'000;
constexpr uint32_t blocks_per_page_max = 1'000;

enum class RequestError { bad_parameter, not_found };
ErrorText describe(RequestError error) {
    switch (error) {
    case RequestError::bad_parameter: return {"bad_parameter", "a parameter is not usable", ""};
    case RequestError::not_found:
        return {"not_found", "there is no such address here", "See /v1/openapi.json"};
    }
    std::abort();
}

Result<std::optional<uint64_t>> number_parameter(const HttpRequest& request,
                                                 const std::string& name, uint64_t max) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) return std::optional<uint64_t>{};
    uint64_t number = 0;
    const auto& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number > max)
        return fail(RequestError::bad_parameter,
                    name + " is a number of at most " + std::to_string(max));
    return std::optional<uint64_t>{number};
}

Result<std::optional<Height>> at_parameter(const HttpRequest& request) {
    TRY(number, number_parameter(request, "at", uint64_t{1} << 53));
    if (!number) return std::optional<Height>{};
    return std::optional<Height>{Height{*number}};
}

struct Wait {
    node::Level level;
    uint64_t timeout_us;
};
Result<Wait> wait_parameters(const HttpRequest& request, node::Level otherwise) {
    Wait wait{otherwise, 0};
    if (const auto found = request.query.find("wait"); found != request.query.end()) {
        const auto level = level_of(found->second);
        if (!level)
            return fail(RequestError::bad_parameter,
                        "wait is submitted, ordered, certified or final");
        wait.level = *level;
    }
    TRY(timeout, number_parameter(request, "timeout_ms", timeout_ms_max));
    wait.timeout_us = timeout.value_or(timeout_ms_default) * 1000;
    return wait;
}

/// Never kept by a browser without asking again, so that page and participant fit each other.
ports::HttpResponse page_response() {
    return {200,
            "text/html; charset=utf-8",
            std::string(page_document()),
            {{"Content-Security-Policy", std::string(page_policy())},
             {"X-Content-Type-Options", "nosniff"},
             {"Referrer-Policy", "no-referrer"},
             {"Cache-Control", "no-cache"}}};
}

/// One request being answered: what was asked, of which ledger, by whom.
class Call {
public:
    Call(const Config& config, const Hash& network, const HttpRequest& request,
         const HttpRespond& respond)
        : config_(config), network_(network), request_(request), respond_(respond) {}

    void run() {
        if (auto done = route(); !done.ok()) respond_(error_response(done.error()));
    }

private:
    Result<void> route();
    Result<void> route_ledger(std::string_view rest);
    Result<void> submit(std::string_view ledger);
    Result<void> transaction(std::string_view ledger, std::string_view id);
    Result<void> blocks(std::string_view ledger, std::string_view rest);
    Result<void> query(std::string_view ledger);
    Result<void> proof(std::string_view ledger, std::string_view rest);
    void status(bool healthz);
    void metrics();

    /// The reader's did:key, or empty without a token.
    Result<std::string> reader() const;
    bool is_get() const { return request_.method == "GET"; }
    bool is_post() const { return request_.method == "POST"; }
    Result<void> answer(Result<bj::object> result) {
        TRY(object, std::move(result));
        respond_(json_response(200, std::move(object)));
        return success();
    }

    const Config& config_;
    const Hash& network_;
    const HttpRequest& request_;
    const HttpRespond& respond_;
};

Result<std::string> Call::reader() const {
    const auto found = request_.headers.find("authorization");
    if (found == request_.headers.end()) return std::string{};
    constexpr std::string_view bearer = "Bearer ";
    if (!found->second.starts_with(bearer)) return model::TokenError::not_a_token;
    return model::check_token(std::string_view(found->second).substr(bearer.size()), network_,
                              config_.charter->body.participants[config_.self.value].name,
                              config_.now_seconds());
}

Result<void> Call::route() {
    const std::string_view path = request_.path;
    constexpr std::string_view ledgers = "/v1/ledgers/";
    if (path.starts_with(ledgers)) return route_ledger(path.substr(ledgers.size()));
    if (!is_get()) return RequestError::not_found;
    if (path == "/") {
        respond_(page_response());
    } else if (path == "/v1/status") {
        status(false);
    } else if (path == "/healthz") {
        status(true);
    } else if (path == "/metrics") {
        metrics();
    } else if (path == "/v1/openapi.json") {
        respond_({200, "application/json", std::string(openapi_document()), {}});
    } else if (path == "/v1/charter") {
        respond_(
            {200, "application/cbor", std::string(text_of(cbor::encode(*config_.charter))), {}});
    } else {
        return RequestError::not_found;
    }
    return success();
}

Result<void> Call::route_ledger(std::string_view rest) {
    // Names may hold slashes: the longest ledger that fits is meant.
    std::string_view name;
    for (const auto& ledger : config_.charter->body.ledgers) {
        if (rest.starts_with(ledger.name) && ledger.name.size() > name.size() &&
            rest.substr(ledger.name.size()).starts_with('/'))
            name = ledger.name;
    }
    if (name.empty())
        return fail(node::ReadError::unknown_ledger, std::string(rest.substr(0, rest.find('/'))));
    rest.remove_prefix(name.size() + 1);
    constexpr std::string_view transactions = "transactions/";
    constexpr std::string_view subjects = "subjects/";
    constexpr std::string_view proofs = "proofs/";
    if (rest == "transactions" && is_post()) return submit(name);
    if (rest == "query" && is_post()) return query(name);
    if (!is_get()) return RequestError::not_found;
    if (rest.starts_with(transactions)) return transaction(name, rest.substr(transactions.size()));
    if (rest == "blocks" || rest.starts_with("blocks/")) return blocks(name, rest.substr(6));
    if (rest.starts_with(proofs)) return proof(name, rest.substr(proofs.size()));
    if (rest.starts_with(subjects)) {
        TRY(at, at_parameter(request_));
        TRY(who, reader());
        return answer(config_.reads->subject(name, rest.substr(subjects.size()), at, who));
    }
    return RequestError::not_found;
}

Result<void> Call::submit(std::string_view ledger) {
    TRY(wait, wait_parameters(request_, node::Level::certified));
    std::string_view body = request_.body;
    while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
    auto checked = std::make_shared<const model::CheckedEnvelope>(
        model::check_envelope(view_of(body), network_, ledger));
    if (!checked->valid()) return checked->why();
    node::Submit request{*config_.charter->ledger(ledger), copy_of(view_of(body)),
                         std::move(checked), wait.level, wait.timeout_us};
    config_.ask(std::move(request), [respond = respond_, wait](node::Response response) {
        const auto& status = std::get<Result<node::TransactionStatus>>(response);
        respond(status.ok() ? transaction_response(*status, wait.level)
                            : error_response(status.error()));
    });
    return success();
}

Result<void> Call::transaction(std::string_view ledger, std::string_view id) {
    TRY(hash, hash_from_hex(id));
    if (!request_.query.contains("wait")) return answer(config_.reads->transaction(ledger, hash));
    TRY(wait, wait_parameters(request_, node::Level::certified));
    node::Await request{*config_.charter->ledger(ledger), hash, wait.level, wait.timeout_us};
    config_.ask(request, [respond = respond_, wait](node::Response response) {
        const auto& status = std::get<Result<node::TransactionStatus>>(response);
        respond(status.ok() ? transaction_response(*status, wait.level)
                            : error_response(status.error()));
    });
    return success();
}

Result<void> Call::blocks(std::string_view ledger, std::string_view rest) {
    if (rest.empty()) {
        TRY(from, number_parameter(request_, "from", uint64_t{1} << 53));
        TRY(count, number_parameter(request_, "count", blocks_per_page_max));
        TRY(list, config_.reads->blocks(ledger, {from.value_or(0)}, uint32_t(count.value_or(100))));
        return answer(bj::object{{"ledger", ledger}, {"blocks", std::move(list)}});
    }
    rest.remove_prefix(1);
    if (rest == "latest") return answer(config_.reads->block(ledger, {}));
    uint64_t height = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), height);
    if (error != std::errc{} || end != rest.data() + rest.size())
        return fail(RequestError::bad_parameter, "a block's height is a number, or latest");
    return answer(config_.reads->block(ledger, Height{height}));
}

Result<void> Call::query(std::string_view ledger) {
    TRY(at, at_parameter(request_));
    TRY(who, reader());
    TRY(json, model::parse_json(view_of(request_.body)));
    return answer(config_.reads->query(ledger, json, at, who));
}

Result<void> Call::proof(std::string_view ledger, std::string_view rest) {
    constexpr std::string_view transactions = "transactions/";
    constexpr std::string_view subjects = "subjects/";
    Bytes file;
    if (rest.starts_with(transactions)) {
        TRY(id, hash_from_hex(rest.substr(transactions.size())));
        TRY(proof, config_.reads->prove_transaction(ledger, id));
        file = std::move(proof);
    } else if (rest.starts_with(subjects)) {
        TRY(at, at_parameter(request_));
        TRY(who, reader());
        TRY(proof, config_.reads->prove_subject(ledger, rest.substr(subjects.size()), at, who));
        file = std::move(proof);
    } else {
        return RequestError::not_found;
    }
    respond_({200, "application/cbor", std::string(text_of(file)), {}});
    return success();
}

void Call::status(bool healthz) {
    config_.ask(node::GetStatus{}, [respond = respond_, healthz,
                                    peers = config_.peers()](node::Response response) {
        const auto& status = std::get<node::Status>(response);
        if (!healthz) {
            respond(json_response(200, status_json(status, peers)));
            return;
        }
        respond(json_response(status.signing ? 200 : 503,
                              bj::object{{"ok", status.signing}, {"note", status.note}}));
    });
}

void Call::metrics() {
    auto peers = config_.peers();
    config_.ask(node::GetStatus{}, [respond = respond_, peers](node::Response response) {
        respond({200,
                 "text/plain; version=0.0.4",
                 metrics_text(std::get<node::Status>(response), peers),
                 {}});
    });
}

}  // namespace

Api::Api(Config config)
    : config_(std::move(config)), network_(model::network_id_of(config_.charter->body)) {}

void Api::handle(const HttpRequest& request, const HttpRespond& respond) const {
    Call(config_, network_, request, respond).run();
}

}  // namespace tally::api
