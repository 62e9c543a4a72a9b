#include "io/peer_net.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <random>

#include "io/event_loop_asio.hpp"
#include "io/event_sockets.hpp"
#include "io/peer_connection.hpp"
#include "io/peer_log_valve.hpp"
#include "io/tls_context.hpp"

namespace tally::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using ConnectionPointer = std::shared_ptr<PeerConnection>;

constexpr uint64_t certificate_lifetime_s = 7 * 24 * 60 * 60;
constexpr int accept_retry_ms = 100;

/// One other participant. The loop's thread owns it; what other threads touch is marked.
struct Link {
    Link(asio::io_context& context, const PeerNetSetup& setup, PeerEntry its_entry)
        : entry(std::move(its_entry)),
          queue(std::make_shared<SendQueue>(setup.queue_bytes_max, setup.queue_messages_max)),
          retry(context) {}

    PeerEntry entry;
    const std::shared_ptr<SendQueue> queue;                                           // Any thread.
    const std::shared_ptr<PeerCounters> counters = std::make_shared<PeerCounters>();  // Any thread.
    std::string last_refusal;                      // Under the net's mutex.
    std::optional<Clock::time_point> ready_since;  // Of `dialled`; under the net's mutex.
    bool is_told_in_use = false;                   // At the last attempt; under the net's mutex.
    ConnectionPointer dialled, accepted;
    asio::steady_timer retry;
    int failures = 0;
    bool dialling = false;
    bool removed = false;
};
using LinkPointer = std::shared_ptr<Link>;
using Links = std::map<Participant, LinkPointer>;

class PeerNetOverTls final : public PeerNet, PeerConnection::Owner {
public:
    explicit PeerNetOverTls(PeerNetSetup setup)
        : setup_(std::move(setup)),
          network_(setup_.table.network),
          own_key_(setup_.identity->public_key()),
          table_(std::make_shared<PeerTable>()) {}
    ~PeerNetOverTls() override { stop(); }

    Result<void> open() {
        TRY(at, parse_host_port(setup_.listen));
        TRY(acceptor, listen_on(context(), at));
        error_code ignored;
        port_ = acceptor.local_endpoint(ignored).port();
        acceptor_ = std::make_unique<tcp::acceptor>(std::move(acceptor));
        loop_.poster().post([this] { accept(); });
        set_peers(setup_.table);
        return success();
    }

    uint16_t port() const override { return port_; }

    void send(Participant to, std::shared_ptr<const Bytes> message) override {
        const LinkPointer link = find_link(to);
        if (!link || link->queue->push(std::move(message)) != SendQueue::Pushed::first) return;
        loop_.poster().post([link] {
            if (link->dialled) link->dialled->pump();
        });
    }

    std::vector<ports::PeerState> peers() const override {
        const std::lock_guard lock(mutex_);
        std::vector<ports::PeerState> states;
        for (const auto& [participant, link] : links_) {
            ports::PeerState state{participant,
                                   link->queue->is_open(),
                                   link->entry.address,
                                   link->last_refusal,
                                   link->counters->bytes_sent,
                                   link->counters->bytes_received,
                                   link->queue->messages_dropped()};
            state.says_identity_in_use = link->is_told_in_use && !has_lasted(*link);
            states.push_back(std::move(state));
        }
        return states;
    }

    void set_peers(PeerTable table) override {
        ENSURE(table.network == network_);
        loop_.poster().post([this, table = std::move(table)] { replace_table(table); });
    }

    void resume(Participant from) override {
        const LinkPointer link = find_link(from);
        if (!link) return;
        loop_.poster().post([link] {
            if (link->accepted) link->accepted->resume();
        });
    }

    void stop() override {
        loop_.stop();
        // The thread is gone; sockets close now, not when the last handler is destroyed.
        acceptor_.reset();
        for (const auto& connection : half_open_) connection->drop();
        half_open_.clear();
        for (const auto& [participant, link] : links_) let_go(*link);
    }

private:
    asio::io_context& context() { return loop_.impl().context; }

    LinkPointer find_link(Participant participant) const {
        const std::lock_guard lock(mutex_);
        const auto found = links_.find(participant);
        return found == links_.end() ? nullptr : found->second;
    }

    /// Whose connection this is; null for one that has proved nothing or was replaced.
    LinkPointer link_of(const PeerConnection& connection) const {
        for (const auto& [participant, link] : links_) {
            if (link->dialled.get() == &connection || link->accepted.get() == &connection)
                return link;
        }
        return nullptr;
    }

    /// Under the mutex. A refusal may come just after a connection seemed to be ready.
    bool has_lasted(const Link& link) const {
        return link.ready_since && Clock::now() - *link.ready_since >
                                       std::chrono::milliseconds(setup_.timing.refusal_ms_max);
    }

    void log(const PeerLine& line) {
        if (setup_.on_log && valve_.lets(line.text, Clock::now())) setup_.on_log(line);
    }

