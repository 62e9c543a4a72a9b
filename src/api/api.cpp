#include "api/api.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "api/answers.hpp"
#include "api/batch_route.hpp"
#include "api/metrics.hpp"
#include "api/openapi.hpp"
#include "api/page.hpp"
#include "api/request.hpp"
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
constexpr size_t address_bytes_max = 64;

Result<Hash> transaction_id(std::string_view text) {
    const auto id = hash_from_hex(text);
    if (!id.ok())
        return fail(RequestError::bad_transaction_id, "not \"" + std::string(text) + "\"");
    return *id;
}

Result<std::optional<Height>> at_parameter(const HttpRequest& request) {
    TRY(number, number_parameter(request, "at", heights));
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
    TRY(timeout, number_parameter(request, "timeout_ms", {0, timeout_ms_max}));
    wait.timeout_us = timeout.value_or(timeout_ms_default) * 1000;
    return wait;
}

uint64_t number_of(const bj::value& block) {
    return block.at("height").to_number<uint64_t>();
}

/// That a block is here from its first transaction on: not if the ledger's state was loaded from
/// peers after it. In the words in which the states of such blocks are refused.
Result<void> check_held(Height height, Height history) {
    if (height > history || history.value == 0) return success();
    const std::string number = std::to_string(height.value);
    if (height == history)
        return fail(node::ReadError::unknown_block,
                    "of block " + number + " only the header is here: its state was loaded");
    return fail(node::ReadError::unknown_block,
                number + " is older than what is here: its history begins at block " +
                    std::to_string(history.value));
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
    Call(const Config& config, const node::BatchReads& batches, const Hash& network,
         const HttpRequest& request, const HttpRespond& respond)
        : config_(config),
          batches_(batches),
          network_(network),
          request_(request),
          respond_(respond) {}

    void run() {
        auto done = route();
        if (done.ok()) return;
        auto response = error_response(done.error());
        if (response.status == 405) response.headers["Allow"] = allowed_;
        respond_(std::move(response));
    }

private:
    Result<void> route();
    Result<void> route_ledger(std::string_view rest);
    Result<void> propose_epoch();
    /// Empty as long as it does not take part.
    [[nodiscard]] std::string own_name() const {
        const auto& entries = config_.charter->now().participants;
        return config_.self.value < entries.size() ? std::string(entries[config_.self.value].name)
                                                   : std::string();
    }
    Result<void> submit(std::string_view ledger);
    Result<void> transaction(std::string_view ledger, std::string_view id);
    Result<void> blocks(std::string_view ledger, std::string_view rest);
    void answer_by_history(std::string_view ledger, Height from, bj::object page);
    Result<void> query(std::string_view ledger);
    Result<void> proof(std::string_view ledger, std::string_view rest);
    Result<void> batch(std::string_view rest);
    bool address_may_submit() const;
    bool signer_may_submit(std::string_view ledger, const model::Transaction& transaction,
                           size_t bytes) const;
    void status(bool healthz);
    void metrics();

    /// The reader's did:key, or empty without a token.
    Result<std::string> reader() const;
    /// HEAD is GET whose body the server leaves out.
    Result<void> want_get() { return want(request_.method == "GET" || is_head(), "GET, HEAD"); }
    Result<void> want_post() { return want(request_.method == "POST", "POST"); }
    bool is_head() const { return request_.method == "HEAD"; }
    Result<void> want(bool is_so, const char* allowed) {
        allowed_ = allowed;
        if (is_so) return success();
        return fail(RequestError::method_not_allowed, request_.method + "; it answers " + allowed);
    }
    Result<void> answer(Result<bj::object> result) {
        TRY(object, std::move(result));
        respond_(json_response(200, std::move(object)));
        return success();
    }

    const Config& config_;
    const node::BatchReads& batches_;
    const Hash& network_;
    const HttpRequest& request_;
    const HttpRespond& respond_;
    const char* allowed_ = "";
};

