#include "cli/load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <deque>
#include <thread>

#include "cli/clock.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
using Clock = std::chrono::steady_clock;

Error connection_error(const std::string& what) {
    return fail(LoadError::connection_failed, what + ": " + std::strerror(errno));
}

/// One connection: nothing, or one request, under way.
struct Connection {
    int file = -1;
    std::string out;  ///< not yet sent
    std::string in;
    uint64_t due_us = 0;
    bool busy = false;
};

/// A whole response at the start of `in`: its status and its end; nothing if it is not all there.
struct Response {
    int status = 0;
    size_t body = 0, end = 0;
};
std::optional<Response> whole_response(const std::string& in) {
    const size_t headers_end = in.find("\r\n\r\n");
    if (headers_end == in.npos || in.size() < 12) return {};
    Response response;
    std::from_chars(in.data() + 9, in.data() + 12, response.status);
    constexpr std::string_view name = "content-length:";
    size_t length = 0;
    for (size_t at = in.find("\r\n"); at < headers_end; at = in.find("\r\n", at + 2)) {
        const char* line = in.data() + at + 2;
        const size_t left = headers_end - at - 2;
        if (left < name.size() || ::strncasecmp(line, name.data(), name.size()) != 0) continue;
        const char* digits = line + name.size();
        while (*digits == ' ') ++digits;
        std::from_chars(digits, in.data() + headers_end, length);
    }
    response.body = headers_end + 4;
    response.end = response.body + length;
    if (in.size() < response.end) return {};
    return response;
}

