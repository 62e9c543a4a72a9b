// The only unit that instantiates Beast's server side: it is slow to compile.
#include "io/http_server.hpp"

#include <atomic>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <list>

#include "io/event_loop_asio.hpp"
#include "io/event_sockets.hpp"
#include "io/http_target.hpp"

namespace tally::io {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;
using ports::HttpHandler;
using ports::HttpRequest;
using ports::HttpResponse;

constexpr size_t busy_replies_max = 64;  // Connections beyond the limit that still get an answer.
constexpr size_t kept_buffer_bytes_max = 4 * 1024;
constexpr size_t drain_bytes_max = size_t{16} * 1024 * 1024;
constexpr int accept_retry_ms = 100;

/// `message` and `next` are our own texts: nothing in them needs escaping.
HttpResponse error_response(int status, std::string_view code, std::string_view message,
                            std::string_view next) {
    HttpResponse response;
    response.status = status;
    response.body = R"({"error":{"code":")" + std::string(code) + R"(","message":")" +
                    std::string(message) + R"(","next":")" + std::string(next) + "\"}}\n";
    return response;
}

std::string lower(std::string_view text) {
    std::string lowered(text);
    for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    return lowered;
}

/// No value may end its line and begin a header, or a response, of its own.
std::string one_line(std::string text) {
    for (char& c : text) {
        if (uint8_t(c) < ' ') c = ' ';
    }
    return text;
}

class Session;
using Sessions = std::list<std::shared_ptr<Session>>;
using Clock = std::chrono::steady_clock;

/// What a handler's `respond` holds: the way back to a session that may be gone by then.
class Pending {
public:
    Pending(LoopPoster poster, std::weak_ptr<Session> session)
        : poster_(std::move(poster)), session_(std::move(session)) {}
    ~Pending() {
        respond(error_response(500, "no_answer", "the request was dropped without an answer",
                               "Ask again later"));
    }
    void respond(HttpResponse response);

private:
    LoopPoster poster_;
    std::weak_ptr<Session> session_;
    std::atomic<bool> answered_ = false;
};

/// What all sessions of one server share.
struct Shared {
    HttpHandler handler;
    HttpServerLimits limits;
    LoopPoster poster;
    // They own the sessions; in each, who came first is first.
    Sessions resting;  // No whole request is there yet.
    Sessions busy;     // Waiting for an answer, or reading it.
    // Changed on the loop's thread, read from any.
    std::atomic<uint64_t> connections = 0, refused = 0, dropped = 0, unsent_bytes = 0;
    uint64_t arriving_bytes = 0;  // The loop's thread alone.
};

/// One connection: read a request, hand it over, write the response, and again.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, Shared& shared)
        : client_(remote_text(socket)), stream_(std::move(socket)), shared_(shared) {}

    /// Once, before anything else.
    void join() {
        place_ = shared_.resting.insert(shared_.resting.end(), shared_from_this());
        ++shared_.connections;
    }

    void read() {
        set_busy(false);
        // What a large request or answer has needed is not kept while there is none.
        if (buffer_.size() == 0 && buffer_.capacity() > kept_buffer_bytes_max)
            buffer_.shrink_to_fit();
        parser_.emplace();
        parser_->header_limit(uint32_t(shared_.limits.header_bytes_max));
        parser_->body_limit(shared_.limits.body_bytes_max);
        stream_.expires_after(std::chrono::milliseconds(shared_.limits.idle_ms_max));
        http::async_read_header(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](error_code error, size_t) { self->on_header(error); });
    }

    /// Requires that a request is being answered, or none was read yet.
    void write(HttpResponse response, bool then_close) {
        set_busy(true);
        count_as_arrived();
        const bool is_head = parser_ && parser_->get().method() == http::verb::head;
        reply_ = {};
        reply_.version(11);
        reply_.result(unsigned(response.status));
        reply_.keep_alive(!then_close);
        if (!response.content_type.empty())
            reply_.set(http::field::content_type, one_line(std::move(response.content_type)));
        for (auto& [name, value] : response.headers)
            reply_.set(one_line(name), one_line(std::move(value)));
        reply_.content_length(response.body.size());
        if (!is_head) reply_.body() = std::move(response.body);
        unsent_bytes_ = reply_.body().size();
        shared_.unsent_bytes += unsent_bytes_;
        make_room_for_answers();
        stream_.expires_after(std::chrono::milliseconds(shared_.limits.write_ms_max));
        http::async_write(stream_, reply_,
                          [self = shared_from_this(), then_close](error_code error, size_t) {
                              self->reply_ = {};
                              self->count_as_sent();
                              if (error) return self->close();
                              if (then_close) return self->drain();
                              self->read();
                          });
    }
    void answer(HttpResponse response) {
        if (stream_.socket().is_open()) write(std::move(response), !parser_->keep_alive());
    }

    /// The last call, or the last before others that change nothing. May end this session's life.
    void close() {
        if (closed_) return;
        closed_ = true;
        error_code ignored;
        stream_.socket().close(ignored);
        count_as_sent();
        count_as_arrived();
        --shared_.connections;
        (busy_ ? shared_.busy : shared_.resting).erase(place_);
    }
    /// Since when it rests or is busy.
    [[nodiscard]] Clock::time_point since() const { return since_; }

