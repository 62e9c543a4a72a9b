#include "sim/replay.hpp"

#include <algorithm>
#include <deque>

#include "crypto/merkle.hpp"
#include "ledger/execution.hpp"

namespace tally::sim {
namespace {

class MapState : public StateView {
public:
    Result<std::optional<Bytes>> get(ByteView key) const override {
        const auto found = values_.find(key);
        if (found == values_.end()) return std::optional<Bytes>();
        return std::optional<Bytes>(found->second);
    }
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override {
        for (auto at = values_.lower_bound(from); at != values_.end(); ++at) {
            if (!to.empty() && compare(at->first, to) >= 0) break;
            if (!each(at->first, at->second)) break;
        }
        return success();
    }
    void apply(const std::vector<ledger::Write>& writes) {
        for (const ledger::Write& write : writes) {
            values_.erase(write.key);
            if (write.value) values_[write.key] = *write.value;
        }
    }

private:
    std::map<Bytes, Bytes, BytesLess> values_;
};

template <class List>
Hash root_over(const List& list) {
    std::vector<Hash> leaves;
    for (const auto& element : list) leaves.push_back(merkle_leaf(cbor::encode(element)));
    return merkle_root(leaves);
}

class Replay {
public:
    Replay(const model::Charter& charter, const std::vector<model::Decision>& log,
           const std::vector<const Chain*>& chains, const FindBody& find_body,
           const OpenSealed& open, Findings& findings)
        : charter_(charter),
          network_(model::network_id_of(charter.body)),
          epochs_(charter),
          log_(log),
          find_body_(find_body),
          open_(open),
          findings_(findings),
          cut_(charter.body.participants.size()),
          tip_times_(charter.body.participants.size()),
          time_(charter.body.genesis_time) {
        for (const Chain* chain : chains) ledgers_.emplace_back(chain, no_pages_);
    }

    bool run() {
        for (size_t i = 0; i < ledgers_.size(); ++i) {
            if (!genesis({uint16_t(i)})) return false;
        }
        for (const model::Decision& decision : log_) {
            if (!slot(decision)) return false;
        }
        return true;
    }

    [[nodiscard]] Replayed outcome() const { return {dropped_, pauses_, late_, held_back_}; }

private:
    struct Ledger {
        Ledger(const Chain* blocks, const tree::PageSource& pages) : chain(blocks), tree(pages) {}
        const Chain* chain;
        MapState state;
        tree::Tree tree;
        Height height;
        Hash header;
        std::map<Participant, std::pair<Slot, Micros>> disputes;
        std::optional<std::pair<Slot, Micros>> window;  ///< open since then
    };
    struct Item {
        model::ListEntry place;
        model::CheckedEnvelope envelope;
        size_t bytes = 0;
    };
    struct Held {
        Slot decided;
        Micros due;
        model::ManifestEntry batch;
        std::vector<std::pair<LedgerIndex, Item>> items;
    };

    bool differs(const std::string& what) {
        findings_.add("equal to a replay from the charter", what);
        return false;
    }
    std::string at(LedgerIndex index, Height height) const {
        return charter_.body.ledgers[index.value].name + "/" + std::to_string(height.value);
    }

    bool compare_block(LedgerIndex index, const model::LedgerHeader& mine) {
        const Chain& chain = *ledgers_[index.value].chain;
        const auto found = chain.find(mine.height);
        // The last blocks may not have been executed by anyone yet.
        if (found == chain.end()) return chain.empty() || mine.height > chain.rbegin()->first;
        const model::LedgerHeader& theirs = found->second.header;
        if (theirs == mine) return true;
        std::string fields;
        if (theirs.parent != mine.parent) fields += " parent";
        if (theirs.slot != mine.slot) fields += " slot";
        if (theirs.time != mine.time) fields += " time";
        if (theirs.manifest_root != mine.manifest_root) fields += " manifest";
        if (theirs.list_root != mine.list_root) fields += " list";
        if (theirs.results_root != mine.results_root) fields += " results";
        if (theirs.openings_root != mine.openings_root) fields += " openings";
        if (theirs.state_before != mine.state_before) fields += " state_before";
        if (theirs.state_after != mine.state_after) fields += " state_after";
        if (theirs.trace_root != mine.trace_root) fields += " trace";
        if (theirs.execution_commitment != mine.execution_commitment) fields += " commitment";
        return differs(at(index, mine.height) + ":" + fields);
    }

    bool finish(LedgerIndex index, model::LedgerHeader header, const ledger::Execution& done,
                const model::Openings& openings) {
        Ledger& ledger = ledgers_[index.value];
        ledger.state.apply(done.writes);
        header.ledger = index;
        header.results_root = done.results_root();
        header.results_count = uint32_t(done.results.size());
        header.openings_root = model::openings_root_of(openings);
        header.state_before = done.state_before;
        header.state_after = done.state_after;
        header.trace_root = done.trace_root();
        header.segments = uint32_t(done.trace.size());
        header.execution_commitment = done.execution_commitment();
        ledger.height = header.height;
        ledger.header = header.hash();
        return compare_block(index, header);
    }

