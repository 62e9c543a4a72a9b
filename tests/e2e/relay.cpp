#include "relay.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/bytes.hpp"
#include "base/ensure.hpp"
#include "cli/clock.hpp"
#include "relay_sockets.hpp"

namespace tally::cli {
namespace {

constexpr size_t segment_bytes = 1'448;
constexpr size_t read_bytes = 64 * 1024;
/// As much as the buffers of both ends hold: then a sender is not read.
constexpr size_t under_way_bytes_max = 4 * 1024 * 1024;
constexpr uint64_t retransmission_us_min = 200'000;
constexpr uint64_t retransmission_us_max = 120'000'000;
constexpr uint64_t recognise_again_us = 20'000;
constexpr uint64_t never_us = UINT64_MAX;

/// From one participant to another.
struct Link {
    std::mt19937_64 random;
    uint64_t free_at_us = 0;         ///< what was sent before is on its way then
    uint64_t until_loss = never_us;  ///< segments
    bool is_cut = false;
};

struct Piece {
    uint64_t due_us = 0;
    Bytes bytes;
    size_t written = 0;
    bool is_end = false;
};

/// One direction of a connection.
struct Pipe {
    std::deque<Piece> pieces;
    size_t bytes = 0;
    uint64_t last_due_us = 0;
    uint64_t cut_since_us = 0;  ///< when the first piece should have arrived; 0: it is not late
    bool blocked = false;       ///< the receiver takes nothing now
    bool ended = false;         ///< the sender has closed
};

struct Relayed {
    std::array<int, 2> files{-1, -1};  ///< of who dials, and of whom it dials
    std::array<uint32_t, 2> interests{0, 0};
    std::array<Pipe, 2> pipes;  ///< from each of them
    size_t target = 0;
    std::optional<size_t> source;
    uint64_t recognise_at_us = 0;
    bool dialled = false;  ///< `files[1]` is there
    bool over = false;
};

/// From 0 to below 1.
double draw_unit(std::mt19937_64& random) {
    return double(random() >> 11) / double(uint64_t{1} << 53);
}

class TcpRelay final : public Relay {
public:
    TcpRelay(const std::vector<End>& ends, uint64_t seed)
        : ends_(ends), processes_(ends.size(), 0), links_(ends.size() * ends.size()) {
        for (size_t i = 0; i < links_.size(); ++i) links_[i].random.seed(seed * 1'000'003 + i);
    }
    ~TcpRelay() override;

    Result<void> open();
    void set_weather(const Weather& weather) override;
    void set_process(size_t participant, pid_t pid) override;
    void set_groups(const std::vector<size_t>& group_of) override;
    Counted counted() const override {
        const std::lock_guard lock(mutex_);
        return counted_;
    }

private:
    using AllRelayed = std::list<Relayed>;
    void run();
    void wake() const {
        const uint64_t one = 1;
        (void)!::write(wake_, &one, sizeof one);
    }
    void accept(size_t target);
    void recognise(Relayed& connection);
    void on_event(Relayed& connection, size_t side, uint32_t events);
    void read(Relayed& connection, size_t side);
    void add(Relayed& connection, size_t side, ByteView bytes);
    void push(Pipe& pipe, uint64_t due_us, ByteView bytes);
    void deliver(Relayed& connection, size_t side);
    bool is_held_up(Relayed& connection, size_t side);
    void dial(Relayed& connection);
    void watch(Relayed& connection, size_t side);
    void close(Relayed& connection);
    [[nodiscard]] uint64_t next_due_us() const;
    [[nodiscard]] Link& link(const Relayed& connection, size_t side) {
        const size_t from = side == 0 ? *connection.source : connection.target;
        const size_t to = side == 0 ? connection.target : *connection.source;
        return links_[from * ends_.size() + to];
    }
    [[nodiscard]] uint64_t retransmission_us() const {
        return std::max(retransmission_us_min, 4 * weather_.delay_us + 2 * weather_.jitter_us);
    }
    [[nodiscard]] double bytes_per_s() const;
    void draw_loss(Link& link) const;

    const std::vector<End> ends_;
    int poll_ = -1, wake_ = -1;
    std::vector<int> listeners_;