private:
    void set_busy(bool busy) {
        if (closed_) return;
        since_ = Clock::now();
        auto& from = busy_ ? shared_.busy : shared_.resting;
        auto& to = busy ? shared_.busy : shared_.resting;
        to.splice(to.end(), from, place_);
        busy_ = busy;
    }

    void count_as_arrived() { shared_.arriving_bytes -= std::exchange(arriving_bytes_, 0); }

    /// Closes the connections of those who have been sending longest.
    void make_room_for_body() {
        const auto length = parser_->content_length();
        const uint64_t most = shared_.limits.body_bytes_max;
        arriving_bytes_ = parser_->is_done() ? 0 : length ? std::min(*length, most) : most;
        shared_.arriving_bytes += arriving_bytes_;
        for (auto one = shared_.resting.begin();
             one != shared_.resting.end() &&
             shared_.arriving_bytes > shared_.limits.arriving_bytes_max;) {
            const std::shared_ptr<Session> session = *one++;
            if (session.get() == this || session->arriving_bytes_ == 0) continue;
            ++shared_.dropped;
            session->close();
        }
    }

    void count_as_sent() { shared_.unsent_bytes -= std::exchange(unsent_bytes_, 0); }

    /// Closes the connections of those who have been reading longest.
    void make_room_for_answers() {
        for (auto one = shared_.busy.begin();
             one != shared_.busy.end() && shared_.unsent_bytes > shared_.limits.unsent_bytes_max;) {
            const std::shared_ptr<Session> session = *one++;
            if (session.get() == this || session->unsent_bytes_ == 0) continue;
            ++shared_.dropped;
            session->close();
        }
    }

    void on_header(error_code error) {
        if (closed_) return;  // To make room, while this was under way.
        if (error) return on_failure(error);
        make_room_for_body();
        if (!beast::iequals(parser_->get()[http::field::expect], "100-continue"))
            return read_body();
        go_on_ = {http::status::continue_, 11};
        http::async_write(stream_, go_on_, [self = shared_from_this()](error_code failed, size_t) {
            failed ? self->close() : self->read_body();
        });
    }

    void read_body() {
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](error_code error, size_t) {
                             error ? self->on_failure(error) : self->on_request();
                         });
    }

    void on_request() {
        auto& from = parser_->get();
        const auto target = parse_target({from.target().data(), from.target().size()});
        if (!target.ok())
            return write(
                error_response(400, target.error().code, target.error().cause, target.error().next),
                true);
        HttpRequest request;
        request.method = std::string(from.method_string());
        request.path = target->path;
        request.query = target->query;
        request.client = client_;
        for (const auto& field : from) {
            std::string& value = request.headers[lower(std::string(field.name_string()))];
            if (!value.empty()) value += ", ";
            value += std::string(field.value());
        }
        request.body = std::move(from.body());
        set_busy(true);
        stream_.expires_never();  // The handler may take its time; it bounds its own waits.
        const auto pending = std::make_shared<Pending>(shared_.poster, weak_from_this());
        shared_.handler(std::move(request), [pending](HttpResponse response) {
            pending->respond(std::move(response));
        });
        count_as_arrived();  // Whoever took it bounds what waits there.
    }

    void on_failure(error_code error) {
        if (error == http::error::body_limit)
            return write(
                error_response(413, "body_too_large",
                               "the request body is above " +
                                   std::to_string(shared_.limits.body_bytes_max) + " bytes",
                               "Send less in one request"),
                true);
        if (error == http::error::header_limit || error == http::error::buffer_overflow)
            return write(
                error_response(431, "header_too_large",
                               "the request header is above " +
                                   std::to_string(shared_.limits.header_bytes_max) + " bytes",
                               "Send fewer or shorter header fields"),
                true);
        const bool is_about_http =
            error.category() == http::make_error_code(http::error::bad_version).category();
        const bool is_malformed = is_about_http && error != http::error::end_of_stream &&
                                  error != http::error::partial_message;
        if (is_malformed)
            return write(
                error_response(400, "bad_request", "the request is not valid HTTP/1.1", ""), true);
        close();  // It left, or took too long.
    }

    /// Closing while the client still sends would reset the connection, and it might never read
    /// the response: end our half, and read on for a moment.
    void drain() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(std::chrono::milliseconds(shared_.limits.drain_ms_max));
        drain_more(0);
    }
    void drain_more(size_t drained) {
        waste_.resize(size_t{16} * 1024);
        stream_.async_read_some(asio::buffer(waste_), [self = shared_from_this(), drained](
                                                          error_code error, size_t length) {
            if (error || drained > drain_bytes_max) return self->close();
            self->drain_more(drained + length);
        });
    }

    const std::string client_;
    beast::tcp_stream stream_;
    Shared& shared_;
    beast::flat_buffer buffer_{size_t{64} * 1024};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::empty_body> go_on_;
    http::response<http::string_body> reply_;
    std::string waste_;

    Sessions::iterator place_;  // In shared_.busy or shared_.resting.
    bool busy_ = false, closed_ = false;
    Clock::time_point since_ = Clock::now();
    uint64_t unsent_bytes_ = 0;
    uint64_t arriving_bytes_ = 0;
};

