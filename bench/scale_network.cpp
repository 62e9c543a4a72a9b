#include "scale_network.hpp"

#include <algorithm>

namespace tally::scale {
namespace {

constexpr uint64_t genesis_us = 1'700'000'000'000'000;

/// Signatures by bookkeeping (as in src/sim/registry.hpp): they cost nothing and have their size.
Signature mixed(const Ed25519Public& key, ByteView message) {
    uint64_t digest = 0xcbf29ce484222325;
    const auto add = [&](ByteView bytes) {
        for (const uint8_t byte : bytes) digest = (digest ^ byte) * 0x100000001b3;
    };
    add(key);
    add(message);
    Signature signature;
    signature.fill(0xa5);
    for (size_t i = 0; i < 8; ++i) signature[i] = uint8_t(digest >> (8 * i));
    return signature;
}

Ed25519Public key_of(uint32_t owner) {
    Ed25519Public key{};
    key[0] = uint8_t(owner + 1);
    return key;
}

class BookSigner : public Signer {
public:
    explicit BookSigner(uint32_t owner) : key_(key_of(owner)) {}
    [[nodiscard]] Ed25519Public public_key() const override { return key_; }
    [[nodiscard]] Signature sign(ByteView message) const override { return mixed(key_, message); }

private:
    Ed25519Public key_;
};

}  // namespace

class Network::CountingVerifier : public Verifier {
public:
    explicit CountingVerifier(uint64_t& count) : count_(count) {}
    [[nodiscard]] bool verify(const Ed25519Public& key, ByteView message,
                              const Signature& signature) const override {
        ++count_;
        return signature == mixed(key, message);
    }

private:
    uint64_t& count_;
};

uint64_t Counted::bytes() const {
    uint64_t sum = 0;
    for (const auto& [kind, bytes] : bytes_by_kind) sum += bytes;
    return sum;
}

void Latency::add(uint64_t us) {
    ++count;
    sum_us += us;
    max_us = std::max(max_us, us);
}

double Latency::mean() const {
    return count == 0 ? 0 : double(sum_us) / double(count) / double(delay_us);
}

Network::Network(uint32_t participants, Load load)
    : load_(std::move(load)),
      lanes_(load_.every_lane ? participants : 1),
      coder_(std::make_shared<const availability::Coder>(
          participants, std::vector<model::Forwarding>(), parameters_.coded_bytes_min)),
      nodes_(participants),
      handed_in_us_(participants),
      counted_(participants) {
    set_.network = sha256(view_of("a network to measure"));
    for (uint32_t i = 0; i < participants; ++i) set_.keys.push_back(key_of(i));
    for (uint32_t i = 0; i < participants; ++i) start(i);
}

void Network::start(uint32_t index) {
    Node& node = nodes_[index];
    node.signer = std::make_unique<BookSigner>(index);
    node.verifier = std::make_unique<CountingVerifier>(node.verified);
    node.ready.resize(nodes_.size());
    const model::Self self{Participant{uint8_t(index)}, &set_, node.signer.get(),
                           node.verifier.get()};
    availability::Config lanes;
    lanes.self = self;
    lanes.parameters = parameters_;
    lanes.batch_delay_us = 1;  // All that is handed in at once is one batch.
    lanes.coder = coder_;
    lanes.stored_cells = [&node](Participant lane, const availability::LanePlace& place) {
        const auto found = node.cells.find({lane, place});
        return found == node.cells.end() ? std::optional<model::BatchCells>() : found->second;
    };
    node.availability = std::make_unique<availability::Machine>(std::move(lanes));
    std::vector<Participant> provers;
    for (uint32_t i = 0; i < nodes_.size(); ++i) provers.push_back({uint8_t(i)});
    ordering::Config order;
    order.self = self;
    order.network = set_.network;
    order.genesis_time = {genesis_us};
    order.parameters = parameters_;
    order.provers = {provers};
    node.ordering = std::make_unique<ordering::Machine>(std::move(order));
    availability::Effects lane_effects;
    node.availability->start(now(), lane_effects);
    take(index, lane_effects);
    ordering::Effects order_effects;
    node.ordering->start(now(), order_effects);
    take(index, order_effects);
    wake_later(index);
}

model::Now Network::now() const {
    return {Micros{genesis_us + now_us_}, now_us_};
}

template <class List>
void Network::take(uint32_t index, List& list) {
    for (const auto& effect : list.list)
        std::visit([&](const auto& one) { take_one(index, one); }, effect);
}

void Network::take_one(uint32_t index, const model::Send& send) {
    const uint64_t size = model::encode_message(*send.message).size();
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
        if (i == index || (send.to && send.to->value != i)) continue;
        in_flight_.push_back({now_us_ + delay_us, {uint8_t(index)}, {uint8_t(i)}, send.message});
        if (counting_) counted_[index].bytes_by_kind[send.message->index()] += size;
    }
}