    mutable std::mutex mutex_;  ///< of all below: the thread lets go of it while it waits
    Weather weather_;
    std::vector<pid_t> processes_;
    std::vector<Link> links_;
    AllRelayed connections_;
    std::map<int, std::pair<AllRelayed::iterator, size_t>> by_file_;
    Counted counted_;
    bool stopping_ = false;
    std::thread thread_;
};

Result<void> TcpRelay::open() {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ENSURE(poll_ >= 0 && wake_ >= 0);
    const auto watch_input = [&](int file) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = file;
        ENSURE(::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event) == 0);
    };
    watch_input(wake_);
    for (const End& end : ends_) {
        const int file = listen_on(end.front_port);
        if (file < 0)
            return fail(RelayError::no_listener, "port " + std::to_string(end.front_port));
        listeners_.push_back(file);
        watch_input(file);
    }
    thread_ = std::thread([this] { run(); });
    return success();
}

TcpRelay::~TcpRelay() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
    for (auto& connection : connections_) close(connection);
    for (const int file : listeners_) ::close(file);
    ::close(wake_);
    ::close(poll_);
}

void TcpRelay::set_weather(const Weather& weather) {
    const std::lock_guard lock(mutex_);
    weather_ = weather;
    for (Link& one : links_) draw_loss(one);
}

void TcpRelay::set_process(size_t participant, pid_t pid) {
    const std::lock_guard lock(mutex_);
    processes_[participant] = pid;
}

void TcpRelay::set_groups(const std::vector<size_t>& group_of) {
    {
        const std::lock_guard lock(mutex_);
        for (size_t from = 0; from < ends_.size(); ++from) {
            for (size_t to = 0; to < ends_.size(); ++to)
                links_[from * ends_.size() + to].is_cut = group_of[from] != group_of[to];
        }
    }
    wake();
}

void TcpRelay::run() {
    std::array<epoll_event, 64> events;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const uint64_t due = next_due_us();
        const uint64_t now = steady_now_us();
        const int wait_ms =
            due == never_us
                ? 1'000
                : int(due > now ? std::min<uint64_t>((due - now) / 1'000 + 1, 1'000) : 0);
        lock.unlock();
        const int count = ::epoll_wait(poll_, events.data(), int(events.size()), wait_ms);
        lock.lock();
        for (int i = 0; i < count; ++i) {
            const int file = events[size_t(i)].data.fd;
            if (file == wake_) {
                uint64_t ignored = 0;
                (void)!::read(wake_, &ignored, sizeof ignored);
                continue;
            }
            const auto listener = std::find(listeners_.begin(), listeners_.end(), file);
            if (listener != listeners_.end()) {
                accept(size_t(listener - listeners_.begin()));
                continue;
            }
            const auto found = by_file_.find(file);
            if (found != by_file_.end())
                on_event(*found->second.first, found->second.second, events[size_t(i)].events);
        }
        for (auto& connection : connections_) {
            if (!connection.source) recognise(connection);
            for (size_t side = 0; side < 2 && connection.source && !connection.over; ++side)
                deliver(connection, side);
        }
        for (auto it = connections_.begin(); it != connections_.end();) {
            if (it->over) close(*it);
            it = it->over ? connections_.erase(it) : std::next(it);
        }
    }
}

void TcpRelay::accept(size_t target) {
    const int file = accept_from(listeners_[target]);
    if (file < 0) return;
    connections_.emplace_back();
    const auto connection = std::prev(connections_.end());
    connection->files[0] = file;
    connection->target = target;
    by_file_[file] = {connection, 0};
    recognise(*connection);
}

/// Finds out who dialled.
void TcpRelay::recognise(Relayed& connection) {
    const uint64_t now = steady_now_us();
    if (now < connection.recognise_at_us) return;
    connection.recognise_at_us = now + recognise_again_us;
    const std::string inode =
        inode_of_dialler(connection.files[0], ends_[connection.target].front_port);
    if (inode.empty() || inode == "0") {  // Its process has ended.
        connection.over = true;
        return;
    }
    for (size_t i = 0; i < processes_.size() && !connection.source; ++i) {
        if (processes_[i] > 0 && has_socket(processes_[i], inode)) connection.source = i;
    }
    if (!connection.source) return;
    ++counted_.connections;
    // One round trip until it is there.
    connection.pipes[0].last_due_us = now + 2 * weather_.delay_us;
    watch(connection, 0);
}