void Pending::respond(HttpResponse response) {
    if (answered_.exchange(true)) return;
    poster_.post([session = session_, response = std::move(response)] {
        if (const auto alive = session.lock()) alive->answer(response);
    });
}

class BeastServer final : public ports::HttpServer {
public:
    BeastServer(HttpHandler handler, HttpServerLimits limits)
        : shared_{std::move(handler), limits, loop_.poster(), {}, {}} {}
    ~BeastServer() override { stop(); }

    Result<void> open(const HostPort& at) {
        TRY(acceptor, listen_on(loop_.impl().context, at));
        error_code ignored;
        port_ = acceptor.local_endpoint(ignored).port();
        acceptor_ = std::make_unique<tcp::acceptor>(std::move(acceptor));
        loop_.poster().post([this] { accept(); });
        return success();
    }

    uint16_t port() const override { return port_; }
    ports::HttpServerState state() const override {
        return {shared_.connections, shared_.refused, shared_.dropped, shared_.unsent_bytes};
    }

    void stop() override {
        loop_.stop();
        acceptor_.reset();
        for (Sessions* sessions : {&shared_.resting, &shared_.busy}) {
            while (!sessions->empty()) std::shared_ptr(sessions->front())->close();
        }
    }

private:
    void accept() {
        acceptor_->async_accept([this](error_code error, tcp::socket socket) {
            if (error) return accept_later();
            on_connection(std::move(socket));
            accept();
        });
    }

    /// Out of file descriptors, most likely: they come back.
    void accept_later() {
        accept_pause_.expires_after(std::chrono::milliseconds(accept_retry_ms));
        accept_pause_.async_wait([this](error_code error) {
            if (!error) accept();
        });
    }

    bool is_full() const { return shared_.connections >= shared_.limits.connections_max; }

    void make_room() {
        std::shared_ptr<Session> leaving;
        if (!shared_.resting.empty()) {
            leaving = shared_.resting.front();
        } else if (!shared_.busy.empty()) {
            const auto safe = std::chrono::milliseconds(shared_.limits.busy_ms_min);
            if (Clock::now() - shared_.busy.front()->since() >= safe)
                leaving = shared_.busy.front();
        }
        if (!leaving) return;
        ++shared_.dropped;
        leaving->close();
    }

    void on_connection(tcp::socket socket) {
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        if (is_full()) make_room();
        const bool full = is_full();
        shared_.refused += full ? 1 : 0;
        if (shared_.connections >= shared_.limits.connections_max + busy_replies_max) return;
        const auto session = std::make_shared<Session>(std::move(socket), shared_);
        session->join();
        if (!full) return session->read();
        session->write(error_response(503, "too_many_connections",
                                      "the server has as many connections as it can serve",
                                      "Try again in a moment, or ask another participant"),
                       true);
    }

    uint16_t port_ = 0;
    EventLoop loop_{"http"};  // Outlives what lives on it, below.
    std::unique_ptr<tcp::acceptor> acceptor_;
    asio::steady_timer accept_pause_{loop_.impl().context};
    Shared shared_;
};

}  // namespace

Result<std::unique_ptr<ports::HttpServer>> serve_http(const std::string& address, uint16_t port,
                                                      HttpHandler handler,
                                                      HttpServerLimits limits) {
    ENSURE(handler);
    auto server = std::make_unique<BeastServer>(std::move(handler), limits);
    CHECK(server->open({address, port}));
    return std::unique_ptr<ports::HttpServer>(std::move(server));
}

}  // namespace tally::io
