// Our server and our client speak HTTP to each other, and the server answers what is wrong in
// words.
#include <gmock/gmock.h>

#include <mutex>
#include <thread>

#include "io/http_client.hpp"
#include "io/http_server.hpp"
#include "io/peer_testing.hpp"

namespace tally::io {
namespace {

using ports::HttpRequest;
using ports::HttpRespond;
using ports::HttpResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::RawSocket;
using ::testing::StartsWith;

/// Says back what it was asked; paths ask for special treatment.
class Echo {
public:
    explicit Echo(HttpServerLimits limits = {}) {
        auto opened = serve_http(
            "127.0.0.1", 0,
            [this](HttpRequest request, HttpRespond respond) { on(std::move(request), respond); },
            limits);
        ENSURE(opened.ok());
        server_ = std::move(opened).value();
    }
    ~Echo() {
        server_->stop();
        if (later_.joinable()) later_.join();
    }
    uint16_t port() const { return server_->port(); }
    std::unique_ptr<ports::HttpClient> client() const { return connect_http("127.0.0.1", port()); }
    void stop() { server_->stop(); }
    ports::HttpServerState state() const { return server_->state(); }
    size_t kept_count() {
        const std::lock_guard lock(mutex_);
        return kept_.size();
    }
    std::vector<HttpRespond> kept() {
        const std::lock_guard lock(mutex_);
        return std::exchange(kept_, {});
    }

private:
    void on(HttpRequest request, const HttpRespond& respond) {
        if (request.path == "/dropped") return;
        if (request.path == "/kept") {
            const std::lock_guard lock(mutex_);
            kept_.push_back(respond);
            return;
        }
        if (request.path == "/large")
            return respond({200, "text/plain", std::string(size_t{16} * 1024 * 1024, 'x')});
        if (request.path == "/later") {
            later_ = std::thread([respond] {
                std::this_thread::sleep_for(std::chrono::milliseconds(30));
                respond({200, "text/plain", "later"});
                respond({200, "text/plain", "twice"});
            });
            return;
        }
        std::string text = request.method + " " + request.path;
        for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
        text += " [" + request.headers["x-colour"] + "] " + request.body;
        HttpResponse response{request.path == "/odd" ? 418 : 200, "text/plain", text};
        response.headers["X-Echo"] = "a\r\nInjected: b";
        respond(response);
    }