    bool genesis(LedgerIndex index) {
        Ledger& ledger = ledgers_[index.value];
        const auto done =
            ledger::genesis(ledger.tree, charter_.body.ledgers[index.value], network_);
        if (!done.ok()) return differs("genesis: " + done.error().message());
        model::LedgerHeader header;
        header.time = charter_.body.genesis_time;
        header.manifest_root = root_over(model::Manifest{});
        header.list_root = root_over(model::Manifest{});
        return finish(index, header, *done, {});
    }

    bool slot(const model::Decision& decision) {
        const model::Block& block = decision.block;
        slot_ = block.slot;
        then_ = &epochs_.body_at(block.slot);
        for (size_t i = 0; i < ledgers_.size(); ++i) count_disputes({uint16_t(i)}, block);
        std::vector<std::vector<Item>> lists(ledgers_.size());
        model::Manifest manifest;
        cut_.resize(block.cut.size());
        tip_times_.resize(block.cut.size());
        liars_ = epochs_.at(block.slot).quorum().liars_max;
        std::vector<Micros> tip_times = tip_times_;
        for (size_t lane = 0; lane < block.cut.size(); ++lane) {
            if (!read_lane({uint8_t(lane)}, decision, tip_times[lane])) return false;
        }
        release(block, manifest, lists);
        for (size_t i = 0; i < ledgers_.size(); ++i) {
            if (!lists[i].empty() && !execute({uint16_t(i)}, block, manifest, lists[i]))
                return false;
        }
        cut_ = block.cut;
        tip_times_ = tip_times;
        time_ = block.time;
        return true;
    }

    /// Disputes of more than f_p provers, each younger than a window, open a window.
    void count_disputes(LedgerIndex index, const model::Block& block) {
        Ledger& ledger = ledgers_[index.value];
        const auto& parameters = then_->parameters;
        const auto is_over = [&](const std::pair<Slot, Micros>& since) {
            return block.slot.value >= since.first.value + parameters.dispute_window_slots &&
                   block.time.value >= since.second.value + parameters.dispute_window_us;
        };
        if (ledger.window && is_over(*ledger.window)) {
            ledger.window.reset();
            ledger.disputes.clear();
        }
        if (!ledger.window)
            std::erase_if(ledger.disputes, [&](const auto& one) { return is_over(one.second); });
        for (const auto& dispute : block.control) {
            if (dispute.body.ledger != index) continue;
            ledger.disputes[dispute.signer] = {block.slot, block.time};
            const size_t liars = (then_->ledgers[index.value].provers.size() - 1) / 3;
            if (!ledger.window && ledger.disputes.size() > liars)
                ledger.window = {block.slot, block.time};
        }
    }

    /// What is due in this slot of all that was decided.
    void release(const model::Block& block, model::Manifest& manifest,
                 std::vector<std::vector<Item>>& lists) {
        std::vector<Held> still;
        for (Held& one : held_) {
            if (one.due > block.time && !block.ends_epoch()) {
                still.push_back(std::move(one));
                continue;
            }
            held_back_ += one.decided < block.slot ? 1 : 0;
            manifest.push_back(one.batch);
            for (auto& [ledger, item] : one.items) lists[ledger.value].push_back(std::move(item));
        }
        held_ = std::move(still);
        std::sort(manifest.begin(), manifest.end(), [](const auto& a, const auto& b) {
            return std::pair(a.lane, a.height) < std::pair(b.lane, b.height);
        });
    }

    bool read_lane(Participant lane, const model::Decision& decision, Micros& tip_time) {
        const model::CutEntry& before = cut_[lane.value];
        const model::CutEntry& tip = decision.block.cut[lane.value];
        if (tip.height == before.height) return true;
        // From the tip downwards: each header names its parent and the parent's certificate.
        std::vector<std::pair<model::BatchBody, model::LaneCertificate>> batches;
        Hash wanted = tip.header;
        std::optional<model::LaneCertificate> certificate;
        for (const auto& one : decision.certificates) {
            if (one.digest() == tip.certificate) certificate = one;
        }
        for (uint64_t height = tip.height.value; height > before.height.value; --height) {
            const std::string where =
                "lane " + std::to_string(lane.value) + " batch " + std::to_string(height);
            if (!certificate) return differs(where + " has no certificate");
            auto body = find_body_(lane, {height}, wanted);
            if (!body) return differs(where + " is not kept");
            wanted = body->header.parent;
            auto previous = body->header.previous;
            batches.emplace_back(std::move(*body), *certificate);
            certificate = std::move(previous);
        }
        tip_time = model::time_of(batches.front().second, liars_);
        Micros time = tip_times_[lane.value];
        for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
            time = std::max(model::time_of(batch->second, liars_), time.next());
            add_batch(batch->first, batch->second, time, decision.block.time);
        }
        return true;
    }

