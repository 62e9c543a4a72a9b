// The only unit that instantiates Beast's client side: it is slow to compile.
#include "io/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "io/event_sockets.hpp"
#include "io/http_target.hpp"

namespace tally::io {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;
using ports::HttpRequest;
using ports::HttpResponse;
using Clock = std::chrono::steady_clock;

constexpr uint32_t header_bytes_max = 64 * 1024;

http::request<http::string_body> message_of(const HttpRequest& request, const HostPort& server) {
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(request.method);
    message.target(target_text(request.path, request.query));
    message.set(http::field::host, server.text());
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.body() = request.body;
    message.prepare_payload();
    return message;
}

HttpResponse response_of(http::response<http::string_body> message) {
    HttpResponse response;
    response.status = int(message.result_int());
    response.content_type = std::string(message[http::field::content_type]);
    for (const auto& field : message) {
        std::string name(field.name_string());
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
        response.headers[name] = std::string(field.value());
    }
    response.body = std::move(message.body());
    return response;
}

class BeastClient final : public ports::HttpClient {
public:
    explicit BeastClient(HostPort server) : server_(std::move(server)) {}

    Result<HttpResponse> call(const HttpRequest& request, int timeout_ms) override {
        deadline_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
        const bool reused = stream_.has_value();
        auto result = call_once(request);
        // The server may close an idle connection at the moment we use it: that is no failure yet.
        if (!result.ok() && reused && went_stale_) result = call_once(request);
        return result;
    }

private:
    Result<HttpResponse> call_once(const HttpRequest& request) {
        went_stale_ = false;
        if (!stream_) CHECK(connect());
        const auto message = message_of(request, server_);
        http::response_parser<http::string_body> parser;
        parser.header_limit(header_bytes_max);
        parser.body_limit(http_response_bytes_max);
        parser.skip(request.method == "HEAD");
        error_code failure;
        stream_->expires_at(deadline_);
        http::async_write(*stream_, message, [&](error_code error, size_t) {
            // A server that refuses a body early may have answered already: read in any case.
            failure = error;
            http::async_read(*stream_, buffer_, parser, [&](error_code read_error, size_t) {
                if (!read_error || !failure) failure = read_error;
            });
        });
        run();
        if (failure) {
            const bool is_silent = !parser.got_some() && buffer_.size() == 0;
            went_stale_ = is_silent && failure != beast::error::timeout;
            disconnect();
            if (failure == beast::error::timeout) return fail(HttpError::timed_out, server_.text());
            return fail(HttpError::broken, server_.text() + ": " + failure.message());
        }
        const bool keep_alive = parser.keep_alive();
        auto response = response_of(parser.release());
        if (!keep_alive) disconnect();
        return response;
    }

    Result<void> connect() {
        error_code failure;
        const auto found =
            tcp::resolver(context_).resolve(server_.host, std::to_string(server_.port), failure);
        if (failure) return fail(HttpError::unreachable, server_.text() + ": " + failure.message());
        stream_.emplace(context_);
        stream_->expires_at(deadline_);
        stream_->async_connect(found,
                               [&](error_code error, const tcp::endpoint&) { failure = error; });
        run();
        if (!failure) {
            stream_->socket().set_option(tcp::no_delay(true), failure);
            return success();
        }
        disconnect();
        if (failure == beast::error::timeout) return fail(HttpError::timed_out, server_.text());
        return fail(HttpError::unreachable, server_.text() + ": " + failure.message());
    }

    void run() {
        context_.restart();
        context_.run();
    }

    void disconnect() {
        stream_.reset();
        buffer_.clear();
    }

    const HostPort server_;
    asio::io_context context_{1};
    std::optional<beast::tcp_stream> stream_;
    beast::flat_buffer buffer_;
    Clock::time_point deadline_;
    bool went_stale_ = false;
};

}  // namespace

ErrorText describe(HttpError error) {
    switch (error) {
    case HttpError::unreachable:
        return {"http_unreachable", "the server cannot be reached",
                "Check that it runs and that the address is right"};
    case HttpError::timed_out:
        return {"http_timed_out", "the server did not answer in time",
                "Ask again, or ask another participant"};
    case HttpError::broken:
        return {"http_broken", "the connection broke before the answer",
                "Ask again, or ask another participant"};
    }
    std::abort();
}

std::unique_ptr<ports::HttpClient> connect_http(const std::string& host, uint16_t port) {
    return std::make_unique<BeastClient>(HostPort{host, port});
}

}  // namespace tally::io
