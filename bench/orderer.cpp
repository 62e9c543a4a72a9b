#include "orderer.hpp"

#include <time.h>

#include <cstring>

#include "cli/clock.hpp"
#include "io/file_disk.hpp"
#include "io/thread_name.hpp"
#include "memory_disk.hpp"

namespace tally::bench {
namespace {

using model::Message;

constexpr size_t bodies_kept = 8;  ///< of each lane, for those who ask
constexpr size_t cells_kept = 32;
constexpr size_t decisions_kept = 2'048;
constexpr uint64_t ask_again_us = 300'000;
constexpr uint64_t feed_again_us = 2'000;
constexpr uint64_t wait_us_max = 100'000;

uint64_t thread_cpu_ns() {
    timespec at{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return uint64_t(at.tv_sec) * 1'000'000'000 + uint64_t(at.tv_nsec);
}

template <class Map>
void keep_newest(Map& map, size_t count) {
    while (map.size() > count) map.erase(map.begin());
}

}  // namespace

/// The real keys, with the time that they take.
class Orderer::Timed final : public Signer, public Verifier {
public:
    explicit Timed(const Ed25519Secret& secret)
        : signer_(ed25519_signer(secret)), verifier_(ed25519_verifier()) {}
    Ed25519Public public_key() const override { return signer_->public_key(); }
    Signature sign(ByteView message) const override {
        const uint64_t start = thread_cpu_ns();
        const Signature signature = signer_->sign(message);
        sign_ns += thread_cpu_ns() - start;
        ++signatures;
        return signature;
    }
    bool verify(const Ed25519Public& key, ByteView message,
                const Signature& signature) const override {
        const uint64_t start = thread_cpu_ns();
        const bool valid = verifier_->verify(key, message, signature);
        verify_ns += thread_cpu_ns() - start;
        ++verifications;
        return valid;
    }
    mutable uint64_t signatures = 0, sign_ns = 0, verifications = 0, verify_ns = 0;

private:
    std::unique_ptr<Signer> signer_;
    std::unique_ptr<Verifier> verifier_;
};

Orderer::Orderer(Common& common, Participant self, std::string journal_folder)
    : common_(common),
      self_(self),
      journal_folder_(std::move(journal_folder)),
      keys_(std::make_unique<Timed>(common.signing[self.value])),
      inputs_(common.signatories.count()),
      lanes_(common.signatories.count()),
      random_(self.value + 1) {}

Result<void> Orderer::open_journal() {
    if (journal_folder_.empty()) {
        disk_ = std::make_unique<MemoryDisk>();
    } else {
        TRY(disk, io::open_file_disk(journal_folder_, {[this](uint64_t ticket) {
                                                           const std::lock_guard lock(mutex_);
                                                           synced_ = std::max(synced_, ticket);
                                                           changed_.notify_one();
                                                       },
                                                       [](const Error& error) {
                                                           std::fprintf(stderr, "%s\n",
                                                                        error.message().c_str());
                                                           std::_Exit(1);
                                                       },
                                                       [this](uint64_t us) {
                                                           const std::lock_guard lock(mutex_);
                                                           ++syncs_;
                                                           sync_us_ += us;
                                                       }}));
        disk_ = std::move(disk);
    }
    store::JournalIdentity identity;
    identity.network = common_.network;
    identity.participant = self_;
    identity.mark_key = sha256(view_of("a key for marks"));
    TRY(journal, store::Journal::open(
                     *disk_, identity,
                     [](uint8_t, ByteView, const store::JournalPosition&) { ENSURE(false); }));
    journal_ = std::move(journal);
    return success();
}

Result<void> Orderer::open_peers() {
    io::PeerNetSetup setup;
    setup.listen = "127.0.0.1:0";
    setup.table.network = common_.network;
    setup.table.self = self_;
    setup.identity = std::shared_ptr<const Signer>(ed25519_signer(common_.identity[self_.value]));
    setup.on_message = [this](Participant from, Bytes message) {
        return push(from, std::make_shared<const Bytes>(std::move(message)));
    };
    TRY(net, io::open_peer_net(std::move(setup)));
    peers_ = std::move(net);
    return success();
}

bool Orderer::is_connected() const {
    if (!peers_) return true;
    size_t connected = 0;
    for (const auto& peer : peers_->peers()) connected += peer.connected ? 1 : 0;
    return connected + 1 == common_.signatories.count();
}

void Orderer::join(const std::vector<std::unique_ptr<Orderer>>& all) {
    for (const auto& one : all) neighbours_.push_back(one.get());
}

bool Orderer::push(Participant from, std::shared_ptr<const Bytes> message) {
    const std::lock_guard lock(mutex_);
    const bool has_room = inputs_.push_message(from, std::move(message));
    changed_.notify_one();
    return has_room;
}

void Orderer::start() {
    thread_ = std::thread([this] { run(); });
}

void Orderer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    if (peers_) peers_->stop();
    disk_.reset();
}

Counted Orderer::counted() const {
    Counted counted;
    {
        const std::lock_guard lock(mutex_);
        counted = published_;
        counted.syncs = syncs_;
        counted.sync_us = sync_us_;
        for (uint32_t i = 0; i < lanes_.size(); ++i)
            counted.messages_dropped += inputs_.dropped({uint8_t(i)});
    }
    if (!peers_) return counted;
    for (const auto& peer : peers_->peers()) counted.messages_dropped += peer.messages_dropped;
    return counted;
}

// --- the thread ---

void Orderer::run() {
    io::name_this_thread("step");
    now_ = {cli::wall_now(), cli::steady_now_us()};
    const model::Self self{self_, &common_.signatories, keys_.get(), keys_.get()};
    availability::Config lanes;
    lanes.self = self;
    lanes.parameters = common_.parameters;
    lanes.stored_cells =
        [this](Participant lane,
               const availability::LanePlace& place) -> std::optional<model::BatchCells> {
        const auto& cells = lanes_[lane.value].cells;
        const auto found = cells.find(place.first);
        return found == cells.end() ? std::nullopt : std::optional(found->second);
    };
    availability_ = std::make_unique<availability::Machine>(std::move(lanes));
    ordering::Config agreement;
    agreement.self = self;
    agreement.network = common_.network;
    agreement.genesis_time = common_.genesis_time;
    agreement.parameters = common_.parameters;
    ordering_ = std::make_unique<ordering::Machine>(std::move(agreement));
    availability::Effects begun;
    availability_->start(now_, begun);
    take(begun);
    ordering::Effects agreed;
    ordering_->start(now_, agreed);
    take(agreed);
    settle();

    cli::InputQueue::Round round;
    while (true) {
        const uint64_t ticket = wait(round);
        if (ticket == UINT64_MAX) return;
        if (ticket > 0) {
            journal_->on_synced(ticket);
            outbox_.on_synced(ticket);
            settle();
        }
        for (const auto& input : round.inputs) {
            now_ = {cli::wall_now(), cli::steady_now_us()};
            on_message(std::get<node::PeerMessage>(input));
            settle();
        }
        for (const auto peer : round.relieved) {
            if (peers_) peers_->resume(peer);
        }
        round.inputs.clear();
        round.relieved.clear();
        now_ = {cli::wall_now(), cli::steady_now_us()};
        if (next_wakeup_us() <= now_.monotonic_us) on_tick();
        feed();
        settle();
        const std::lock_guard lock(mutex_);
        published_ = counted_;
    }
}

/// The highest ticket synced since, or 0; UINT64_MAX once all is over.
uint64_t Orderer::wait(cli::InputQueue::Round& round) {
    std::unique_lock lock(mutex_);
    const auto has_input = [&] { return stopping_ || !inputs_.empty() || synced_ > 0; };
    if (!has_input()) {
        const uint64_t at = cli::steady_now_us();
        const uint64_t wakeup = next_wakeup_us();
        const bool is_fed = common_.loading && common_.rate_per_s > 0;
        const uint64_t most = is_fed ? feed_again_us : wait_us_max;
        changed_.wait_for(lock,
                          std::chrono::microseconds(wakeup > at ? std::min(wakeup - at, most) : 0),
                          has_input);
    }
    if (stopping_) return UINT64_MAX;
    inputs_.take_round(round);
    return std::exchange(synced_, 0);
}

uint64_t Orderer::next_wakeup_us() const {
    uint64_t next = std::min(availability_->next_wakeup_us(), ordering_->next_wakeup_us());
    const auto elsewhere = ordering_->decided_elsewhere();
    if (elsewhere && *elsewhere >= ordering_->slot()) next = std::min(next, fetch_at_us_);
    return next;
}

void Orderer::on_message(const node::PeerMessage& input) {
    const auto message = model::decode_message(*input.bytes);
    ENSURE(message.ok());
    if (on_request(input.from, *message)) return;
    availability::Effects lanes;
    availability_->on_message(input.from, *message, now_, lanes);
    take(lanes);
    ordering::Effects agreement;
    ordering_->on_message(input.from, *message, now_, agreement);
    take(agreement);
    fetch_if_behind();
}

/// What a participant answers from its database.
bool Orderer::on_request(Participant from, const Message& message) {
    if (const auto* cells = std::get_if<model::FetchCells>(&message)) {
        const auto& kept = lanes_[cells->lane.value].cells;
        const auto found = kept.find(cells->height);
        if (found != kept.end() && found->second.header.hash() == cells->header)
            send(from, found->second);
        return true;
    }
    if (const auto* batch = std::get_if<model::FetchBatch>(&message)) {
        const auto& kept = lanes_[batch->lane.value].bodies;
        const auto found = kept.find(batch->height);
        if (found != kept.end() && found->second->header_hash == batch->header)
            send(from, model::BatchBody{found->second->header, {found->second->bytes}});
        return true;
    }
    if (const auto* fetch = std::get_if<model::FetchDecisions>(&message)) {
        model::Decisions answer;
        for (const auto& decision : decisions_) {
            if (decision->block.slot >= fetch->from && answer.list.size() < fetch->count)
                answer.list.push_back(*decision);
        }
        if (!answer.list.empty()) send(from, std::move(answer));
        return true;
    }
    const auto* decisions = std::get_if<model::Decisions>(&message);
    if (decisions == nullptr) return false;
    for (const auto& decision : decisions->list) {
        ordering::Effects out;
        ordering_->on_decision(decision, now_, out);
        take(out);
    }
    fetch_at_us_ = now_.monotonic_us;
    fetch_if_behind();
    return true;
}

void Orderer::on_tick() {
    if (now_.monotonic_us >= availability_->next_wakeup_us()) {
        availability::Effects out;
        availability_->on_tick(now_, out);
        take(out);
    }
    if (now_.monotonic_us >= ordering_->next_wakeup_us()) {
        ordering::Effects out;
        ordering_->on_tick(now_, out);
        take(out);
    }
    fetch_if_behind();
}

void Orderer::fetch_if_behind() {
    const auto elsewhere = ordering_->decided_elsewhere();
    if (!elsewhere || *elsewhere < ordering_->slot() || now_.monotonic_us < fetch_at_us_) return;
    fetch_at_us_ = now_.monotonic_us + ask_again_us;
    const auto others = uint32_t(lanes_.size()) - 1;
    const uint32_t to = (self_.value + 1 + fetch_turn_++ % others) % uint32_t(lanes_.size());
    send({uint8_t(to)}, model::FetchDecisions{ordering_->slot(), 32});
}

/// Lets out what is durable.
void Orderer::settle() {
    while (true) {
        if (outbox_.dirty()) {
            const uint64_t ticket = journal_->sync();
            outbox_.on_sync_started(ticket);
            if (journal_folder_.empty()) {
                journal_->on_synced(ticket);
                outbox_.on_synced(ticket);
            }
        }
        auto ready = outbox_.take_ready();
        if (ready.empty()) break;
        for (auto& item : ready) {
            if (const auto* decision = std::get_if<1>(&item)) {
                follow(**decision);
                continue;
            }
            auto& message = std::get<node::SendPeer>(std::get<node::Effect>(item));
            if (peers_)
                peers_->send(message.to, std::move(message.bytes));
            else
                (void)neighbours_[message.to.value]->push(self_, std::move(message.bytes));
        }
    }
    counted_.timeouts = 0;
    if (const auto found = ordering_->counters().find("timeouts");
        found != ordering_->counters().end())
        counted_.timeouts = found->second;
    counted_.verifications = keys_->verifications;
    counted_.verify_ns = keys_->verify_ns;
    counted_.signatures = keys_->signatures;
    counted_.sign_ns = keys_->sign_ns;
}

void Orderer::follow(const model::Decision& decision) {
    ++counted_.slots;
    availability::Effects out;
    availability_->on_decided(decision, now_, out);
    take(out);
    count_ordered();
}

// --- the load ---

/// Submits what there is room for, or what is due.
void Orderer::feed() {
    if (!common_.loading) return;
    if (load_began_us_ == 0) load_began_us_ = now_.monotonic_us;
    uint64_t due = common_.outstanding_max - outstanding_;
    uint64_t due_at_us = now_.monotonic_us;
    if (common_.rate_per_s > 0) {
        const uint64_t so_far =
            (now_.monotonic_us - load_began_us_) * common_.rate_per_s / 1'000'000;
        due = std::min(due, so_far - submitted_all_);
        due_at_us = load_began_us_ + submitted_all_ * 1'000'000 / common_.rate_per_s;
    }
    if (due == 0) return;
    availability::Effects out;
    for (uint64_t i = 0; i < due; ++i) {
        Bytes payload(common_.payload_bytes);
        for (size_t at = 0; at + 8 <= payload.size(); at += 8) {
            random_ = random_ * 6364136223846793005 + 1442695040888963407;
            std::memcpy(payload.data() + at, &random_, 8);
        }
        ENSURE(availability_->submit({}, std::move(payload), now_, out).ok());
    }
    submitted_.push_back({due_at_us, due});
    submitted_all_ += due;
    outstanding_ += due;
    take(out);
}

/// Batches whose place is decided, and that are here.
void Orderer::count_ordered() {
    for (size_t i = 0; i < lanes_.size(); ++i) {
        Lane& lane = lanes_[i];
        const LaneHeight held = availability_->held_through({uint8_t(i)});
        while (lane.counted < held) {
            const auto found = lane.payloads.find(lane.counted.next());
            if (found == lane.payloads.end()) break;  // It is told in a moment.
            lane.counted = lane.counted.next();
            counted_.payloads += found->second;
            ++counted_.batches;
            if (i == self_.value) count_own(found->second);
            lane.payloads.erase(found);
        }
    }
}

void Orderer::count_own(uint64_t payloads) {
    outstanding_ -= payloads;
    const uint64_t at_us = cli::steady_now_us();
    while (payloads > 0) {
        Submitted& first = submitted_.front();
        const uint64_t of_first = std::min(payloads, first.payloads);
        if (common_.measuring)
            latencies_.push_back({uint32_t(at_us - first.at_us), uint32_t(of_first)});
        payloads -= of_first;
        first.payloads -= of_first;
        if (first.payloads == 0) submitted_.pop_front();
    }
}

// --- what the machines ask for ---

template <class List>
void Orderer::take(List& list) {
    for (auto& effect : list.list) std::visit([&](auto& one) { take_one(one); }, effect);
    list.list.clear();
}

void Orderer::take_one(model::Save& save) {
    const Bytes bytes = cbor::encode(*save.record);
    counted_.journal_bytes += bytes.size();
    journal_->append(uint8_t(save.record->index()), bytes);
    outbox_.on_append();
}

void Orderer::take_one(model::Send& message) {
    const auto bytes = std::make_shared<const Bytes>(model::encode_message(*message.message));
    for (uint32_t i = 0; i < lanes_.size(); ++i) {
        const Participant to{uint8_t(i)};
        if (to == self_ || (message.to && *message.to != to)) continue;
        outbox_.put(node::Effect{node::SendPeer{to, bytes}});
    }
}

void Orderer::send(Participant to, const Message& message) {
    outbox_.put(node::Effect{
        node::SendPeer{to, std::make_shared<const Bytes>(model::encode_message(message))}});
}

void Orderer::take_one(ordering::Decided& decided) {
    decisions_.push_back(decided.decision);
    if (decisions_.size() > decisions_kept) decisions_.pop_front();
    outbox_.put(decided.decision);
}

void Orderer::take_one(availability::Certified& certified) {
    ordering::Effects out;
    ordering_->on_lane_certificate(certified.certificate, now_, out);
    take(out);
}

void Orderer::take_one(availability::BatchHeld& held) {
    const auto& header = held.batch->header;
    Lane& lane = lanes_[header.lane.value];
    ENSURE(!held.batch->is_void);
    lane.payloads.emplace(header.height, header.da.count);
    lane.bodies.insert_or_assign(header.height, held.batch);
    keep_newest(lane.bodies, bodies_kept);
    count_ordered();
}

void Orderer::take_one(availability::CellsHeld& held) {
    auto& cells = lanes_[held.cells.header.lane.value].cells;
    cells.insert_or_assign(held.cells.header.height, std::move(held.cells));
    keep_newest(cells, cells_kept);
}

}  // namespace tally::bench