void TcpRelay::on_event(Relayed& connection, size_t side, uint32_t events) {
    if (connection.over) return;
    if ((events & EPOLLOUT) != 0) connection.pipes[1 - side].blocked = false;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(connection, side);
    if (!connection.over) watch(connection, side);
}

void TcpRelay::read(Relayed& connection, size_t side) {
    Pipe& pipe = connection.pipes[side];
    Bytes bytes(read_bytes);
    while (!pipe.ended && pipe.bytes < under_way_bytes_max) {
        const ssize_t count = ::read(connection.files[side], bytes.data(), bytes.size());
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count > 0) {
            add(connection, side, ByteView(bytes).first(size_t(count)));
            continue;
        }
        pipe.ended = true;
        if (connection.pipes[1 - side].ended || !connection.dialled) {
            connection.over = true;
            return;
        }
        pipe.last_due_us = std::max(pipe.last_due_us, steady_now_us() + weather_.delay_us);
        Piece end;
        end.due_us = pipe.last_due_us;
        end.is_end = true;
        pipe.pieces.push_back(std::move(end));
        connection.pipes[1 - side].pieces.clear();  // Nobody reads it any more.
        connection.pipes[1 - side].bytes = 0;
    }
}

/// TCP's throughput at this rate of loss, and the bandwidth.
double TcpRelay::bytes_per_s() const {
    double most = weather_.bytes_per_s > 0 ? double(weather_.bytes_per_s) : 1e12;
    const double round_trip_s = double(2 * weather_.delay_us + weather_.jitter_us) / 1e6;
    if (weather_.loss > 0 && round_trip_s > 0)
        most = std::min(
            most, std::sqrt(1.5) * double(segment_bytes) / round_trip_s / std::sqrt(weather_.loss));
    return most;
}

/// How many segments arrive before the next one that does not.
void TcpRelay::draw_loss(Link& link) const {
    link.until_loss = never_us;
    if (weather_.loss <= 0) return;
    const double unit = std::max(draw_unit(link.random), 1e-12);
    link.until_loss = uint64_t(std::log(unit) / std::log(1 - std::min(weather_.loss, 0.999)));
}

void TcpRelay::add(Relayed& connection, size_t side, ByteView bytes) {
    Link& on = link(connection, side);
    Pipe& pipe = connection.pipes[side];
    counted_.bytes += bytes.size();
    const uint64_t now = steady_now_us();
    on.free_at_us =
        std::max(now, on.free_at_us) + uint64_t(double(bytes.size()) * 1e6 / bytes_per_s());
    const uint64_t arrives =
        on.free_at_us + weather_.delay_us + on.random() % (weather_.jitter_us + 1);
    uint64_t segments = (bytes.size() + segment_bytes - 1) / segment_bytes;
    while (on.until_loss < segments) {
        const size_t before = std::min(bytes.size(), size_t(on.until_loss) * segment_bytes);
        if (before > 0) push(pipe, arrives, bytes.first(before));
        bytes = bytes.subspan(before);
        segments -= on.until_loss;
        // The first of `bytes` is lost.
        ++counted_.segments_lost;
        uint64_t timeout = retransmission_us();
        uint64_t late = segments > 3 ? 2 * weather_.delay_us : timeout;
        while (draw_unit(on.random) < weather_.loss) {
            timeout = std::min(2 * timeout, retransmission_us_max);
            late += timeout;
            ++counted_.segments_lost;
        }
        draw_loss(on);
        const size_t lost = std::min(bytes.size(), segment_bytes);
        push(pipe, arrives + late, bytes.first(lost));
        bytes = bytes.subspan(lost);
        --segments;
    }
    if (on.until_loss != never_us) on.until_loss -= segments;
    if (!bytes.empty()) push(pipe, arrives, bytes);
}

void TcpRelay::push(Pipe& pipe, uint64_t due_us, ByteView bytes) {
    pipe.last_due_us = std::max(pipe.last_due_us, due_us);
    Piece piece;
    piece.due_us = pipe.last_due_us;
    piece.bytes = copy_of(bytes);
    pipe.bytes += bytes.size();
    pipe.pieces.push_back(std::move(piece));
}

