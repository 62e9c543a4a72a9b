#include "availability/testing/network.hpp"

namespace tally::availability::testing {
namespace {

constexpr uint64_t wall_offset_us = 1'700'000'000'000'000;
constexpr uint64_t decide_every_us = 20'000;
constexpr uint64_t tick_every_us = 5'000;

Ed25519Secret secret_of(uint32_t node) {
    std::array<uint8_t, 32> seed{};
    seed[0] = uint8_t(node + 1);
    return Ed25519Secret::from_seed(seed);
}

}  // namespace

Network::Network(uint32_t count, uint64_t seed, model::Parameters parameters, Faults faults)
    : parameters_(parameters),
      coder_(std::make_shared<const Coder>(count, std::vector<model::Forwarding>(),
                                           parameters.coded_bytes_min)),
      faults_(faults),
      random_(seed),
      nodes_(count) {
    crypto_start();
    set_.network = sha256(view_of("availability test"));
    cut_.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
        nodes_[i].signer = ed25519_signer(secret_of(i));
        nodes_[i].verifier = ed25519_verifier();
        set_.keys.push_back(nodes_[i].signer->public_key());
    }
    for (uint32_t i = 0; i < count; ++i) {
        start(i);
        tick(i);
    }
    later(decide_every_us, [this] { decide(); });
}

model::Now Network::now() const {
    return {Micros{wall_offset_us + now_us_}, now_us_};
}

void Network::later(uint64_t delay_us, std::function<void()> act) {
    events_.push({now_us_ + delay_us, order_++, std::move(act)});
}

void Network::run(uint64_t duration_us) {
    const uint64_t until_us = now_us_ + duration_us;
    while (!events_.empty() && events_.top().at_us <= until_us) {
        now_us_ = events_.top().at_us;
        const auto act = events_.top().act;
        events_.pop();
        act();
    }
    now_us_ = until_us;
}

void Network::start(uint32_t index) {
    Node& node = nodes_[index];
    const model::Self self{Participant{uint8_t(index)}, &set_, node.signer.get(),
                           node.verifier.get()};
    node.machine = std::make_unique<Machine>(
        Config{self, parameters_, 5'000, 4'000'000, coder_,
               [this, index](Participant lane, const LanePlace& place) {
                   const auto found = nodes_[index].cells.find({lane, place});
                   return found == nodes_[index].cells.end() ? std::optional<model::BatchCells>()
                                                             : found->second;
               }});
    for (const auto& record : node.journal) {
        if (std::holds_alternative<model::Decision>(*record)) ++node.decisions_seen;
        const auto [batch, cells] = node.machine->recover(*record);
        if (batch)
            node.held[{batch->header.lane, {batch->header.height, batch->header_hash}}] = batch;
        if (cells) {
            const auto& header = cells->header;
            node.cells[{header.lane, {header.height, header.hash()}}] = *cells;
        }
    }
    Effects effects;
    node.machine->start(now(), effects);
    take(index, effects);
}

void Network::crash(uint32_t index) {
    Node& node = nodes_[index];
    // What was not synced is kept up to some point only, and what waited for it was never sent.
    node.journal.resize(node.synced + below(node.journal.size() - node.synced + 1));
    node.synced = node.journal.size();
    node.pending.clear();
    node.held.clear();
    node.cells.clear();
    node.decisions_seen = 0;
    node.machine.reset();
    node.syncing = false;
    ++node.life;
}

void Network::restart(uint32_t index) {
    start(index);
    tick(index);
}

void Network::tick(uint32_t index) {
    Node& node = nodes_[index];
    if (node.machine->next_wakeup_us() <= now_us_) {
        Effects effects;
        node.machine->on_tick(now(), effects);
        take(index, effects);
        EXPECT_GT(node.machine->next_wakeup_us(), now_us_) << "a tick must do what was due";
    }
    later(tick_every_us, [this, index, life = node.life] {
        if (nodes_[index].life == life) tick(index);
    });
}

void Network::submit(uint32_t index, Bytes envelope) {
    Effects effects;
    EXPECT_TRUE(
        nodes_[index].machine->submit(LedgerIndex{1}, std::move(envelope), now(), effects).ok());
    take(index, effects);
}