void Network::take_one(uint32_t index, const availability::Certified& certified) {
    ordering::Effects effects;
    nodes_[index].ordering->on_lane_certificate(certified.certificate, now(), effects);
    take(index, effects);
}

void Network::take_one(uint32_t index, const availability::BatchHeld& held) {
    note_ready(index, held.batch->header.lane.value);
}

void Network::take_one(uint32_t index, const availability::CellsHeld& held) {
    const auto& header = held.cells.header;
    nodes_[index].cells.insert_or_assign({header.lane, {header.height, header.hash()}}, held.cells);
}

void Network::take_one(uint32_t index, const ordering::Decided& decided) {
    Node& node = nodes_[index];
    if (index == 0 && counting_) ++slots_;
    const Participant self{uint8_t(index)};
    const uint64_t before = node.availability->decided_through(self).value;
    availability::Effects effects;
    node.availability->on_decided(*decided.decision, now(), effects);
    take(index, effects);
    const uint64_t after = node.availability->decided_through(self).value;
    for (uint64_t height = before + 1; height <= after; ++height) {
        const uint64_t handed_in = handed_in_us_[index][height - 1];
        if (alone_ == 0) alone_ = double(now_us_ - handed_in) / double(delay_us);
        if (is_measured(handed_in)) decided_.add(now_us_ - handed_in);
    }
    for (uint32_t lane = 0; lane < lanes_; ++lane) note_ready(index, lane);
    // Who is a little behind may still ask for what was cut lately.
    std::erase_if(node.cells, [&](const auto& held) {
        const auto& [lane, place] = held.first;
        return place.first.value + 8 < node.ready[lane.value].value;
    });
}

void Network::note_ready(uint32_t index, uint32_t lane) {
    Node& node = nodes_[index];
    const Participant of{uint8_t(lane)};
    const LaneHeight through =
        std::min(node.availability->decided_through(of), node.availability->held_through(of));
    for (LaneHeight& ready = node.ready[lane]; ready < through;) {
        const uint64_t handed_in = handed_in_us_[lane][ready.value];
        ready = ready.next();
        if (!is_measured(handed_in)) continue;
        readable_.add(now_us_ - handed_in);
        --not_ready_;
    }
}

/// As the database of a participant answers.
void Network::answer(uint32_t index, Participant to, const model::FetchCells& request) {
    const auto found = nodes_[index].cells.find({request.lane, {request.height, request.header}});
    if (found == nodes_[index].cells.end()) return;
    take_one(index, model::Send{to, std::make_shared<const model::Message>(found->second)});
}

void Network::deliver(const InFlight& message) {
    const uint32_t index = message.to.value;
    Node& node = nodes_[index];
    if (const auto* request = std::get_if<model::FetchCells>(message.message.get())) {
        answer(index, message.from, *request);
        return;
    }
    availability::Effects lane_effects;
    node.availability->on_message(message.from, *message.message, now(), lane_effects);
    take(index, lane_effects);
    ordering::Effects order_effects;
    node.ordering->on_message(message.from, *message.message, now(), order_effects);
    take(index, order_effects);
    wake_later(index);
}