Result<std::string> Call::reader() const {
    const auto found = request_.headers.find("authorization");
    if (found == request_.headers.end()) return std::string{};
    constexpr std::string_view bearer = "bearer ";
    std::string_view given = found->second;
    const auto same = [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    };
    if (given.size() < bearer.size() ||
        !std::equal(bearer.begin(), bearer.end(), given.begin(),
                    [&](char want, char is) { return same(is, want); }))
        return fail(model::TokenError::not_a_token, "the scheme is Bearer");
    given.remove_prefix(std::min(given.size(), given.find_first_not_of(' ', bearer.size())));
    auto who = model::check_token(given, network_, own_name(), config_.now_seconds());
    // Whatever is wrong with its parts: it is no token.
    if (!who.ok() && error_response(who.error()).status == 400)
        return fail(model::TokenError::not_a_token, who.error().message());
    return who;
}

Result<void> Call::route() {
    const std::string_view path = request_.path;
    constexpr std::string_view ledgers = "/v1/ledgers/";
    if (path.starts_with(ledgers)) return route_ledger(path.substr(ledgers.size()));
    if (path == "/v1/epoch") return propose_epoch();
    constexpr std::string_view batches = "/v1/batches/";
    if (path.starts_with(batches)) return batch(path.substr(batches.size()));
    constexpr std::string_view served[] = {"/",          "/v1/status",       "/healthz",
                                           "/metrics",   "/v1/openapi.json", "/v1/charter",
                                           "/v1/sealing"};
    if (std::find(std::begin(served), std::end(served), path) == std::end(served))
        return fail(RequestError::not_found, request_.path);
    CHECK(want_get());
    if (path != "/") CHECK(only_parameters(request_, {}));
    if (path == "/") {
        respond_(page_response());
    } else if (path == "/v1/status") {
        status(false);
    } else if (path == "/healthz") {
        status(true);
    } else if (path == "/metrics") {
        metrics();
    } else if (path == "/v1/sealing") {
        respond_(json_response(200, sealing_json(*config_.charter)));
    } else if (path == "/v1/openapi.json") {
        respond_({200, "application/json", std::string(openapi_document()), {}});
    } else {
        respond_(
            {200, "application/cbor", std::string(text_of(cbor::encode(*config_.charter))), {}});
    }
    return success();
}

/// Whoever brings a proposal with enough votes is the voters' messenger.
Result<void> Call::propose_epoch() {
    CHECK(want_post());
    CHECK(only_parameters(request_, {}));
    if (!address_may_submit()) return success();
    auto voted = cbor::decode<model::VotedProposal>(view_of(request_.body));
    if (!voted.ok())
        return fail(RequestError::bad_parameter, "the body is no proposal of an epoch");
    const std::string proposal = voted->proposal.hash().hex();
    config_.ask(node::ProposeEpoch{std::move(*voted)},
                [respond = respond_, proposal](node::Response response) {
                    const auto& status = std::get<Result<node::Status>>(response);
                    respond(status.ok() ? json_response(202, bj::object{{"proposal", proposal}})
                                        : error_response(status.error()));
                });
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
    if (rest == "transactions") return submit(name);
    if (rest == "query") return query(name);
    if (rest.starts_with(transactions)) return transaction(name, rest.substr(transactions.size()));
    if (rest == "blocks" || rest.starts_with("blocks/")) return blocks(name, rest.substr(6));
    if (rest.starts_with(proofs)) return proof(name, rest.substr(proofs.size()));
    if (!rest.starts_with(subjects)) return fail(RequestError::not_found, request_.path);
    CHECK(want_get());
    CHECK(only_parameters(request_, {"at"}));
    TRY(at, at_parameter(request_));
    TRY(who, reader());
    return answer(config_.reads->subject(name, rest.substr(subjects.size()), at, who));
}

Result<void> Call::submit(std::string_view ledger) {
    CHECK(want_post());
    CHECK(only_parameters(request_, {"wait", "timeout_ms"}));
    TRY(wait, wait_parameters(request_, node::Level::certified));
    if (!address_may_submit()) return success();
    std::string_view body = request_.body;
    while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
    const auto& charter = *config_.charter;
    const auto sealing = model::sealing_keys_of(charter.epoch(), charter.now());
    auto checked = std::make_shared<const model::CheckedEnvelope>(
        model::check_envelope(view_of(body), network_, ledger, &sealing));
    if (!checked->valid()) return checked->why();
    if (!signer_may_submit(ledger, *checked->transaction, body.size())) return success();
    node::Submit request{*config_.charter->ledger(ledger), copy_of(view_of(body)),
                         std::move(checked), wait.level, wait.timeout_us};
    config_.ask(std::move(request), [respond = respond_, wait](node::Response response) {
        const auto& status = std::get<Result<node::TransactionStatus>>(response);
        respond(status.ok() ? transaction_response(*status, wait.level)
                            : error_response(status.error()));
    });
    return success();
}

