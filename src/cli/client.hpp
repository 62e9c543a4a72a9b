// Client: a command's side of one participant's HTTP interface.
#pragma once

#include <boost/json/object.hpp>

#include "model/charter.hpp"
#include "model/envelope.hpp"
#include "ports/http_server.hpp"

namespace tally::cli {

enum class ClientError { bad_url, refused, bad_answer };
ErrorText describe(ClientError error);

/// http://host:port, nothing behind it.
struct Url {
    std::string host;
    uint16_t port = 0;
};
[[nodiscard]] Result<Url> parse_url(std::string_view text);
/// As a URL's path wants it: everything but letters, digits and -._~ as %XX; slashes too.
[[nodiscard]] std::string percent_encoded(std::string_view text);

class Client {
public:
    explicit Client(const Url& url);
    /// The answer's JSON and status; an error body becomes an Error with the server's code and
    /// words.
    struct Answer {
        int status = 0;
        boost::json::object body;
    };
    [[nodiscard]] Result<Answer> get(const std::string& path);
    [[nodiscard]] Result<Answer> post(const std::string& path, std::string_view content_type,
                                      std::string body);
    [[nodiscard]] Result<Bytes> get_bytes(const std::string& path);
    /// The HTTP status with which the server refused the last call in words of its own; 0 if it did
    /// not. Only a 4xx says that what was asked for did not, and will not, happen.
    [[nodiscard]] int refused_with() const { return refused_with_; }
    /// How long the server asked us to wait when it refused the last call; 0 if it did not.
    [[nodiscard]] uint64_t retry_after_ms() const { return retry_after_ms_; }
    /// Whoever is told to wait waits, and asks again, as long as the call's time allows.
    void set_waits(bool waits) { waits_ = waits; }
    void set_token(std::string token) { token_ = std::move(token); }
    void set_timeout_ms(int timeout_ms) { timeout_ms_ = timeout_ms; }

private:
    Result<ports::HttpResponse> call(const std::string& method, const std::string& path,
                                     std::string_view content_type, std::string body);
    Result<ports::HttpResponse> call_patiently(const ports::HttpRequest& request);
    Result<Answer> read(const std::string& path, const ports::HttpResponse& response);
    Error refusal(const std::string& path, const ports::HttpResponse& response);
    std::unique_ptr<ports::HttpClient> http_;
    std::string token_;
    int timeout_ms_ = 130'000;
    bool waits_ = false;
    uint64_t retry_after_ms_ = 0;
    int refused_with_ = 0;
};

/// A member's text; empty if there is none.
[[nodiscard]] std::string_view text_in(const boost::json::object& object, std::string_view name);
/// A member's whole number; 0 if there is none.
[[nodiscard]] uint64_t number_in(const boost::json::object& object, std::string_view name);
[[nodiscard]] bool flag_in(const boost::json::object& object, std::string_view name);
/// The objects of a list, in its order.
[[nodiscard]] std::vector<const boost::json::object*> objects_in(const boost::json::object& object,
                                                                 std::string_view name);

/// A payload with a fresh nonce that expires in five minutes.
[[nodiscard]] model::Payload fresh_payload(const Hash& network, const std::string& ledger,
                                           std::string changes);
constexpr uint64_t fuel_default = 100'000;
constexpr uint64_t expire_in_ms_default = 300'000;

}  // namespace tally::cli
