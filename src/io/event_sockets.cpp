#include "io/event_sockets.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>
#include <memory>

#include "ports/net.hpp"

namespace tally::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ports::NetError;

constexpr size_t host_bytes_max = 255;

/// One attempt; the handlers hold it until it is over.
class Attempt : public std::enable_shared_from_this<Attempt> {
public:
    Attempt(asio::io_context& context, Connected done)
        : resolver_(context), socket_(context), deadline_(context), done_(std::move(done)) {}

    void start(const HostPort& to, int timeout_ms) {
        deadline_.expires_after(std::chrono::milliseconds(timeout_ms));
        deadline_.async_wait([self = shared_from_this()](error_code error) {
            if (error) return;
            self->resolver_.cancel();
            self->finish("no answer in time");
        });
        error_code not_numeric;
        const auto address = asio::ip::make_address(to.host, not_numeric);
        if (!not_numeric) {
            socket_.async_connect({address, to.port},
                                  [self = shared_from_this()](error_code error) {
                                      self->finish(error ? error.message() : "");
                                  });
            return;
        }
        resolver_.async_resolve(
            to.host, std::to_string(to.port),
            [self = shared_from_this()](error_code error, tcp::resolver::results_type found) {
                self->on_resolved(error, found);
            });
    }

private:
    void on_resolved(error_code error, const tcp::resolver::results_type& found) {
        if (!done_) return;
        if (error) return finish(error.message());
        asio::async_connect(socket_, found,
                            [self = shared_from_this()](error_code failed, const tcp::endpoint&) {
                                self->finish(failed ? failed.message() : "");
                            });
    }

    void finish(const std::string& why_not) {
        if (!done_) return;  // The deadline passed first.
        deadline_.cancel();
        error_code ignored;
        if (why_not.empty())
            socket_.set_option(tcp::no_delay(true), ignored);
        else
            socket_.close(ignored);
        std::exchange(done_, nullptr)(std::move(socket_), why_not);
    }

    tcp::resolver resolver_;
    tcp::socket socket_;
    asio::steady_timer deadline_;
    Connected done_;
};

}  // namespace

std::string HostPort::text() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort> parse_host_port(std::string_view text) {
    const auto bad = [&] { return fail(NetError::bad_address, "\"" + std::string(text) + "\""); };
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon > host_bytes_max) return bad();
    std::string_view host = text.substr(0, colon);
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    if (!is_bracketed && host.find(':') != std::string_view::npos) return bad();
    HostPort parsed{std::string(host), 0};
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        return bad();
    return parsed;
}

Result<tcp::acceptor> listen_on(asio::io_context& context, const HostPort& at) {
    const auto failed = [&](const error_code& error) {
        if (error == asio::error::address_in_use) return fail(NetError::address_in_use, at.text());
        return fail(NetError::bad_address, at.text() + ": " + error.message());
    };
    error_code error;
    const auto found = tcp::resolver(context).resolve(at.host, std::to_string(at.port),
                                                      tcp::resolver::passive, error);
    if (error || found.empty()) return failed(error);
    const tcp::endpoint endpoint = found.begin()->endpoint();
    tcp::acceptor acceptor(context);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failed(error);
    return acceptor;
}

std::string address_text(const tcp::endpoint& endpoint) {
    return HostPort{endpoint.address().to_string(), endpoint.port()}.text();
}

std::string remote_text(const tcp::socket& socket) {
    error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    return error ? "unknown" : address_text(endpoint);
}

void connect_to(asio::io_context& context, const HostPort& to, int timeout_ms, Connected done) {
    std::make_shared<Attempt>(context, std::move(done))->start(to, timeout_ms);
}

}  // namespace tally::io