class Load {
public:
    explicit Load(const LoadPlan& plan) : plan_(plan) {
        head_ = "POST /v1/ledgers/" + plan.ledger +
                "/transactions?wait=certified&timeout_ms=60000 HTTP/1.1\r\nhost: "
                "127.0.0.1\r\ncontent-type: application/jose\r\ncontent-length: ";
    }
    ~Load() {
        for (auto& connection : connections_) {
            if (connection.file >= 0) ::close(connection.file);
        }
        if (poll_ >= 0) ::close(poll_);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    Result<LoadReport> run();

private:
    Result<void> connect_all();
    Result<void> send_next(size_t index, uint64_t due_us);
    Result<void> flush(Connection& connection);
    Result<void> on_readable(size_t index);
    void on_answer(size_t index, int status, std::string_view body);
    void begin_or_end(uint64_t at);
    Result<void> feed(uint64_t at);
    [[nodiscard]] bool over(uint64_t at) const {
        return at >= end_us_ || (ran_out() && free_.size() == connections_.size());
    }
    [[nodiscard]] bool ran_out() const { return next_ >= plan_.envelopes.size(); }

    const LoadPlan& plan_;
    std::string head_;
    int poll_ = -1;
    std::vector<Connection> connections_;
    std::deque<size_t> free_;
    size_t next_ = 0;
    uint64_t start_us_ = 0, window_us_ = 0, end_us_ = 0;
    uint64_t scheduled_ = 0;  ///< at a fixed rate: how many were due so far
    bool measuring_ = false;
    LoadReport report_;
};

Result<void> Load::connect_all() {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    connections_.resize(plan_.connections);
    for (size_t i = 0; i < connections_.size(); ++i) {
        const Url& url = plan_.participants[i % plan_.participants.size()];
        const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (file < 0) return connection_error("socket");
        connections_[i].file = file;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(url.port);
        if (::inet_pton(AF_INET, url.host.c_str(), &address.sin_addr) != 1)
            return connection_error(url.host);
        if (::connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            return connection_error(url.host + ":" + std::to_string(url.port));
        const int yes = 1;
        ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ::fcntl(file, F_SETFL, O_NONBLOCK);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        if (::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event) != 0) return connection_error("epoll");
        free_.push_back(i);
    }
    return success();
}

Result<void> Load::send_next(size_t index, uint64_t due_us) {
    Connection& connection = connections_[index];
    const std::string& envelope = plan_.envelopes[next_++];
    connection.out = head_ + std::to_string(envelope.size()) + "\r\n\r\n" + envelope;
    connection.due_us = due_us;
    connection.busy = true;
    return flush(connection);
}

/// A request fits into an idle connection's buffer: what does not go at once is an error.
Result<void> Load::flush(Connection& connection) {
    const ssize_t sent =
        ::send(connection.file, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent != ssize_t(connection.out.size())) return connection_error("send");
    connection.out.clear();
    return success();
}

Result<void> Load::on_readable(size_t index) {
    Connection& connection = connections_[index];
    char buffer[8192];
    const ssize_t count = ::recv(connection.file, buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return success();
    if (count <= 0) return connection_error("a participant closed a connection");
    connection.in.append(buffer, size_t(count));
    if (const auto response = whole_response(connection.in)) {
        const std::string_view body(connection.in.data() + response->body,
                                    response->end - response->body);
        on_answer(index, response->status, body);
        connection.in.erase(0, response->end);
        connection.busy = false;
        free_.push_back(index);
    }
    return success();
}

void Load::on_answer(size_t index, int status, std::string_view body) {
    if (!measuring_) return;
    if (status == 200) {
        ++report_.applied;
        report_.latencies_us.push_back(uint32_t(steady_now_us() - connections_[index].due_us));
        return;
    }
    ++(status == 409 ? report_.rejected : status == 202 ? report_.unknown : report_.refused);
    if (report_.first_refusal.empty()) report_.first_refusal = body;
}

void Load::begin_or_end(uint64_t at) {
    if (!measuring_ && at >= window_us_ && at < end_us_) {
        measuring_ = true;
        window_us_ = at;
        if (plan_.on_window) plan_.on_window(true);
    }
}

/// Sends what is due over connections that are free.
Result<void> Load::feed(uint64_t at) {
    if (plan_.rate_per_s == 0) {
        while (!free_.empty() && !ran_out()) {
            const size_t index = free_.front();
            free_.pop_front();
            CHECK(send_next(index, at));
        }
        return success();
    }
    while (!free_.empty() && !ran_out()) {
        const uint64_t due = start_us_ + scheduled_ * 1'000'000 / plan_.rate_per_s;
        if (due > at) break;
        ++scheduled_;
        const size_t index = free_.front();
        free_.pop_front();
        CHECK(send_next(index, due));
    }
    return success();
}

Result<LoadReport> Load::run() {
    CHECK(connect_all());
    start_us_ = steady_now_us();
    window_us_ = start_us_ + uint64_t(plan_.warm_up_s * 1e6);
    end_us_ = window_us_ + uint64_t(plan_.measure_s * 1e6);
    epoll_event events[256];
    uint64_t at = start_us_;
    while (!over(at)) {
        begin_or_end(at);
        CHECK(feed(at));
        const int count = ::epoll_wait(poll_, events, 256, plan_.rate_per_s == 0 ? 100 : 1);
        for (int i = 0; i < count; ++i) CHECK(on_readable(events[i].data.u64));
        at = steady_now_us();
    }
    if (measuring_ && plan_.on_window) plan_.on_window(false);
    report_.seconds = measuring_ ? double(at - window_us_) / 1e6 : 0;
    report_.ran_out = at < end_us_;
    std::sort(report_.latencies_us.begin(), report_.latencies_us.end());
    return std::move(report_);
}

}  // namespace

ErrorText describe(LoadError error) {
    switch (error) {
    case LoadError::connection_failed:
        return {"connection_failed", "a connection to a participant failed",
                "Check that the participants run, and try again"};
    }
    std::abort();
}

bj::array bench_genesis(const std::string& did) {
    const auto column = [](const char* name, const char* type) {
        return bj::object{{"_id", std::string("_predicate$") + name},
                          {"name", std::string("reading/") + name},
                          {"type", type}};
    };
    return {bj::object{{"_id", "_collection$r"}, {"name", "reading"}},
            column("sensor", "string"),
            column("value", "int"),
            bj::object{{"_id", "_rule$w"},
                       {"id", "write"},
                       {"collection", "reading"},
                       {"predicates", bj::array{"*"}},
                       {"ops", bj::array{"read", "write"}}},
            bj::object{{"_id", "_role$w"}, {"id", "writer"}, {"rules", bj::array{"_rule$w"}}},
            bj::object{{"_id", "_auth$1"}, {"id", did}, {"roles", bj::array{"_role$w"}}}};
}

std::vector<std::string> signed_envelopes(const Hash& network, const model::SecretKey& key,
                                          size_t count, uint64_t lives_s) {
    std::vector<std::string> envelopes(count);
    const auto expire_ms = uint64_t(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count()) +
                           lives_s * 1'000;
    const auto sign_from = [&](size_t first, size_t step) {
        for (size_t i = first; i < count; i += step) {
            const model::Payload payload{network,
                                         std::string(bench_ledger),
                                         std::to_string(i),
                                         expire_ms,
                                         1'000,
                                         R"([{"_id":"reading$1","sensor":"s)" +
                                             std::to_string(i % 1'000) + R"(","value":)" +
                                             std::to_string(i) + "}]"};
            envelopes[i] = model::sign_envelope(payload, key);
        }
    };
    const size_t threads = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> running;
    for (size_t i = 0; i < threads; ++i) running.emplace_back(sign_from, i, threads);
    for (auto& thread : running) thread.join();
    return envelopes;
}

double LoadReport::latency_ms(double share) const {
    if (latencies_us.empty()) return 0;
    const auto last = double(latencies_us.size() - 1);
    return latencies_us[size_t(share * last)] / 1000.0;
}

Result<LoadReport> run_load(const LoadPlan& plan) {
    return Load(plan).run();
}

}  // namespace tally::cli
