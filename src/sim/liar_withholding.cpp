// Liars that keep from others what they should give them.
#include <set>

#include "base/quorum.hpp"
#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

/// Some get what it sends and the others do not: the same few always, or for each kind of message
/// others, or others again after a while.
class SelectiveMouth : public Mouth {
public:
    explicit SelectiveMouth(const MouthSeat& seat)
        : seed_(seat.scenario.seed), self_(seat.self), participants_(seat.set.places()) {
        Random random(seed_, stream_of("selective", self_.value));
        by_kind_ = random.below(3) != 0;
        period_us_ = random.chance(0.5) ? UINT64_MAX : random.between(300'000, 3'000'000);
    }

    std::vector<Message> say(Participant to, const Message& message, uint64_t now_us) override {
        const uint64_t kind = by_kind_ ? kind_of_message(*message).value_or(UINT8_MAX) : 0;
        if (contains(favoured(kind, now_us / period_us_), to)) return {message};
        act();
        return {};
    }

private:
    [[nodiscard]] ParticipantSet favoured(uint64_t kind, uint64_t period) const {
        const ParticipantSet all = ParticipantSet((uint64_t{1} << participants_) - 1);
        const uint64_t draw = hash(seed_, stream_of("favoured", self_.value, kind), period);
        return ParticipantSet(draw) & all;
    }

    uint64_t seed_;
    Participant self_;
    uint32_t participants_;
    bool by_kind_ = false;
    uint64_t period_us_ = UINT64_MAX;
};

/// Gives nobody what it is asked for, and its own batches to a bare quorum, itself among them: all
/// others must find them elsewhere.
class WithholdingMouth : public Mouth {
public:
    explicit WithholdingMouth(const MouthSeat& seat)
        : seed_(seat.scenario.seed),
          self_(seat.self),
          set_(seat.set),
          votes_min_(seat.set.quorum().votes_min) {}

    void hear(Participant from, const Message& message) override {
        constexpr size_t asked_max = 10'000;
        if (asked_.size() >= asked_max) asked_.clear();
        const auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return;
        if (const auto* lane = std::get_if<model::FetchLaneCertificate>(&*decoded))
            asked_.insert({from, false, lane->lane.value, lane->height.value});
        if (const auto* block = std::get_if<model::FetchBlockCertificate>(&*decoded))
            asked_.insert({from, true, block->ledger.value, block->height.value});
    }

    std::vector<Message> say(Participant to, const Message& message, uint64_t) override {
        const auto decoded = model::decode_message(*message);
        if (!decoded.ok() || !withholds(to, *decoded)) return {message};
        act();
        return {};
    }

private:
    [[nodiscard]] bool withholds(Participant to, const model::Message& message) {
        if (std::holds_alternative<model::BatchBody>(message) ||
            std::holds_alternative<model::BatchCells>(message) ||
            std::holds_alternative<model::BatchCellLeaf>(message) ||
            std::holds_alternative<model::BlockBody>(message) ||
            std::holds_alternative<model::Decisions>(message))
            return true;
        if (const auto* lane = std::get_if<model::LaneCertificate>(&message))
            return asked_.erase({to, false, lane->lane.value, lane->height.value}) > 0;
        if (const auto* block = std::get_if<model::BlockCertificate>(&message)) {
            // The answer may be of a later height than was asked for.
            const auto first = asked_.lower_bound({to, true, block->ledger.value, 0});
            if (first == asked_.end() ||
                *first > Asked{to, true, block->ledger.value, block->height.value})
                return false;
            asked_.erase(first);
            return true;
        }
        const auto* fragment = std::get_if<model::Fragment>(&message);
        return fragment && fragment->header.lane == self_ && !holds(to, fragment->header.height);
    }

    /// Whether `to` is one of the quorum that gets this batch; another quorum for each batch.
    [[nodiscard]] bool holds(Participant to, LaneHeight height) const {
        // The others from the one after it on, and where `to` is among them.
        uint64_t others = 0, place = 0;
        for (uint32_t step = 1; step < set_.places(); ++step) {
            const Participant other{uint8_t((self_.value + step) % set_.places())};
            if (!set_.has(other)) continue;
            if (other == to) place = others;
            ++others;
        }
        if (others == 0) return true;  // Not yet among them, or alone.
        const uint64_t first =
            hash(seed_, stream_of("bare quorum", self_.value), height.value) % others;
        return (place + others - first) % others < votes_min_ - 1;
    }

    using Asked = std::tuple<Participant, bool, uint64_t, uint64_t>;
    uint64_t seed_;
    Participant self_;
    const model::Signatories& set_;
    uint32_t votes_min_;
    std::set<Asked> asked_;  ///< by whom; of a block; lane or ledger; height
};

/// Has thrown away what it should keep, and says nothing when asked for it, or makes something up.
class DiscarderMouth : public Mouth {
public:
    explicit DiscarderMouth(const MouthSeat& seat)
        : random_(seat.scenario.seed, stream_of("discarder", seat.self.value)) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        static const auto cells_kind = uint8_t(model::Message(model::BatchCells{}).index());
        static const auto leaf_kind = uint8_t(model::Message(model::BatchCellLeaf{}).index());
        const auto kind = kind_of_message(*message);
        if (kind != cells_kind && kind != leaf_kind) return {message};
        act();
        auto decoded = model::decode_message(*message);
        if (!decoded.ok() || random_.chance(0.5)) return {};
        if (auto* cells = std::get_if<model::BatchCells>(&*decoded)) make_up(cells->cells.bytes);
        if (auto* leaf = std::get_if<model::BatchCellLeaf>(&*decoded)) make_up(leaf->leaf.bytes);
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

private:
    void make_up(Bytes& bytes) {
        for (uint8_t& byte : bytes) byte = uint8_t(byte ^ random_.between(1, 255));
    }
    Random random_;
};

}  // namespace

std::unique_ptr<Mouth> make_discarder(const MouthSeat& seat) {
    return std::make_unique<DiscarderMouth>(seat);
}
std::unique_ptr<Mouth> make_selective(const MouthSeat& seat) {
    return std::make_unique<SelectiveMouth>(seat);
}
std::unique_ptr<Mouth> make_withholder(const MouthSeat& seat) {
    return std::make_unique<WithholdingMouth>(seat);
}

}  // namespace tally::sim