/// False: it was told to wait.
bool Call::address_may_submit() const {
    if (config_.quotas == nullptr) return true;
    const auto refusal =
        config_.quotas->take_address(Api::client_of(request_), config_.monotonic_us());
    if (!refusal) return true;
    respond_(too_fast_response(
        "this address submits more than " +
            std::to_string(config_.quotas->rates().address_transactions_per_s_max) +
            " transactions a second",
        refusal->wait_us));
    return false;
}

/// False: it was told to wait.
bool Call::signer_may_submit(std::string_view ledger, const model::Transaction& transaction,
                             size_t bytes) const {
    if (config_.quotas == nullptr) return true;
    const auto& rates = config_.quotas->rates();
    const auto refusal =
        config_.quotas->take_signer(transaction.signer_did, bytes, config_.monotonic_us(), [&] {
            const auto known = config_.reads->knows(ledger, transaction.signer_did);
            return known.ok() && *known;
        });
    if (!refusal) return true;
    const std::string message =
        refusal->of == Quotas::Of::strangers
            ? "signers whom the ledger does not know submit more than " +
                  std::to_string(rates.strangers_transactions_per_s_max) +
                  " transactions a second together"
            : "this signer submits more than " +
                  std::to_string(rates.signer_transactions_per_s_max) + " transactions or " +
                  std::to_string(rates.signer_bytes_per_s_max) + " bytes a second";
    respond_(too_fast_response(message, refusal->wait_us));
    return false;
}

Result<void> Call::transaction(std::string_view ledger, std::string_view id) {
    CHECK(want_get());
    CHECK(only_parameters(request_, {"wait", "timeout_ms"}));
    TRY(hash, transaction_id(id));
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
    CHECK(want_get());
    if (rest.empty()) {
        CHECK(only_parameters(request_, {"from", "count"}));
        TRY(from, number_parameter(request_, "from", heights));
        TRY(count, number_parameter(request_, "count", {1, blocks_per_page_max}));
        TRY(list, config_.reads->blocks(ledger, {from.value_or(0)}, uint32_t(count.value_or(100))));
        const bool is_gap = from && (list.empty() || number_of(list.front()) != *from);
        bj::object page{{"ledger", ledger}, {"blocks", std::move(list)}};
        if (!is_gap) return answer(std::move(page));
        const auto latest = config_.reads->block(ledger, {});
        if (latest.ok() && *from > number_of(*latest)) return answer(std::move(page));
        answer_by_history(ledger, {*from}, std::move(page));
        return success();
    }
    CHECK(only_parameters(request_, {}));
    rest.remove_prefix(1);
    if (rest == "latest") return answer(config_.reads->block(ledger, {}));
    uint64_t height = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), height);
    if (error != std::errc{} || end != rest.data() + rest.size())
        return fail(RequestError::bad_parameter, "a block's height is a number, or latest");
    return answer(config_.reads->block(ledger, Height{height}));
}

/// The block that was asked for first is not there: it is not made yet, or no more is known of it
/// here, which is an error.
void Call::answer_by_history(std::string_view ledger, Height from, bj::object page) {
    config_.ask(node::GetStatus{}, [respond = respond_, name = std::string(ledger), from,
                                    page = std::move(page)](const node::Response& response) {
        const auto& told = std::get<Result<node::Status>>(response);
        if (!told.ok()) return respond(error_response(told.error()));
        for (const auto& one : told->ledgers) {
            if (one.name != name) continue;
            const auto held = check_held(from, one.history);
            if (!held.ok()) return respond(error_response(held.error()));
        }
        respond(json_response(200, page));
    });
}

Result<void> Call::query(std::string_view ledger) {
    CHECK(want_post());
    CHECK(only_parameters(request_, {"at"}));
    TRY(at, at_parameter(request_));
    TRY(who, reader());
    TRY(json, model::parse_json(view_of(request_.body)));
    return answer(config_.reads->query(ledger, json, at, who));
}

