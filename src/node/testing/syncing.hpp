// One participant that loads states, and an honest one who has them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "availability/dispersal.hpp"
#include "ledger/keys.hpp"
#include "ledger/row.hpp"
#include "node/serve_state.hpp"
#include "node/state_sync.hpp"
#include "sim/sim_key_value.hpp"
#include "store/versions.hpp"

namespace tally::node::syncing {

inline constexpr Participant self{3}, liar{1};
inline constexpr uint16_t ledger_count = 2;
inline constexpr Slot goal_slot{9};
inline constexpr Height goal_height{9};  ///< of `busy`, which has a block in each slot

inline model::Charter charter_of_four() {
    model::Charter charter;
    for (uint8_t i = 0; i < 4; ++i) {
        model::ParticipantEntry one;
        one.name = "participant " + std::to_string(i);
        one.identity_key[0] = uint8_t(10 + i);
        one.signing_key[0] = uint8_t(20 + i);
        charter.body.participants.push_back(std::move(one));
    }
    for (const char* name : {"busy", "idle"}) {
        model::LedgerEntry ledger;
        ledger.name = {name};
        charter.body.ledgers.push_back(ledger);
    }
    return charter;
}

/// What an honest participant holds: of `busy` a block in each slot, of `idle` one in slot 2 or
/// none.
struct Honest {
    explicit Honest(uint64_t values = 400, uint64_t idle_blocks = 1) : value_count(values) {
        execute({0}, goal_slot.value);
        execute({1}, 1 + idle_blocks);
        model::Decision decision;
        decision.block.slot = goal_slot;
        decision.block.highest_carried.assign({{carried_busy}, {idle_blocks}});
        decision.block.cut.resize(4);
        // One lane has a tip.
        body.header.lane = {2};
        body.header.height = {5};
        const model::Batch items{{{{0}, Bytes(200, 7)}}};
        body.bytes = cbor::encode(items);
        const auto dispersal = availability::Coder(4, {}).disperse(
            {Epoch{0}, body.header.lane, body.header.height}, model::Forwarding::coded, body.bytes);
        body.header.da = dispersal.da;
        decision.block.cut[2] = {body.header.height, body.header.hash(), {}};
        ports::WriteBatch batch;
        for (uint64_t slot = 1; slot <= goal_slot.value; ++slot) {
            decision.block.slot = {slot};
            decision.qc.body.block = decision.block.hash();
            put_decision(batch, {decision, {}, {}, {}});
        }
        put_body(batch, body);
        ENSURE(database.write(batch).ok());
    }

    void execute(LedgerIndex ledger, uint64_t blocks) {
        const store::TreePages pages(database, ledger);
        tree::Tree tree(pages);
        Hash parent;
        const uint64_t first_slot = ledger.value == 0 ? 1 : 2;
        for (uint64_t height = 0; height + first_slot <= blocks + 1; ++height) {
            ports::WriteBatch batch;
            for (uint64_t i = 0; i < value_count; ++i) {
                const Bytes key = ledger::unique_key({77}, ledger::Value(int64_t(i)));
                const Bytes value(1 + (i * (height + 1)) % 900, uint8_t(height));
                store::put_version(batch, ledger, {height}, key, value);
                const auto commitment = *ledger::commitment_of(key, value);
                ENSURE(tree.put(key, commitment.length, commitment.hash).ok());
            }
            const auto [root, written] = tree.commit(height);
            store::put_pages(batch, ledger, written);
            StoredBlock block;
            block.header.ledger = ledger;
            block.header.height = {height};
            block.header.slot = {height == 0 ? 0 : height + first_slot - 1};
            block.header.parent = parent;
            block.header.state_after = root.hash;
            parent = block.header.hash();
            put_block(batch, block, root);
            put_mark(batch, ledger,
                     {goal_slot, {height}, parent, root.hash, tree::encode(root), {}});
            model::BlockCertificate certificate;
            certificate.ledger = ledger;
            certificate.height = {height};
            certificate.header = parent;
            if (height > 0) put_certificate(batch, certificate);
            ENSURE(database.write(batch).ok());
        }
    }
    [[nodiscard]] LedgerMark mark(LedgerIndex ledger) const {
        return **ChainReader(database).mark(ledger);
    }

    uint64_t value_count;
    uint64_t carried_busy = goal_slot.value;
    model::BatchBody body;
    sim::SimKeyValue database;
};

/// What lies at the same places is nothing that decodes.
inline ports::WriteBatch undecodable(const ports::WriteBatch& batch) {
    ports::WriteBatch damage;
    for (const auto& write : batch.writes()) damage.put(write.map, write.key, Bytes(3, 0xff));
    return damage;
}

/// A participant without any state, whose peers answer from `honest`; the liar as `lie` says.
struct Empty {
    explicit Empty(const Honest& source) : honest(source) { take_decisions(); }