    std::mutex mutex_;
    std::vector<HttpRespond> kept_;
    std::thread later_;
    std::unique_ptr<ports::HttpServer> server_;
};

HttpRequest get(const std::string& path) {
    return {"GET", path, {}, {}, "", ""};
}

TEST(Http, a_request_goes_out_and_its_response_comes_back) {
    Echo echo;
    const auto client = echo.client();
    const auto response = client->call(
        {"POST", "/a b/ü", {{"k", "v&w"}}, {{"X-Colour", "blue"}}, "the body", ""}, 5000);
    ASSERT_TRUE(response.ok()) << response.error().message();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /a b/ü k=v&w [blue] the body");
    EXPECT_EQ(response->content_type, "text/plain");
    EXPECT_EQ(response->headers.at("x-echo"), "a  Injected: b");
    EXPECT_FALSE(response->headers.contains("injected"));
    EXPECT_EQ(client->call(get("/odd"), 5000)->status, 418);
}

TEST(Http, one_connection_serves_many_calls) {
    Echo echo;
    const auto client = echo.client();
    for (int i = 0; i < 1000; ++i) {
        const auto response = client->call(get("/" + std::to_string(i)), 5000);
        ASSERT_TRUE(response.ok()) << response.error().message();
        ASSERT_EQ(response->body, "GET /" + std::to_string(i) + " [] ");
    }
}

TEST(Http, a_head_request_gets_the_length_without_the_body) {
    Echo echo;
    const auto client = echo.client();
    const auto response = client->call({"HEAD", "/x", {}, {}, "", ""}, 5000);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->body, "");
    EXPECT_EQ(response->headers.at("content-length"), "11");
    EXPECT_EQ(client->call(get("/y"), 5000)->body, "GET /y [] ");
}

TEST(Http, a_handler_may_answer_later_from_another_thread) {
    Echo echo;
    const auto client = echo.client();
    EXPECT_EQ(client->call(get("/later"), 5000)->body, "later");
    EXPECT_EQ(client->call(get("/now"), 5000)->body, "GET /now [] ") << "the second was dropped";
}

TEST(Http, a_handler_that_never_answers_is_a_500) {
    Echo echo;
    const auto response = echo.client()->call(get("/dropped"), 5000);
    EXPECT_EQ(response->status, 500);
    EXPECT_THAT(response->body, HasSubstr(R"("code":"no_answer")"));
}

TEST(Http, an_answer_after_the_client_or_the_server_left_is_dropped) {
    std::vector<HttpRespond> kept;
    {
        Echo echo;
        EXPECT_TRUE(echo.client()->call(get("/kept"), 50).error().is(HttpError::timed_out));
        EXPECT_EQ(echo.client()->call(get("/x"), 5000)->status, 200);
        for (const auto& respond : echo.kept()) respond({200, "text/plain", "nobody"});
        EXPECT_TRUE(echo.client()->call(get("/kept"), 50).error().is(HttpError::timed_out));
        kept = echo.kept();
    }
    ASSERT_EQ(kept.size(), 1u);
    kept[0]({200, "text/plain", "nobody"});
}

TEST(Http, a_body_up_to_the_limit_is_taken_and_one_above_it_refused) {
    Echo echo;
    const auto client = echo.client();
    HttpRequest request{"POST", "/big", {}, {}, std::string(limits::http_body_bytes_max, 'x'), ""};
    const auto taken = client->call(request, 5000);
    ASSERT_TRUE(taken.ok());
    EXPECT_GT(taken->body.size(), limits::http_body_bytes_max);
    request.body += 'x';
    const auto refused = client->call(request, 5000);
    ASSERT_TRUE(refused.ok()) << refused.error().message();
    EXPECT_EQ(refused->status, 413);
    EXPECT_EQ(refused->body,
              "{\"error\":{\"code\":\"body_too_large\",\"message\":\"the request body is above "
              "1048576 bytes\",\"next\":\"Send less in one request\"}}\n");
    EXPECT_EQ(client->call(get("/after"), 5000)->status, 200);
}

std::string reply_to(const Echo& echo, const std::string& text) {
    const RawSocket socket(echo.port());
    socket.write(text);
    return socket.read_all();
}

TEST(Http, a_chunked_body_above_the_limit_is_refused_too) {
    HttpServerLimits limits;
    limits.body_bytes_max = 100;
    const Echo echo(limits);
    EXPECT_THAT(reply_to(echo,
                         "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "fff\r\n" +
                             std::string(0xfff, 'x') + "\r\n0\r\n\r\n"),
                StartsWith("HTTP/1.1 413 "));
}

TEST(Http, malformed_requests_are_a_400_with_words) {
    const Echo echo;
    for (const std::string text :
         {"garbage\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "\x16\x03\x01\x02\x00 tls hello\r\n"}) {
        EXPECT_THAT(reply_to(echo, text),
                    AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr(R"({"error":{"code":"bad_req)")))
            << text;
    }
    EXPECT_THAT(reply_to(echo, "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 431 "), HasSubstr("header_too_large")));
}

TEST(Http, a_client_that_expects_to_be_told_to_go_on_is_told) {
    const Echo echo;
    EXPECT_THAT(reply_to(echo,
                         "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"),
                AllOf(StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
                      HasSubstr("POST /x [] hi")));
}

TEST(Http, silent_clients_are_closed_in_time) {
    HttpServerLimits limits;
    limits.idle_ms_max = 300;
    const Echo echo(limits);
    const RawSocket silent(echo.port()), slow(echo.port()), stuck(echo.port());
    slow.write("GET / HTT");
    stuck.write("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
    EXPECT_TRUE(silent.is_closed_by_peer());
    EXPECT_TRUE(slow.is_closed_by_peer());
    EXPECT_TRUE(stuck.is_closed_by_peer());
    EXPECT_EQ(echo.client()->call(get("/"), 5000)->status, 200);
}

TEST(Http, whoever_has_rested_longest_makes_room) {
    HttpServerLimits limits;
    limits.connections_max = 2;
    const Echo echo(limits);
    const RawSocket first(echo.port());
    first.write("GET / HTTP/1.1\r\n");  // Half a request is none.
    EXPECT_EQ(echo.client()->call(get("/"), 5000)->status, 200);
    const RawSocket second(echo.port());
    const auto third = echo.client();
    EXPECT_EQ(third->call(get("/"), 5000)->status, 200);
    EXPECT_TRUE(first.is_closed_by_peer());
    const auto fourth = echo.client();
    EXPECT_EQ(fourth->call(get("/"), 5000)->status, 200);
    EXPECT_TRUE(second.is_closed_by_peer());
    EXPECT_EQ(third->call(get("/"), 5000)->status, 200);
    EXPECT_EQ(echo.state().connections_refused, 0u);
    EXPECT_LE(echo.state().connections, 2u);
}

TEST(Http, requests_under_way_are_safe_for_a_while_and_others_told) {
    HttpServerLimits limits;
    limits.connections_max = 2;
    limits.busy_ms_min = 400;
    limits.drain_ms_max = 50;
    Echo echo(limits);
    const RawSocket first(echo.port()), second(echo.port());
    first.write("GET /kept HTTP/1.1\r\n\r\n");
    second.write("GET /kept HTTP/1.1\r\n\r\n");
    while (echo.kept_count() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto refused = echo.client()->call(get("/"), 5000);
    ASSERT_TRUE(refused.ok()) << refused.error().message();
    EXPECT_EQ(refused->status, 503);
    EXPECT_THAT(refused->body, HasSubstr("too_many_connections"));
    EXPECT_EQ(echo.state().connections_refused, 1u);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_EQ(echo.client()->call(get("/"), 5000)->status, 200);
    EXPECT_TRUE(first.is_closed_by_peer());
    EXPECT_EQ(echo.state().connections_dropped, 1u);
    for (const auto& respond : echo.kept()) respond({200, "text/plain", "late"});
}

TEST(Http, answers_that_nobody_reads_take_bounded_memory) {
    HttpServerLimits limits;
    limits.unsent_bytes_max = size_t{40} * 1024 * 1024;
    const Echo echo(limits);
    std::vector<std::unique_ptr<RawSocket>> slow;
    for (int i = 0; i < 8; ++i) {
        slow.push_back(std::make_unique<RawSocket>(echo.port()));
        slow.back()->write("GET /large HTTP/1.1\r\n\r\n");
    }
    const auto client = echo.client();
    while (echo.state().connections_dropped < 6) {
        ASSERT_TRUE(client->call(get("/"), 5000).ok());
        EXPECT_LE(echo.state().unsent_bytes, limits.unsent_bytes_max);
    }
    EXPECT_EQ(echo.state().connections_dropped, 6u);  // Two of 16 MiB fit.
    EXPECT_TRUE(slow.front()->is_closed_by_peer());
    slow.clear();
    while (echo.state().unsent_bytes > 0) ASSERT_TRUE(client->call(get("/"), 5000).ok());
}

TEST(Http, bodies_that_never_end_take_bounded_memory) {
    HttpServerLimits limits;
    limits.arriving_bytes_max = 10 * limits.body_bytes_max;
    const Echo echo(limits);
    const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n";
    const std::string whole =
        "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(limits.body_bytes_max) + "\r\n\r\nx";
    std::vector<std::unique_ptr<RawSocket>> slow;
    for (int i = 0; i < 24; ++i) {
        slow.push_back(std::make_unique<RawSocket>(echo.port()));
        slow.back()->write(i % 2 == 0 ? chunked : whole);
    }
    const auto client = echo.client();
    while (echo.state().connections_dropped < 14) ASSERT_TRUE(client->call(get("/"), 5000).ok());
    // Who sends all of a body is heard, and the one who has been sending longest leaves.
    HttpRequest large = get("/");
    large.method = "POST";
    large.body = std::string(limits.body_bytes_max, 'x');
    EXPECT_EQ(client->call(large, 5000)->status, 200);
    EXPECT_EQ(echo.state().connections_dropped, 15u);
    EXPECT_TRUE(slow.front()->is_closed_by_peer());
    EXPECT_EQ(client->call(large, 5000)->status, 200);
    EXPECT_EQ(echo.state().connections_dropped, 15u) << "the first one's room is free again";
}

TEST(Http, a_stale_connection_is_dialled_anew) {
    HttpServerLimits limits;
    limits.idle_ms_max = 50;
    const Echo echo(limits);
    const auto client = echo.client();
    for (int i = 0; i < 3; ++i) {
        const auto response = client->call(get("/x"), 5000);
        ASSERT_TRUE(response.ok()) << response.error().message();
        std::this_thread::sleep_for(std::chrono::milliseconds(120));
    }
}

TEST(Http, says_that_a_port_is_in_use_or_a_server_away) {
    auto echo = std::make_unique<Echo>();
    const std::string address = "127.0.0.1:" + std::to_string(echo->port());
    const auto taken = serve_http("127.0.0.1", echo->port(), [](HttpRequest, HttpRespond) {});
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().message(), "the address is in use by another process: " + address +
                                           ". Stop the other process, or configure another port");
    const auto client = echo->client();
    EXPECT_EQ(client->call(get("/"), 5000)->status, 200);
    echo.reset();
    EXPECT_EQ(client->call(get("/"), 5000).error().message(),
              "the server cannot be reached: " + address +
                  ": Connection refused. Check that it runs and that the address is right");
}

}  // namespace
}  // namespace tally::io