void Network::take(uint32_t index, Effects& effects) {
    Node& node = nodes_[index];
    for (auto& effect : effects.list) {
        if (const auto* save = std::get_if<model::Save>(&effect)) {
            node.journal.push_back(save->record);
        } else if (const auto* send = std::get_if<model::Send>(&effect)) {
            node.pending.push_back({node.journal.size(), *send});
        } else if (const auto* certified = std::get_if<Certified>(&effect)) {
            node.pending.push_back({node.journal.size(), *certified});
        } else if (const auto* held = std::get_if<BatchHeld>(&effect)) {
            const auto& batch = held->batch;
            const bool is_new =
                node.held
                    .try_emplace({batch->header.lane, {batch->header.height, batch->header_hash}},
                                 batch)
                    .second;
            EXPECT_TRUE(is_new) << "a batch is said to be held once";
        } else if (const auto* cells = std::get_if<CellsHeld>(&effect)) {
            const auto& header = cells->cells.header;
            EXPECT_TRUE(
                coder_->cells_verify(header.da, Participant{uint8_t(index)}, cells->cells.cells));
            node.cells[{header.lane, {header.height, header.hash()}}] = cells->cells;
        }
    }
    sync_later(index);
}

void Network::sync_later(uint32_t index) {
    Node& node = nodes_[index];
    if (node.syncing || (node.pending.empty() && node.synced == node.journal.size())) return;
    node.syncing = true;
    later(500 + below(2'000), [this, index, life = node.life] {
        if (nodes_[index].life == life) sync(index);
    });
}

void Network::sync(uint32_t index) {
    Node& node = nodes_[index];
    node.syncing = false;
    // Some of what waits, in order: never more is sent than is durable.
    node.synced += below(node.journal.size() - node.synced + 1);
    std::vector<Pending> pending;
    std::swap(pending, node.pending);
    for (auto& waiting : pending) {
        if (waiting.journal_needed > node.synced) {
            node.pending.push_back(std::move(waiting));
            continue;
        }
        const auto& effect = waiting.effect;
        if (const auto* certified = std::get_if<Certified>(&effect)) {
            const auto& certificate = certified->certificate;
            const auto first =
                certified_.try_emplace({certificate.lane, certificate.height}, certificate).first;
            EXPECT_EQ(first->second.header, certificate.header) << "a lane forked";
        } else {
            send(index, std::get<model::Send>(effect));
        }
    }
    sync_later(index);
}

void Network::send(uint32_t from, const model::Send& send) {
    check_sent(from, *send.message);
    for (uint32_t to = 0; to < nodes_.size(); ++to) {
        if (to == from || (send.to && send.to->value != to)) continue;
        const int copies = chance(faults_.loss) ? 0 : chance(faults_.doubled) ? 2 : 1;
        for (int i = 0; i < copies; ++i)
            later(1 + below(faults_.delay_us_max),
                  [this, to, from, message = send.message] { deliver(to, from, message); });
        if (!chance(faults_.garbled)) continue;
        Bytes bytes = model::encode_message(*send.message);
        bytes[below(bytes.size())] ^= uint8_t(1 + below(255));
        const auto garbled = model::decode_message(bytes);
        if (!garbled.ok()) continue;
        later(1 + below(faults_.delay_us_max),
              [this, to, from, message = std::make_shared<const model::Message>(*garbled)] {
                  deliver(to, from, message);
              });
    }
}

/// One signer says one thing about one place, and only what its journal holds.
void Network::check_sent(uint32_t from, const model::Message& message) {
    const auto* ack = std::get_if<model::Signed<model::Acknowledgement>>(&message);
    if (ack == nullptr) return;
    const auto first =
        signed_
            .try_emplace({Participant{uint8_t(from)}, ack->body.lane, ack->body.height}, ack->body)
            .first;
    EXPECT_EQ(first->second, ack->body) << "two acknowledgements at one place";
    const Node& node = nodes_[from];
    bool durable = false;
    for (size_t i = node.synced; i-- > 0 && !durable;) {
        const auto* cells = std::get_if<model::CellsRecord>(node.journal[i].get());
        durable = cells != nullptr && cells->acknowledgement == *ack;
    }
    EXPECT_TRUE(durable) << "an acknowledgement left before its cells were durable";
}