    // The table.

    void replace_table(const PeerTable& table) {
        Links next, gone = links_;
        for (const PeerEntry& entry : table.peers) {
            if (entry.identity_key == own_key_) continue;
            const auto same = std::find_if(gone.begin(), gone.end(), [&](const auto& old) {
                return old.second->entry.identity_key == entry.identity_key &&
                       old.second->entry.address == entry.address;
            });
            if (same != gone.end()) {
                next[entry.participant] = same->second;
                gone.erase(same);
            } else {
                next[entry.participant] = std::make_shared<Link>(context(), setup_, entry);
            }
        }
        table_ = std::make_shared<const PeerTable>(table);
        {
            const std::lock_guard lock(mutex_);
            for (const PeerEntry& entry : table.peers) {
                if (const auto link = next.find(entry.participant); link != next.end())
                    link->second->entry = entry;
            }
            links_ = next;
        }
        for (const auto& [participant, link] : gone) remove(*link);
        for (const auto& [participant, link] : next) {
            if (!link->dialled && link->failures == 0) dial(link);
        }
    }

    void remove(Link& link) {
        if (const ConnectionPointer accepted = std::exchange(link.accepted, nullptr)) {
            half_open_.push_back(accepted);  // Until it has read why.
            accepted->refuse(fail(PeerError::removed, "the network no longer lists this key here"));
        }
        let_go(link);
    }

    static void let_go(Link& link) {
        link.removed = true;
        link.retry.cancel();
        link.queue->close();
        if (link.dialled) link.dialled->drop();
        if (link.accepted) link.accepted->drop();
        link.dialled = link.accepted = nullptr;
    }

    // Outgoing.

    void dial(const LinkPointer& link) {
        if (link->removed || link->dialling || link->dialled || link->entry.address.empty()) return;
        const auto to = parse_host_port(link->entry.address);
        if (!to.ok()) return note(*link, to.error().message());
        link->dialling = true;
        connect_to(context(), *to, setup_.timing.handshake_ms_max,
                   [this, link](tcp::socket socket, const std::string& why_not) {
                       link->dialling = false;
                       if (link->removed) return;
                       if (!why_not.empty()) {
                           forget_told_in_use(*link);  // That was long ago.
                           return dial_failed(link, why_not);
                       }
                       link->dialled = connection(std::move(socket), TlsRole::dialler,
                                                  link->entry.address, link.get());
                       link->dialled->start();
                   });
    }

    void forget_told_in_use(Link& link) {
        const std::lock_guard lock(mutex_);
        link.is_told_in_use = false;
    }

    void dial_failed(const LinkPointer& link, const std::string& why) {
        note(*link, "cannot use participant " + std::to_string(link->entry.participant.value) +
                        " at " + link->entry.address + ": " + why);
        const int doubled = setup_.timing.retry_ms_min << std::min(link->failures, 10);
        const int wait_ms_max = std::min(doubled, setup_.timing.retry_ms_max);
        ++link->failures;
        // Jittered, so that participants that lost each other at once do not return at once.
        std::uniform_int_distribution<int> wait_ms(wait_ms_max / 2, wait_ms_max);
        link->retry.expires_after(std::chrono::milliseconds(wait_ms(random_)));
        link->retry.async_wait([this, link](error_code error) {
            if (!error) dial(link);
        });
    }

    /// Keeps the text for peers(); empty when all is well.
    void note(Link& link, const std::string& text) {
        {
            const std::lock_guard lock(mutex_);
            link.last_refusal = text;
        }
        if (!text.empty())
            log({PeerLine::Event::unreachable, link.entry.participant, link.entry.address, text});
    }

    // Incoming.

    void accept() {
        acceptor_->async_accept([this](error_code error, tcp::socket socket) {
            if (error) return accept_later();
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            const std::string address = remote_text(socket);
            half_open_.push_back(
                connection(std::move(socket), TlsRole::listener, address, nullptr));
            half_open_.back()->start();
            if (half_open_.size() > setup_.half_open_max) make_room();
            accept();
        });
    }

    /// Of the address that has most of them, the oldest goes: who floods us from one crowds out
    /// itself, and who does so from many must be faster than an honest peer's handshake.
    void make_room() {
        const auto host = [](const ConnectionPointer& connection) {
            const std::string& address = connection->address();
            return std::string_view(address).substr(0, address.rfind(':'));
        };
        std::map<std::string_view, size_t> counts;
        size_t most = 0;
        for (const auto& connection : half_open_) most = std::max(most, ++counts[host(connection)]);
        const auto leaving =
            std::find_if(half_open_.begin(), half_open_.end(),
                         [&](const auto& connection) { return counts[host(connection)] == most; });
        (*leaving)->drop();
        half_open_.erase(leaving);
    }

    /// Out of file descriptors, most likely: they come back.
    void accept_later() {
        accept_pause_.expires_after(std::chrono::milliseconds(accept_retry_ms));
        accept_pause_.async_wait([this](error_code error) {
            if (!error) accept();
        });
    }