Result<void> Call::proof(std::string_view ledger, std::string_view rest) {
    constexpr std::string_view transactions = "transactions/";
    constexpr std::string_view subjects = "subjects/";
    Bytes file;
    const bool of_transaction = rest.starts_with(transactions);
    if (!of_transaction && !rest.starts_with(subjects))
        return fail(RequestError::not_found, request_.path);
    CHECK(want_get());
    if (of_transaction) {
        CHECK(only_parameters(request_, {}));
        TRY(id, transaction_id(rest.substr(transactions.size())));
        TRY(proof, config_.reads->prove_transaction(ledger, id));
        file = std::move(proof);
    } else {
        CHECK(only_parameters(request_, {"at"}));
        TRY(at, at_parameter(request_));
        TRY(who, reader());
        TRY(proof, config_.reads->prove_subject(ledger, rest.substr(subjects.size()), at, who));
        file = std::move(proof);
    }
    respond_({200, "application/cbor", std::string(text_of(file)), {}});
    return success();
}

Result<void> Call::batch(std::string_view rest) {
    CHECK(want_get());
    TRY(who, reader());
    TRY(file, read_batch(batches_, *config_.charter, rest, request_, who));
    respond_({200, "application/cbor", std::string(text_of(file)), {}});
    return success();
}

void Call::status(bool healthz) {
    config_.ask(node::GetStatus{}, [respond = respond_, healthz,
                                    peers = config_.peers()](node::Response response) {
        const auto& told = std::get<Result<node::Status>>(response);
        if (!told.ok()) return respond(error_response(told.error()));
        const node::Status& status = *told;
        if (!healthz) {
            respond(json_response(200, status_json(status, peers)));
            return;
        }
        std::string note = status.note;
        for (const auto& ledger : status.ledgers) {
            if (!ledger.quarantine.quarantined) continue;
            note += (note.empty() ? "" : "; ") + ledger.name +
                    " is quarantined: it was altered on this disk, and heals from the others";
        }
        const bool ok = status.signing && status.ordering() && note == status.note;
        respond(json_response(ok ? 200 : 503, bj::object{{"ok", ok}, {"note", note}}));
    });
}

void Call::metrics() {
    const auto process = config_.process ? config_.process() : ProcessUse{};
    const auto http = config_.http ? config_.http() : ports::HttpServerState{};
    QuotaUse quotas;
    if (config_.quotas != nullptr)
        quotas = {config_.quotas->refused(Quotas::Of::address),
                  config_.quotas->refused(Quotas::Of::signer),
                  config_.quotas->refused(Quotas::Of::strangers)};
    config_.ask(node::GetStatus{}, [respond = respond_, peers = config_.peers(), process, http,
                                    quotas, version = config_.version](node::Response response) {
        const auto& told = std::get<Result<node::Status>>(response);
        if (!told.ok()) return respond(error_response(told.error()));
        const node::Status& status = *told;
        respond({200,
                 "text/plain; version=0.0.4",
                 metrics_text({status, peers, http, process, quotas, version}),
                 {}});
    });
}

}  // namespace

Api::Api(Config config)
    : config_(std::move(config)),
      network_(model::network_id_of(config_.charter->body)),
      batches_(config_.charter, config_.self, config_.reads) {}

void Api::handle(const HttpRequest& request, const HttpRespond& respond) const {
    Call(config_, batches_, network_, request, respond).run();
}

bool Api::takes_long(const HttpRequest& request) {
    const std::string_view path = request.path;
    return (path.starts_with("/v1/ledgers/") || path.starts_with("/v1/batches/")) &&
           !(request.method == "POST" && path.ends_with("/transactions"));
}

std::string Api::client_of(const HttpRequest& request) {
    const auto forwarded = request.headers.find("x-forwarded-for");
    if (forwarded == request.headers.end())
        return request.client.substr(0, request.client.rfind(':'));
    std::string_view last = forwarded->second;
    last.remove_prefix(last.rfind(',') + 1);  // None: npos + 1 is 0.
    while (last.starts_with(' ')) last.remove_prefix(1);
    return std::string(last.substr(0, address_bytes_max));
}

void Api::refuse(const HttpRespond& respond) {
    respond(error_response(429, "too_many_reads", "too many reads are waiting here",
                           "Try again in a second, or at another participant"));
}

void Api::refuse_large(const HttpRespond& respond) {
    respond(error_response(413, "query_too_large",
                           "a query is above " + std::to_string(query_bytes_max) + " bytes",
                           "Ask for less at once"));
}

}  // namespace tally::api
