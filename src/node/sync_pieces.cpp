// StateSync's pieces: states in chunks, and the batches from which execution goes on.
#include <algorithm>

#include "node/checked_state.hpp"
#include "node/state_sync.hpp"

namespace tally::node {
namespace {

/// What is damaged here is as good as missing: it is fetched again.
template <class T>
Result<std::optional<T>> readable(Result<std::optional<T>> read) {
    if (!read.ok() && is_own_damage(read.error())) return std::optional<T>();
    return read;
}

}  // namespace

/// True once every ledger is at the goal; else `loader_` waits for a chunk.
Result<bool> StateSync::load(SyncOutput& out) {
    for (const LedgerGoal& goal : goal_.ledgers) {
        if (!waiting_.contains(goal.ledger)) continue;
        TRY(mark, readable(ChainReader(key_value_).mark(goal.ledger)));
        const bool is_there = mark && mark->height == goal.height && mark->header == goal.header;
        if (mark && (is_there || mark->height > goal.height)) {
            if (is_there) mark->slot = std::max(mark->slot, goal.passed(goal_.slot, mark->slot));
            ports::WriteBatch batch;
            put_mark(batch, goal.ledger, *mark);
            CHECK(key_value_.write(batch));
            waiting_.erase(goal.ledger);
            out.loaded.push_back(goal.ledger);
            continue;
        }
        if (loading_ != goal.ledger) {
            loading_ = goal.ledger;
            loader_.reset();
            header_.reset();
            bytes_ = 0;
        }
        // The state's root is in the header, and that comes with the first chunk.
        if (loader_ == nullptr || loader_->next()) return false;
        CHECK(finish_ledger(goal));
        out.lines.push_back("loaded " + name_of(goal.ledger) + " at block " +
                            std::to_string(goal.height.value) + ": " +
                            std::to_string(bytes_ / 1024) + " KiB");
        loading_.reset();
        loader_.reset();
        header_.reset();
        waiting_.erase(goal.ledger);
        out.loaded.push_back(goal.ledger);
    }
    return true;
}

Result<Slot> StateSync::lowest_mark() const {
    Slot lowest = goal_.slot;
    for (size_t i = 0; i < config_.charter->body.ledgers.size(); ++i) {
        TRY(mark, readable(ChainReader(key_value_).mark({uint16_t(i)})));
        lowest = std::min(lowest, mark ? mark->slot : Slot{});
    }
    return lowest;
}

/// True once every lane's tip is here at the slot up to which no batch is needed.
Result<bool> StateSync::gather() {
    const ChainReader stored(key_value_);
    TRY(lowest, lowest_mark());
    floor_ = lowest;
    wanted_.clear();
    if (floor_.value == 0) return true;
    TRY(decision, stored.decision(floor_));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    const auto& cut = decision->decision.block.cut;
    for (size_t i = 0; i < cut.size(); ++i) {
        if (cut[i].height.value == 0) continue;
        const BatchPlace place{{uint8_t(i)}, cut[i].height};
        TRY(header, readable(stored.batch_header(place, cut[i].header)));
        if (!header) wanted_.emplace(place, cut[i].header);
    }
    return wanted_.empty();
}

void StateSync::on_batch(uint64_t now_us, SyncOutput& out) {
    if (phase_ != Phase::gathering) return;
    hope(now_us);
    came_forward(now_us);
    go_on(now_us, out);
}

Result<void> StateSync::finish_ledger(const LedgerGoal& goal) {
    ports::WriteBatch batch;
    const tree::RootRef root = loader_->finish(batch);
    // Of the block itself only the header is here; what it executed is others' to show.
    StoredBlock block;
    block.header = *header_;
    put_block(batch, block, root);
    put_mark(batch, goal.ledger,
             {goal.passed(goal_.slot, header_->slot), goal.height, goal.header,
              header_->state_after, tree::encode(root), goal.height});
    return key_value_.write(batch);
}

const LedgerGoal& StateSync::loading_goal() const {
    const auto found =
        std::find_if(goal_.ledgers.begin(), goal_.ledgers.end(),
                     [&](const LedgerGoal& goal) { return goal.ledger == *loading_; });
    ENSURE(found != goal_.ledgers.end());
    return *found;
}

void StateSync::ask_for_chunk(SyncOutput& out) {
    const LedgerGoal& goal = loading_goal();
    model::FetchState request{goal.ledger, goal.height, {}};
    if (loader_ != nullptr) request.from = *loader_->next();
    out.sends.emplace_back(next_peer(), request);
}

void StateSync::on_chunk(Participant from, const model::StateChunk& message, uint64_t now_us,
                         SyncOutput& out) {
    if (phase_ != Phase::loading || !loading_ || false_peers_.contains(from)) return;
    const LedgerGoal& goal = loading_goal();
    const auto refuse = [&] {
        false_peers_.insert(from);
        out.lines.push_back("refused a piece of " + name_of(*loading_) + " from " +
                            config_.charter->now().participants[from.value].name +
                            ": it does not prove itself; another is asked");
        // Where everybody's is refused, what is wrong may lie here: no hurry, and not for ever.
        if (!peers().empty()) go_on(now_us, out);
    };
    if (message.header.ledger != goal.ledger || message.header.height != goal.height) return;
    if (message.header.hash() != goal.header) return refuse();
    const auto chunk = ledger::decode_snapshot_chunk(message.chunk);
    if (!chunk.ok()) return refuse();
    const bool is_first = loader_ == nullptr;  // Perhaps of a load that an earlier process began.
    if (is_first) {
        auto opened =
            SnapshotLoader::open(key_value_, goal.ledger, goal.height, message.header.state_after);
        if (!opened.ok()) return fail_with(opened.error(), now_us, out);
        loader_ = std::move(*opened);
        header_ = message.header;
    }
    if (loader_->next() && equal(*loader_->next(), chunk->from)) {
        const auto added = loader_->add(*chunk);
        if (!added.ok() && added.error().is(ports::KeyValueError::io_failed))
            return fail_with(added.error(), now_us, out);
        if (!added.ok() &&
            (added.error().is(SnapshotError::other_root) || is_own_damage(added.error())))
            return drop_half_loaded(added.error(), now_us, out);
        if (!added.ok()) return refuse();
        bytes_ += message.chunk.size();
        hope(now_us);
    } else if (!is_first) {
        return;  // An answer that came twice.
    }
    came_forward(now_us);
    go_on(now_us, out);
}

/// Nothing can be built on what is here of it, whoever gives the rest.
void StateSync::drop_half_loaded(const Error& why, uint64_t now_us, SyncOutput& out) {
    const auto erased = erase_ledger(key_value_, *loading_);
    fail_with(erased.ok() ? why : erased.error(), now_us, out);
}

}  // namespace tally::node