    // Either.

    ConnectionPointer connection(tcp::socket socket, TlsRole role, std::string address,
                                 const Link* dialled) {
        PeerConnection::Setup setup{role,    std::move(address), {}, table_, setup_.identity,
                                    nullptr, setup_.timing};
        if (dialled != nullptr) {
            setup.expected = dialled->entry.participant;
            setup.queue = dialled->queue;
        }
        PeerConnection::Owner& owner = *this;  // A private base: only here is it known.
        return std::make_shared<PeerConnection>(owner, std::move(socket), tls(), std::move(setup));
    }

    /// A process that runs for long needs a fresh certificate before half of the old one's life.
    const std::shared_ptr<asio::ssl::context>& tls() {
        const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
        const auto now_s =
            uint64_t(std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
        if (!tls_ || now_s + certificate_lifetime_s / 2 > tls_not_after_s_) {
            const TlsIdentity made =
                make_tls_identity(network_, *setup_.identity, now_s, certificate_lifetime_s);
            tls_ = make_tls_context(made);
            tls_not_after_s_ = made.not_after_s;
        }
        return tls_;
    }

    std::shared_ptr<PeerCounters> on_ready(PeerConnection& connection, Participant) override {
        // The table may have changed since the certificate was checked.
        const PeerEntry* const entry = table_->find(connection.peer_key());
        const LinkPointer link = entry ? find_link(entry->participant) : nullptr;
        if (connection.role() == TlsRole::dialler) {
            const LinkPointer dialled = link_of(connection);
            ENSURE(dialled);
            dialled->queue->open();
            note(*dialled, "");
            {
                const std::lock_guard lock(mutex_);
                dialled->ready_since = Clock::now();
            }
            valve_.forget_lines();
            const Participant peer = dialled->entry.participant;
            log({PeerLine::Event::connected, peer, connection.address(),
                 "connected to participant " + std::to_string(peer.value) + " at " +
                     connection.address()});
            return dialled->counters;
        }
        if (!link) {
            connection.refuse(fail(PeerError::removed, "the network no longer lists this key"));
            return nullptr;
        }
        // A process dials anew only when its old connection is dead. Where another one speaks, two
        // would take each other's place again and again, and the network would hear neither.
        if (link->accepted && link->accepted->peer_process() != connection.peer_process() &&
            link->accepted->is_heard()) {
            connection.refuse(fail(PeerError::identity_in_use,
                                   "it is connected from " + link->accepted->address()));
            return nullptr;
        }
        const auto self = connection.shared_from_this();
        half_open_.remove(self);
        if (link->accepted) link->accepted->drop();
        link->accepted = self;
        return link->counters;
    }

    bool on_message(PeerConnection& connection, Bytes message) override {
        const LinkPointer link = link_of(connection);
        return !link || setup_.on_message(link->entry.participant, std::move(message));
    }

    void on_refusal(PeerConnection& connection, const std::string& text) override {
        // For a connection that we dialled, dial_failed() says it, once.
        if (connection.role() == TlsRole::listener)
            log({PeerLine::Event::refused, {}, connection.address(), text});
    }

    void on_closed(PeerConnection& connection, const std::string& why) override {
        const auto self = connection.shared_from_this();
        half_open_.remove(self);
        const LinkPointer link = link_of(connection);
        if (!link) return;
        if (link->accepted == self) link->accepted = nullptr;
        if (link->dialled != self) return;
        link->dialled = nullptr;
        link->queue->close();
        {
            const std::lock_guard lock(mutex_);
            if (has_lasted(*link)) link->failures = 0;
            link->ready_since.reset();
            link->is_told_in_use = connection.is_told_in_use();
        }
        dial_failed(link, why);
    }

    const PeerNetSetup setup_;
    const Hash network_;
    const Ed25519Public own_key_;
    uint16_t port_ = 0;

    EventLoop loop_{"peers"};  // Outlives what lives on it, below.
    std::unique_ptr<tcp::acceptor> acceptor_;
    asio::steady_timer accept_pause_{context()};
    std::shared_ptr<const PeerTable> table_;
    std::shared_ptr<asio::ssl::context> tls_;
    uint64_t tls_not_after_s_ = 0;
    std::list<ConnectionPointer> half_open_;  // Oldest first.
    std::mt19937 random_{std::random_device{}()};
    LogValve valve_{Clock::now()};

    mutable std::mutex mutex_;
    Links links_;  // Changed by the loop's thread under the mutex; it reads without.
};

}  // namespace

Result<std::unique_ptr<PeerNet>> open_peer_net(PeerNetSetup setup) {
    ENSURE(setup.identity && setup.on_message);
    crypto_start();
    auto net = std::make_unique<PeerNetOverTls>(std::move(setup));
    CHECK(net->open());
    return std::unique_ptr<PeerNet>(std::move(net));
}

}  // namespace tally::io