void Network::deliver(uint32_t to, uint32_t from,
                      const std::shared_ptr<const model::Message>& message) {
    Node& node = nodes_[to];
    if (!node.machine) return;
    if (const auto* fetch = std::get_if<model::FetchCells>(message.get())) {
        if (node.is_mute) return;
        const Key key{fetch->lane, {fetch->height, fetch->header}};
        std::optional<model::BatchCells> answer;
        if (const auto cells = node.cells.find(key); cells != node.cells.end()) {
            answer = cells->second;
        } else if (const auto held = node.held.find(key); held != node.held.end()) {
            const auto own = coder_->cells_of(*held->second, Participant{uint8_t(to)});
            if (own) answer = model::BatchCells{held->second->header, *own};
        }
        if (!answer) return;
        send(to, {Participant{uint8_t(from)}, std::make_shared<const model::Message>(*answer)});
        return;
    }
    inject(to, from, *message);
}

void Network::inject(uint32_t to, uint32_t from, const model::Message& message) {
    Effects effects;
    nodes_[to].machine->on_message(Participant{uint8_t(from)}, message, now(), effects);
    take(to, effects);
}

/// The oracle: one slot for whatever was certified since the last.
void Network::decide() {
    later(decide_every_us, [this] { decide(); });
    if (!deciding_) return;
    model::Decision decision;
    model::Cut cut = cut_;
    for (const auto& [place, certificate] : certified_) {
        auto& entry = cut[place.first.value];
        if (place.second <= entry.height ||
            place.second.value > cut_[place.first.value].height.value + parameters_.window_batches)
            continue;
        entry = {place.second, certificate.header, certificate.digest()};
    }
    if (cut == cut_) return;
    cut_ = cut;
    decision.block.slot = Slot{decisions_.size() + 1};
    decision.block.cut = cut;
    decisions_.push_back(decision);
    for (uint32_t i = 0; i < nodes_.size(); ++i) later(below(10'000), [this, i] { follow(i); });
}

void Network::follow(uint32_t index) {
    Node& node = nodes_[index];
    if (!node.machine) return;
    while (node.decisions_seen < decisions_.size()) {
        const auto& decision = decisions_[node.decisions_seen++];
        node.journal.push_back(std::make_shared<const model::Record>(decision));
        Effects effects;
        node.machine->on_decided(decision, now(), effects);
        take(index, effects);
    }
}

bool Network::all_held() {
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
        if (!up(i)) continue;
        follow(i);
        for (uint32_t lane = 0; lane < nodes_.size(); ++lane) {
            if (nodes_[i].machine->held_through(Participant{uint8_t(lane)}) != cut_[lane].height)
                return false;
        }
    }
    return true;
}

std::vector<Bytes> Network::decided(uint32_t lane) {
    std::vector<std::vector<Bytes>> answers;
    for (const Node& node : nodes_) {
        if (!node.machine) continue;
        std::vector<std::shared_ptr<const HeldBatch>> chain;
        LanePlace place{cut_[lane].height, cut_[lane].header};
        while (place.first.value > 0) {
            const auto held = node.held.find({Participant{uint8_t(lane)}, place});
            if (held == node.held.end()) {
                ADD_FAILURE() << "height " << place.first.value << " is missing";
                return {};
            }
            chain.push_back(held->second);
            place = {LaneHeight{place.first.value - 1}, held->second->header.parent};
        }
        auto& answer = answers.emplace_back();
        for (auto batch = chain.rbegin(); batch != chain.rend(); ++batch) {
            if ((*batch)->is_void) continue;
            const auto items = cbor::decode<model::Batch>((*batch)->bytes);
            for (const auto& item : *items) answer.push_back(item.envelope);
        }
    }
    for (const auto& answer : answers) EXPECT_EQ(answer, answers.front());
    return answers.front();
}

uint64_t Network::refusals(uint32_t node, Refusal reason) const {
    uint64_t sum = 0;
    for (const auto& [key, count] : nodes_[node].machine->refusals()) {
        if (key.first == reason) sum += count;
    }
    return sum;
}

}  // namespace tally::availability::testing
