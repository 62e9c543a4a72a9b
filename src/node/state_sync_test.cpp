// Ledgers are loaded from peers of whom one lies, through crashes and full disks, and end where the
// decided blocks say.
#include "node/state_sync.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "availability/dispersal.hpp"
#include "ledger/keys.hpp"
#include "ledger/row.hpp"
#include "node/serve_state.hpp"
#include "sim/sim_key_value.hpp"
#include "store/versions.hpp"

namespace tally::node {
namespace {

constexpr Participant self{3}, liar{1};
constexpr uint16_t ledger_count = 2;
constexpr Slot goal_slot{9};
constexpr Height goal_height{9};  ///< of `busy`, which has a block in each slot

model::Charter charter_of_four() {
    model::Charter charter;
    charter.body.participants.resize(4);
    for (const char* name : {"busy", "idle"}) {
        model::LedgerEntry ledger;
        ledger.name = {name};
        charter.body.ledgers.push_back(ledger);
    }
    return charter;
}

/// What an honest participant holds: of `busy` a block in each slot, of `idle` one in slot 2.
struct Honest {
    explicit Honest(uint64_t values = 400) : value_count(values) {
        for (uint16_t i = 0; i < ledger_count; ++i) execute({i}, i == 0 ? goal_slot.value : 2);
        model::Decision decision;
        decision.block.slot = goal_slot;
        decision.block.highest_carried.assign({{carried_busy}, {1}});
        decision.block.cut.resize(4);
        // One lane has a tip.
        body.header.lane = {2};
        body.header.height = {5};
        const model::Batch items{{{{0}, Bytes(200, 7)}}};
        body.bytes = cbor::encode(items);
        const auto dispersal =
            availability::disperse({Epoch{0}, 4, body.header.lane, body.header.height}, body.bytes);
        body.header.da = dispersal.da;
        decision.block.cut[2] = {body.header.height, body.header.hash(), {}};
        ports::WriteBatch batch;
        for (uint64_t slot = 1; slot <= goal_slot.value; ++slot) {
            decision.block.slot = {slot};
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
ports::WriteBatch undecodable(const ports::WriteBatch& batch) {
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
        sync->start(goal_slot, {{0}, {1}}, true, now_us, out);
        take(out);
    }
    void take(SyncOutput& out) {
        for (auto& send : out.sends) asked.push_back(std::move(send));
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
        if (asked.empty()) {
            now_us = std::max(now_us + 1, std::min(sync->next_wakeup_us(), now_us + 1'000'000));
            sync->on_tick(goal_slot, now_us, out);
            return take(out);
        }
        const auto [to, question] = std::move(asked.front());
        asked.pop_front();
        EXPECT_NE(to, self);
        ++questions;
        if (silent) return;
        now_us += 1'000;
        if (const auto* stands = std::get_if<model::FetchStands>(&question)) {
            model::Stands answer{stands->slot, {}};
            for (uint16_t i = 0; i < ledger_count; ++i) {
                auto stand = **stand_at(honest.database, honest.mark({i}), {i}, stands->slot);
                if (to == liar) stand.header.bytes[0] ^= 1;
                answer.ledgers.push_back(stand);
            }
            sync->on_stands(to, answer, now_us, out);
        } else if (const auto* state = std::get_if<model::FetchState>(&question)) {
            ServeStateWork work(to, *state, honest.database.snapshot());
            work.run();
            if (work.answer() == nullptr) return;
            auto message = *model::decode_message(*work.answer());
            auto& chunk = std::get<model::StateChunk>(message);
            if (to == liar) ++lies;
            if (to == liar && lies % 2 == 0) chunk.header.state_after.bytes[3] ^= 1;
            if (to == liar && lies % 2 == 1) chunk.chunk[chunk.chunk.size() / 2] ^= 1;
            sync->on_chunk(to, chunk, now_us, out);
        } else if (std::holds_alternative<model::FetchBatch>(question)) {
            auto body = honest.body;
            if (to == liar) body.bytes[5] ^= 1;
            sync->on_body(body, now_us, out);
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

    const Honest& honest;
    sim::SimKeyValue database;
    std::unique_ptr<StateSync> sync;
    std::deque<std::pair<Participant, model::Message>> asked;
    uint64_t now_us = 1'000'000;
    uint64_t lies = 0, questions = 0, refusals = 0;
    bool finished = false, given_up = false, silent = false, cannot_store = false;
};

TEST(StateSync, ledgers_are_loaded_past_a_liar) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_GT(empty.lies, 0u);
    empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
    empty.expect_loaded({1}, {1}, goal_slot);
    EXPECT_EQ(empty.sync->needless_up_to(), goal_slot);
    EXPECT_EQ(*ChainReader(empty.database).held_slot(), goal_slot);
    const auto body = ChainReader(empty.database).body({{2}, {5}});
    ASSERT_TRUE(body.ok() && *body) << "the tip is here, to go on from";
    EXPECT_FALSE(*stored_sync_goal(empty.database));
}

TEST(StateSync, what_is_not_carried_is_left_to_be_executed) {
    Honest honest;
    honest.carried_busy = 6;
    ports::WriteBatch batch;
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried[0] = {6};
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.start();
    const uint64_t began_us = empty.now_us;
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_GE(empty.now_us - began_us, 5'000'000u) << "it was hoped that more would be carried";
    empty.expect_loaded({0}, {6}, {6});
    empty.expect_loaded({1}, {1}, goal_slot);
    EXPECT_EQ(empty.sync->needless_up_to(), Slot{6}) << "the batches after it are needed";
}

TEST(StateSync, a_load_goes_on_after_crashes) {
    const Honest honest;
    for (uint64_t seed = 1; seed <= 6; ++seed) {
        Empty empty(honest);
        sim::Random random(seed, sim::stream_of("state sync crash"));
        empty.start();
        for (int life = 0; life < 300 && !empty.finished; ++life) {
            for (uint64_t n = 1 + random.below(12); n > 0 && !empty.finished; --n) empty.step();
            if (empty.finished) break;
            ENSURE(empty.database.flush().ok());
            empty.asked.clear();
            auto goal = stored_sync_goal(empty.database);
            ASSERT_TRUE(goal.ok());
            if (!*goal) {
                empty.start();
                continue;
            }
            empty.open();
            SyncOutput out;
            empty.sync->resume(std::move(**goal), empty.now_us, out);
            empty.take(out);
        }
        ASSERT_TRUE(empty.finished) << seed;
        empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
    }
}

TEST(StateSync, a_full_disk_is_said_and_only_delays_it) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    EXPECT_FALSE(empty.cannot_store);
    empty.database.set_full(true);
    for (int i = 0; i < 50; ++i) empty.step();
    EXPECT_FALSE(empty.finished);
    EXPECT_TRUE(empty.cannot_store) << "so that the participant ends, and says why";
    EXPECT_LT(empty.questions, 100u) << "and it does not ask in a hurry meanwhile";
    empty.database.set_full(false);
    empty.run();
    ASSERT_TRUE(empty.finished);
    empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
}

TEST(StateSync, what_is_half_loaded_and_damaged_is_loaded_again) {
    const Honest honest(2'500);
    Empty empty(honest);
    empty.start();
    const auto pages = [&] {
        std::vector<std::pair<Bytes, Bytes>> found;
        ENSURE(empty.database
                   .scan(ports::Map::nodes, {}, {},
                         [&](ByteView key, ByteView value) {
                             found.emplace_back(copy_of(key), copy_of(value));
                             return true;
                         })
                   .ok());
        return found;
    };
    while (pages().empty()) empty.step();
    ASSERT_FALSE((*ChainReader(empty.database).mark({0}))) << "only a part is loaded";
    for (auto& [key, value] : pages()) {
        value[value.size() / 2] ^= 1;
        empty.database.rot(ports::Map::nodes, key, value);
    }
    empty.resume();
    empty.run(500);
    ASSERT_TRUE(empty.finished);
    EXPECT_LE(empty.refusals, empty.lies) << "no honest peer is blamed for the own disk";
    empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
}

TEST(StateSync, a_carried_certificate_that_is_missing_is_put_back) {
    Honest honest;
    ports::WriteBatch batch;
    for (uint64_t slot = 1; slot <= goal_slot.value; ++slot) {
        auto decision = **ChainReader(honest.database).decision({slot});
        auto& block = decision.decision.block;
        block.highest_carried.assign({{slot}, {1}});
        block.carried.push_back(**ChainReader(honest.database).certificate({0}, {slot}));
        put_decision(batch, decision);
    }
    ASSERT_TRUE(honest.database.write(batch).ok());
    for (const bool is_gone : {true, false}) {
        Empty empty(honest);
        ports::WriteBatch damage;
        erase_certificate(damage, {0}, goal_height);
        if (!is_gone) damage = undecodable(damage);
        ASSERT_TRUE(empty.database.write(damage).ok());
        empty.start();
        empty.run(500);
        ASSERT_TRUE(empty.finished);
        empty.expect_loaded({0}, goal_height, goal_slot);
        EXPECT_TRUE(*ChainReader(empty.database).certificate({0}, goal_height));
    }
}

TEST(StateSync, a_carried_certificate_that_is_nowhere_is_not_waited_for_without_end) {
    const Honest honest;
    Empty empty(honest);
    ports::WriteBatch damage;
    erase_certificate(damage, {0}, goal_height);
    ASSERT_TRUE(empty.database.write(damage).ok());
    empty.start();
    const uint64_t began_us = empty.now_us;
    empty.run(2'000);
    EXPECT_TRUE(empty.finished || empty.given_up);
    EXPECT_LT(empty.now_us - began_us, 60'000'000u);
}

TEST(StateSync, a_batch_that_does_not_decode_is_fetched_again) {
    const Honest honest;
    Empty empty(honest);
    ports::WriteBatch batch;
    put_body(batch, honest.body);
    ASSERT_TRUE(empty.database.write(undecodable(batch)).ok());
    empty.start();
    empty.run(500);
    ASSERT_TRUE(empty.finished);
    const auto body = ChainReader(empty.database).body({{2}, {5}});
    EXPECT_TRUE(body.ok() && *body);
}

TEST(StateSync, a_liar_is_refused_once_and_makes_nobody_ask) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    model::StateChunk lie;
    lie.header.height = goal_height;
    SyncOutput out;
    for (int i = 0; i < 100; ++i) empty.sync->on_chunk(liar, lie, empty.now_us, out);
    EXPECT_EQ(out.lines.size(), 1u);
    EXPECT_LE(out.sends.size(), 1u);
    empty.take(out);
    empty.run();
    EXPECT_TRUE(empty.finished);
}

TEST(StateSync, where_everybody_is_refused_it_does_not_ask_in_a_hurry_nor_for_ever) {
    const Honest honest;
    Empty empty(honest);
    // What lies here of the certificate, and so of the goal, is another header.
    auto certificate = **ChainReader(honest.database).certificate({0}, goal_height);
    certificate.header.bytes[0] ^= 1;
    ports::WriteBatch batch;
    put_certificate(batch, certificate);
    ASSERT_TRUE(empty.database.write(batch).ok());
    empty.start();
    empty.run(1'000);
    EXPECT_TRUE(empty.given_up);
    EXPECT_LT(empty.questions, 100u);
}

TEST(StateSync, one_voice_is_not_enough) {
    const Honest honest;
    Empty empty(honest);
    empty.open();
    SyncOutput out;
    empty.sync->start(goal_slot, {{0}, {1}}, true, empty.now_us, out);
    model::Stands stands{goal_slot, {{{0}, {goal_slot.value}, {}}, {{1}, {1}, {}}}};
    for (int i = 0; i < 3; ++i) empty.sync->on_stands(liar, stands, empty.now_us, out);
    EXPECT_EQ(out.lines.size(), 0u) << "the same participant three times";
    EXPECT_FALSE(*stored_sync_goal(empty.database));
}

TEST(StateSync, without_any_answer_it_gives_up) {
    Honest honest;
    ports::WriteBatch batch;
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried.assign({{1}, {0}});
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.silent = true;
    empty.start();
    empty.run();
    EXPECT_TRUE(empty.given_up);
    EXPECT_FALSE(empty.sync->active());
    EXPECT_FALSE(empty.sync->owns({0}));
}

TEST(StateSync, what_is_half_loaded_is_erased_when_nobody_has_the_rest) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    // An earlier process erased the ledger and began to load it.
    const Bytes key = ledger::unique_key({77}, ledger::Value(int64_t{1}));
    ports::WriteBatch batch;
    store::put_version(batch, {0}, {5}, key, Bytes{1});
    ASSERT_TRUE(empty.database.write(batch).ok());
    auto goal = *stored_sync_goal(empty.database);
    empty.asked.clear();
    empty.open();
    empty.silent = true;
    SyncOutput out;
    empty.sync->resume(std::move(*goal), empty.now_us, out);
    empty.take(out);
    empty.run();
    EXPECT_TRUE(empty.given_up);
    EXPECT_FALSE(*stored_sync_goal(empty.database));
    const store::VersionedView state(empty.database, {0}, {9});
    EXPECT_FALSE(state.get(key)->has_value());
}

}  // namespace
}  // namespace tally::node