    void take_decisions() {
        ports::WriteBatch batch;
        for (uint64_t slot = 1; slot <= goal_slot.value; ++slot)
            put_decision(batch, **ChainReader(honest.database).decision({slot}));
        for (uint16_t i = 0; i < ledger_count; ++i) {
            const auto carried = (*ChainReader(honest.database).decision(goal_slot))
                                     ->decision.block.highest_carried[i];
            if (carried.value > 0)
                put_certificate(batch, **ChainReader(honest.database).certificate({i}, carried));
        }
        ENSURE(database.write(batch).ok());
    }
    void open() {
        sync = std::make_unique<StateSync>(
            StateSync::Config{std::make_shared<const model::Charter>(charter_of_four()), 1, self},
            database);
    }
    void start() {
        open();
        SyncOutput out;
        sync->start(decided, {{0}, {1}}, true, now_us, out);
        take(out);
    }
    void take(SyncOutput& out) {
        for (auto& send : out.sends) asked.push_back(std::move(send));
        left.insert(left.end(), out.left.begin(), out.left.end());
        finished = finished || out.finished;
        given_up = given_up || out.given_up;
        cannot_store = cannot_store || out.cannot_store;
        for (const auto& line : out.lines) refusals += line.starts_with("refused") ? 1 : 0;
    }
    /// As after a restart in the middle of a load.
    void resume() {
        asked.clear();
        auto goal = stored_sync_goal(database);
        ASSERT_TRUE(goal.ok() && *goal);
        open();
        SyncOutput out;
        sync->resume(std::move(**goal), now_us, out);
        take(out);
    }

    /// One question is answered, or time passes.
    void step() {
        SyncOutput out;
        if (has_batches && !sync->wanted().empty()) {
            ++batches_wanted;
            ports::WriteBatch batch;
            put_body(batch, honest.body);
            ENSURE(database.write(batch).ok());
            sync->on_batch(now_us, out);
            return take(out);
        }
        if (asked.empty()) {
            now_us = std::max(now_us + 1, std::min(sync->next_wakeup_us(), now_us + 1'000'000));
            sync->on_tick(decided, now_us, out);
            return take(out);
        }
        const auto [to, question] = std::move(asked.front());
        asked.pop_front();
        EXPECT_NE(to, self);
        ++questions;
        if (silent) return;
        now_us += 1'000;
        if (const auto* stands = std::get_if<model::FetchStands>(&question)) {
            if (now_us < executed_us(stands->slot)) return;
            model::Stands answer{stands->slot, {}};
            for (uint16_t i = 0; i < ledger_count; ++i) {
                const auto decision = **ChainReader(honest.database).decision(stands->slot);
                auto stand = *stand_at(honest.database, honest.mark({i}), {i}, stands->slot,
                                       decision.decision.block.highest_carried[i], bytes_read);
                if (!stand) continue;
                if (to == liar) stand->header.bytes[0] ^= 1;
                answer.ledgers.push_back(*stand);
            }
            sync->on_stands(to, answer, now_us, out);
        } else if (const auto* state = std::get_if<model::FetchState>(&question)) {
            ServeStateWork work(to, *state, honest.database.snapshot());
            work.run();
            if (work.answer() == nullptr || state->ledger == unserved) return;
            auto message = *model::decode_message(*work.answer());
            auto& chunk = std::get<model::StateChunk>(message);
            if (to == liar) ++lies;
            if (to == liar && lies % 2 == 0) chunk.header.state_after.bytes[3] ^= 1;
            if (to == liar && lies % 2 == 1) chunk.chunk[chunk.chunk.size() / 2] ^= 1;
            sync->on_chunk(to, chunk, now_us, out);
        }
        take(out);
    }
    void run(int steps_max = 5'000) {
        for (int i = 0; i < steps_max && !finished && !given_up; ++i) step();
    }
    void expect_loaded(LedgerIndex ledger, Height height, Slot slot) const {
        const auto mark = ChainReader(database).mark(ledger);
        ASSERT_TRUE(mark.ok() && *mark);
        EXPECT_EQ((*mark)->height, height);
        EXPECT_EQ((*mark)->history, height);
        EXPECT_EQ((*mark)->slot, slot);
        const auto root = ChainReader(database).root(ledger, height);
        ASSERT_TRUE(root.ok() && *root);
        EXPECT_EQ((*root)->hash, (*ChainReader(honest.database).root(ledger, height))->hash);
        const store::VersionedView here(database, ledger, height);
        const store::VersionedView there(honest.database, ledger, height);
        uint64_t values = 0;
        ENSURE(there
                   .scan({}, {},
                         [&](ByteView key, ByteView value) {
                             ++values;
                             EXPECT_EQ(**here.get(key), copy_of(value));
                             return true;
                         })
                   .ok());
        EXPECT_EQ(values, honest.value_count);
    }

    /// When the others have executed what is decided in this slot.
    std::function<uint64_t(Slot)> executed_us = [](Slot) { return 0; };

    const Honest& honest;
    sim::SimKeyValue database;
    std::unique_ptr<StateSync> sync;
    std::deque<std::pair<Participant, model::Message>> asked;
    std::vector<LedgerIndex> left;
    std::optional<LedgerIndex> unserved;  ///< nobody gives its state
    Slot decided = goal_slot;
    uint64_t now_us = 1'000'000;
    uint64_t lies = 0, questions = 0, refusals = 0, bytes_read = 0, batches_wanted = 0;
    bool has_batches = true;  ///< those that are wanted are put into the database
    bool finished = false, given_up = false, silent = false, cannot_store = false;
};

}  // namespace tally::node::syncing
