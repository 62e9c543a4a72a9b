#include "cli/client.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "cli/key_file.hpp"
#include "io/http_client.hpp"
#include "io/http_target.hpp"
#include "model/json.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr uint64_t wait_ms_max = 3'600'000;

/// Codes come from the server; an Error keeps views of static text, so they are kept for ever: some
/// of them.
std::string_view kept(std::string_view text) {
    static std::mutex mutex;
    static std::set<std::string, std::less<>> texts;
    const std::lock_guard lock(mutex);
    constexpr size_t texts_max = 1'000;
    const auto found = texts.find(text);
    if (found == texts.end() && texts.size() >= texts_max) return "refused";
    return found != texts.end() ? *found : *texts.insert(std::string(text)).first;
}

/// In the body to the millisecond, if it is our server's; in the header in seconds. At least 1.
uint64_t wait_asked_for(const ports::HttpResponse& response) {
    const auto json = model::parse_json(view_of(response.body));
    if (json.ok() && json->is_object()) {
        const auto* error = json->get_object().if_contains("error");
        const uint64_t ms = error != nullptr && error->is_object()
                                ? number_in(error->get_object(), "retry_after_ms")
                                : 0;
        if (ms > 0) return std::min(ms, wait_ms_max);
    }
    uint64_t seconds = 0;
    const auto header = response.headers.find("retry-after");
    if (header != response.headers.end())
        std::from_chars(header->second.data(), header->second.data() + header->second.size(),
                        seconds);
    return std::clamp<uint64_t>(seconds, 1, wait_ms_max / 1000) * 1000;
}

std::optional<Error> error_in(const bj::object& body) {
    const auto* error = body.if_contains("error");
    if (error == nullptr || !error->is_object()) return {};
    const auto& object = error->get_object();
    if (text_in(object, "code").empty()) return {};  // Of something between us and the server.
    return Error{kept(text_in(object, "code")),
                 kept(text_in(object, "message")),
                 kept(text_in(object, "next")),
                 {}};
}

}  // namespace

std::string_view text_in(const bj::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                  : std::string_view{};
}

uint64_t number_in(const bj::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? uint64_t(value->get_int64()) : 0;
}

bool flag_in(const bj::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::vector<const bj::object*> objects_in(const bj::object& object, std::string_view name) {
    std::vector<const bj::object*> objects;
    const auto* list = object.if_contains(name);
    if (list == nullptr || !list->is_array()) return objects;
    for (const auto& one : list->get_array()) {
        if (one.is_object()) objects.push_back(&one.get_object());
    }
    return objects;
}

ErrorText describe(ClientError error) {
    switch (error) {
    case ClientError::bad_url:
        return {"bad_url", "this is not a participant's address", "Write it as http://host:port"};
    case ClientError::refused:
        return {"refused", "the participant refused the request", "Ask another participant"};
    case ClientError::bad_answer:
        return {"bad_answer", "the participant's answer makes no sense",
                "Is this a tally participant?"};
    }
    std::abort();
}

Result<Url> parse_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (!text.starts_with(scheme)) return fail(ClientError::bad_url, std::string(text));
    std::string_view rest = text.substr(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const size_t colon = rest.rfind(':');
    if (colon == rest.npos || colon == 0) return fail(ClientError::bad_url, std::string(text));
    Url url{std::string(rest.substr(0, colon)), 0};
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0)
        return fail(ClientError::bad_url, std::string(text));
    return url;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
            continue;
        }
        encoded += '%';
        encoded += digits[uint8_t(c) >> 4];
        encoded += digits[uint8_t(c) & 15];
    }
    return encoded;
}

Client::Client(const Url& url) : http_(io::connect_http(url.host, url.port)) {}

Result<ports::HttpResponse> Client::call(const std::string& method, const std::string& path,
                                         std::string_view content_type, std::string body) {
    ports::HttpRequest request;
    TRY(target, io::parse_target(path));
    request.method = method;
    request.path = std::move(target.path);
    request.query = std::move(target.query);
    if (!content_type.empty()) request.headers["content-type"] = content_type;
    if (!token_.empty()) request.headers["authorization"] = "Bearer " + token_;
    request.body = std::move(body);
    refused_with_ = 0;
    return call_patiently(request);
}

Result<ports::HttpResponse> Client::call_patiently(const ports::HttpRequest& request) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms_);
    int left_ms = timeout_ms_;
    while (true) {
        TRY(response, http_->call(request, left_ms));
        retry_after_ms_ = response.status == 429 ? wait_asked_for(response) : 0;
        if (retry_after_ms_ == 0 || !waits_) return response;
        const auto again =
            std::chrono::steady_clock::now() + std::chrono::milliseconds(retry_after_ms_);
        if (again >= deadline) return response;
        std::this_thread::sleep_until(again);
        left_ms =
            int(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - again).count());
        left_ms = std::max(left_ms, 1);
    }
}

/// An answer is an object, with a status that says that it is one: anything else is not ours.
Result<Client::Answer> Client::read(const std::string& path, const ports::HttpResponse& response) {
    auto json = model::parse_json(view_of(response.body));
    const bool answers = json.ok() && json->is_object() && !error_in(json->get_object()) &&
                         (response.status < 300 || response.status == 409);
    if (!answers) return refusal(path, response);
    return Answer{response.status, std::move(json->get_object())};
}

Error Client::refusal(const std::string& path, const ports::HttpResponse& response) {
    const auto json = model::parse_json(view_of(response.body));
    if (json.ok() && json->is_object() && response.status >= 400) {
        if (auto error = error_in(json->get_object())) {
            refused_with_ = response.status;
            return *std::move(error);
        }
    }
    return fail(ClientError::bad_answer, path + " (HTTP " + std::to_string(response.status) + ")");
}

Result<Client::Answer> Client::get(const std::string& path) {
    TRY(response, call("GET", path, {}, {}));
    return read(path, response);
}

Result<Client::Answer> Client::post(const std::string& path, std::string_view content_type,
                                    std::string body) {
    TRY(response, call("POST", path, content_type, std::move(body)));
    return read(path, response);
}

Result<Bytes> Client::get_bytes(const std::string& path) {
    TRY(response, call("GET", path, {}, {}));
    if (response.status != 200) return refusal(path, response);
    return copy_of(view_of(response.body));
}

model::Payload fresh_payload(const Hash& network, const std::string& ledger, std::string changes) {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    const auto nonce = random_secret();
    return {network,
            ledger,
            to_hex(ByteView(nonce).first(16)),
            uint64_t(now) + expire_in_ms_default,
            fuel_default,
            std::move(changes)};
}

}  // namespace tally::cli