    void add_batch(const model::BatchBody& body, const model::LaneCertificate& certificate,
                   Micros time, Micros decided) {
        const auto items = cbor::decode<model::Batch>(body.bytes);
        const bool late = time.value + then_->parameters.late_after_us < time_.value;
        Held& held = held_.emplace_back();
        held.decided = slot_;
        held.due = {std::min(time, decided).value + then_->parameters.hold_us};
        held.batch = {body.header.lane, body.header.height, certificate.digest(), time, late,
                      !items.ok()};
        late_ += late ? 1 : 0;
        sealing_ =
            model::sealing_keys_of(body.header.da.epoch, epochs_.body_of(body.header.da.epoch));
        if (!items.ok()) return;
        for (uint32_t position = 0; position < items->size(); ++position) {
            const model::BatchItem& item = (*items)[position];
            if (item.ledger.value >= ledgers_.size()) continue;
            const std::string& name = charter_.body.ledgers[item.ledger.value].name;
            Item entry;
            entry.envelope = model::check_envelope(item.envelope, network_, name, &sealing_);
            entry.bytes = item.envelope.size();
            entry.place = {
                late, time, body.header.lane, body.header.height, position, entry.envelope.id};
            held.items.emplace_back(item.ledger, std::move(entry));
        }
    }

    bool execute(LedgerIndex index, const model::Block& block, const model::Manifest& manifest,
                 std::vector<Item>& items) {
        Ledger& ledger = ledgers_[index.value];
        const auto next = ledger.chain->find(ledger.height.next());
        const uint64_t lag = ledger.height.value - block.highest_carried[index.value].value;
        const bool lags = lag > then_->parameters.pause_after_blocks;
        if (lags) ++pauses_.by_lag;
        if (ledger.window) ++pauses_.by_disputes;
        if (lags || ledger.window) {
            if (next != ledger.chain->end() && next->second.header.slot == block.slot)
                return differs(at(index, ledger.height.next()) + " in a slot where it is paused");
            for (const Item& item : items) dropped_.insert(item.place.transaction);
            return true;
        }

        std::sort(items.begin(), items.end(),
                  [](const Item& a, const Item& b) { return a.place < b.place; });
        std::vector<ledger::Entry> entries;
        cbor::List<model::ListEntry, 1u << 20> list;
        for (const Item& item : items) {
            entries.push_back({&item.envelope, item.bytes, nullptr, item.place.lane});
            list.push_back(item.place);
        }
        const ledger::BlockContext context{ledger.height.next(),
                                           block.time,
                                           epochs_.at(block.slot).epoch,
                                           then_->parameters.expire_ahead_ms,
                                           false,
                                           {}};
        const auto to_open = ledger::entries_to_open(ledger.tree, context, entries);
        if (!to_open.ok()) return differs("what is to be opened: " + to_open.error().message());
        std::deque<model::Opened> opened;
        model::Openings openings;
        for (const uint32_t i : *to_open) {
            opened.push_back(open_(*entries[i].envelope->transaction, sealing_));
            openings.push_back({i, opened.back().key});
            entries[i].opened = &opened.back();
        }
        const auto done = ledger::execute(ledger.state, ledger.tree, context, entries);
        if (!done.ok()) return differs("execution: " + done.error().message());
        model::LedgerHeader header;
        header.height = ledger.height.next();
        header.parent = ledger.header;
        header.slot = block.slot;
        header.time = block.time;
        header.manifest_root = root_over(manifest);
        header.list_root = root_over(list);
        header.list_count = uint32_t(list.size());
        return finish(index, header, *done, openings);
    }

    const model::Charter& charter_;
    const Hash network_;
    const model::Epochs epochs_;
    const std::vector<model::Decision>& log_;
    const FindBody& find_body_;
    const OpenSealed& open_;
    Findings& findings_;
    tree::NoPages no_pages_;
    std::deque<Ledger> ledgers_;
    std::set<Hash> dropped_;
    Replayed::Pauses pauses_;
    uint64_t late_ = 0, held_back_ = 0;
    Slot slot_;
    // Of the slot's epoch.
    const model::CharterBody* then_ = nullptr;
    uint32_t liars_ = 0;
    model::SealingKeys sealing_;
    std::vector<Held> held_;  ///< decided, and not due yet
    // After the slot before.
    model::Cut cut_;
    std::vector<Micros> tip_times_;
    Micros time_;
};

}  // namespace

Replayed replay(const model::Charter& charter, const std::vector<model::Decision>& log,
                const std::vector<const Chain*>& chains, const FindBody& find_body,
                const OpenSealed& open, Findings& findings) {
    Replay all(charter, log, chains, find_body, open, findings);
    (void)all.run();
    return all.outcome();
}

}  // namespace tally::sim