void Network::tick(uint32_t index) {
    Node& node = nodes_[index];
    if (node.availability->next_wakeup_us() <= now_us_) {
        availability::Effects effects;
        node.availability->on_tick(now(), effects);
        take(index, effects);
    }
    if (node.ordering->next_wakeup_us() <= now_us_) {
        ordering::Effects effects;
        node.ordering->on_tick(now(), effects);
        take(index, effects);
    }
    node.wakes_at = 0;
    wake_later(index);
}

void Network::wake_later(uint32_t index) {
    Node& node = nodes_[index];
    const uint64_t at =
        std::min(node.availability->next_wakeup_us(), node.ordering->next_wakeup_us());
    if (node.wakes_at != 0 && node.wakes_at <= at) return;
    node.wakes_at = at;
    wakeups_.emplace(at, index);
}

void Network::hand_in(uint32_t lane) {
    handed_in_us_[lane].push_back(now_us_);
    if (is_measured(now_us_)) {
        transactions_ += load_.envelopes;
        not_ready_ += nodes_.size();
    }
    uint64_t filling = now_us_ * 256 + lane;
    for (uint32_t i = 0; i < load_.envelopes; ++i) {
        Bytes envelope(load_.envelope_bytes);
        for (size_t at = 0; at < envelope.size(); ++at) {
            if (at % 8 == 0) filling = filling * 6'364'136'223'846'793'005 + 1'442'695'040'888'963;
            envelope[at] = uint8_t(filling >> (8 * (at % 8)));
        }
        availability::Effects effects;
        ENSURE(nodes_[lane]
                   .availability->submit(LedgerIndex{0}, std::move(envelope), now(), effects)
                   .ok());
        take(lane, effects);
    }
    wake_later(lane);
    hand_ins_.emplace_back(now_us_ + load_.period_us, lane);
}

/// Messages first, for they are older than what happens at their arrival.
void Network::step() {
    const uint64_t hand_in_at = hand_ins_.front().first;
    const uint64_t wakeup_at = wakeups_.empty() ? UINT64_MAX : wakeups_.top().first;
    const uint64_t message_at = in_flight_.empty() ? UINT64_MAX : in_flight_.front().at;
    now_us_ = std::max(now_us_, std::min({hand_in_at, wakeup_at, message_at}));
    if (message_at <= now_us_) {
        const InFlight message = std::move(in_flight_.front());
        in_flight_.pop_front();
        deliver(message);
    } else if (wakeup_at <= now_us_) {
        const auto [at, index] = wakeups_.top();
        wakeups_.pop();
        if (at == nodes_[index].wakes_at) tick(index);  // Else it was moved to an earlier time.
    } else {
        const uint32_t lane = hand_ins_.front().second;
        hand_ins_.pop_front();
        hand_in(lane);
    }
}

void Network::mark(bool begin) {
    counting_ = begin;
    for (uint32_t i = 0; i < nodes_.size(); ++i)
        counted_[i].verified = nodes_[i].verified - (begin ? 0 : counted_[i].verified);
}

/// The lanes' batches are spread evenly over the period, as those of strangers are.
void Network::run(uint32_t first, uint32_t rounds) {
    for (uint32_t lane = 0; lane < lanes_; ++lane)
        hand_ins_.emplace_back(now_us_ + 10 * load_.period_us + load_.period_us * lane / lanes_,
                               lane);
    from_us_ = hand_ins_.front().first + first * load_.period_us;
    to_us_ = from_us_ + (rounds - first) * load_.period_us;
    while (now_us_ < from_us_) step();
    mark(true);
    while (now_us_ < to_us_) step();
    mark(false);
    while (not_ready_ > 0) step();
    for (uint32_t lane = 0; lane < lanes_; ++lane) {
        // One batch a hand-in, or the latencies above would be of others.
        const auto made = nodes_[lane].availability->status().batches_made;
        ENSURE(made + 1 >= handed_in_us_[lane].size());
    }
}

uint64_t Network::views_changed() const {
    uint64_t sum = 0;
    for (const Node& node : nodes_) {
        const auto& counters = node.ordering->counters();
        const auto found = counters.find("view_changes");
        if (found != counters.end()) sum += found->second;
    }
    return sum;
}

}  // namespace tally::scale
