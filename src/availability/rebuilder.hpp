// Rebuilder: decided batches that are not here any more, or not as they were decided, from the
// others' cells (docs/protocol.md, section 1, "Keep").
//
// A pure machine beside availability::Machine, which reads what is new: this one is told which
// batch it is, by its place and its header's hash, and does not care what comes before or after.
// What comes out is whole or void, as for every reader. No input can make it abort, and all that it
// keeps is bounded.
#pragma once

#include "availability/retrieval.hpp"
#include "model/effects.hpp"
#include "model/messages.hpp"

namespace tally::availability {

/// A batch that was wanted is here.
struct Rebuilt {
    std::shared_ptr<const HeldBatch> batch;
};
using RebuilderEffects = model::EffectList<Rebuilt>;

class Rebuilder {
public:
    /// Batches that are asked for at one time.
    static constexpr size_t wanted_max = 32;

    struct Config {
        Asker asker;
        Epoch epoch;
        std::shared_ptr<const Coder> coder;
        StoredCells stored_cells;
    };
    explicit Rebuilder(Config config) : config_(std::move(config)) {}

    /// Asks for this batch from the next tick on, until it is here. False if it is not asked for:
    /// there are too many, or nobody to ask.
    bool want(Participant lane, const LanePlace& place, uint64_t now_us);
    [[nodiscard]] bool wants(Participant lane, const LanePlace& place) const {
        return wanted_.contains({lane, place});
    }
    /// Asks no more for those for which this says false.
    template <class IsWanted>
    void keep_only(const IsWanted& is_wanted) {
        std::erase_if(wanted_, [&](const auto& one) {
            return !is_wanted(one.first.first, one.first.second);
        });
    }
    /// How many are asked for.
    [[nodiscard]] size_t size() const { return wanted_.size(); }

    /// True iff it was of a batch that is wanted. What does not verify is as good as none.
    bool on_cells(Participant from, const model::BatchCells& message, uint64_t now_us,
                  RebuilderEffects& effects);
    bool on_body(const model::BatchBody& body, RebuilderEffects& effects);
    void on_tick(uint64_t now_us, RebuilderEffects& effects);
    [[nodiscard]] uint64_t next_wakeup_us() const;
    /// Of what was answered, how much did not verify.
    [[nodiscard]] uint64_t refused() const { return refused_; }

private:
    using Key = std::pair<Participant, LanePlace>;
    struct Wanted {
        Fetch fetch;
        std::optional<Gathering> gathering;
    };
    void ask_for(const Key& key, Wanted& wanted, uint64_t now_us, RebuilderEffects& effects);
    [[nodiscard]] std::map<Key, Wanted>::iterator find(const model::BatchHeader& header);
    [[nodiscard]] bool follow(const model::BatchHeader& header) const;

    Config config_;
    std::map<Key, Wanted> wanted_;
    uint64_t refused_ = 0;
};

}  // namespace tally::availability