/// While a link is cut the first piece is sent again and again, each time after twice as long; what
/// is sent after the cut arrives.
bool TcpRelay::is_held_up(Relayed& connection, size_t side) {
    Pipe& pipe = connection.pipes[side];
    if (link(connection, side).is_cut) {
        if (pipe.cut_since_us == 0) {
            pipe.cut_since_us = pipe.pieces.front().due_us;
            ++counted_.held_up;
        }
        return true;
    }
    if (pipe.cut_since_us == 0) return false;
    uint64_t timeout = retransmission_us();
    uint64_t again = pipe.cut_since_us + timeout;
    while (again < steady_now_us()) {
        timeout = std::min(2 * timeout, retransmission_us_max);
        again += timeout;
    }
    pipe.cut_since_us = 0;
    for (Piece& piece : pipe.pieces) piece.due_us = std::max(piece.due_us, again);
    pipe.last_due_us = std::max(pipe.last_due_us, again);
    return true;
}

/// What is due, to the other side of `side`.
void TcpRelay::deliver(Relayed& connection, size_t side) {
    Pipe& pipe = connection.pipes[side];
    const size_t to = 1 - side;
    while (!pipe.pieces.empty() && !pipe.blocked && !connection.over) {
        Piece& piece = pipe.pieces.front();
        if (piece.due_us > steady_now_us() || is_held_up(connection, side)) return;
        if (piece.is_end) {
            connection.over = true;
            return;
        }
        if (!connection.dialled) dial(connection);
        if (connection.over) return;
        const ssize_t count =
            ::send(connection.files[to], piece.bytes.data() + piece.written,
                   piece.bytes.size() - piece.written, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) {
            if (errno != EAGAIN && errno != EINTR) connection.over = true;
            pipe.blocked = true;
        } else {
            piece.written += size_t(count);
            pipe.bytes -= size_t(count);
            if (piece.written == piece.bytes.size()) pipe.pieces.pop_front();
        }
        watch(connection, to);
        watch(connection, side);
    }
}

void TcpRelay::dial(Relayed& connection) {
    const int file = connect_to(ends_[connection.target].peer_port);
    if (file < 0) {
        connection.over = true;
        return;
    }
    connection.files[1] = file;
    connection.dialled = true;
    const auto self = std::find_if(connections_.begin(), connections_.end(),
                                   [&](const auto& one) { return &one == &connection; });
    by_file_[file] = {self, 1};
    watch(connection, 1);
}

/// Reads from a side while there is room for it, and hears when it takes more.
void TcpRelay::watch(Relayed& connection, size_t side) {
    const int file = connection.files[side];
    if (file < 0) return;
    uint32_t wanted = 0;
    if (!connection.pipes[side].ended && connection.pipes[side].bytes < under_way_bytes_max)
        wanted |= EPOLLIN;
    if (connection.pipes[1 - side].blocked) wanted |= EPOLLOUT;
    uint32_t& interest = connection.interests[side];
    if (wanted == interest) return;
    epoll_event event{};
    event.events = wanted;
    event.data.fd = file;
    // Without any interest it would still be told of an end, again and again.
    const int what = interest == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    ENSURE(::epoll_ctl(poll_, what, file, &event) == 0);
    interest = wanted;
}

void TcpRelay::close(Relayed& connection) {
    for (int& file : connection.files) {
        if (file < 0) continue;
        by_file_.erase(file);
        ::close(file);
        file = -1;
    }
}

uint64_t TcpRelay::next_due_us() const {
    uint64_t due = never_us;
    for (const auto& connection : connections_) {
        if (!connection.source) due = std::min(due, connection.recognise_at_us);
        if (!connection.source) continue;
        for (size_t side = 0; side < 2; ++side) {
            const Pipe& pipe = connection.pipes[side];
            const size_t from = side == 0 ? *connection.source : connection.target;
            const size_t to = side == 0 ? connection.target : *connection.source;
            const bool is_cut = links_[from * ends_.size() + to].is_cut;
            if (!pipe.pieces.empty() && !pipe.blocked && !is_cut)
                due = std::min(due, pipe.pieces.front().due_us);
        }
    }
    return due;
}

}  // namespace

ErrorText describe(RelayError error) {
    switch (error) {
    case RelayError::no_listener:
        return {"no_listener", "the relay cannot listen", "End what uses that port"};
    }
    std::abort();
}

Result<std::unique_ptr<Relay>> Relay::start(const std::vector<End>& ends, uint64_t seed) {
    auto relay = std::make_unique<TcpRelay>(ends, seed);
    CHECK(relay->open());
    return std::unique_ptr<Relay>(std::move(relay));
}

}  // namespace tally::cli
