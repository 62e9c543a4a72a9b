// A liar about sealed transactions: it says that good boxes are bad, and that other shares are its
// own, or nothing.
#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

class FalseOpenerMouth : public Mouth {
public:
    explicit FalseOpenerMouth(const MouthSeat& seat)
        : random_(seat.scenario.seed, stream_of("false opener", seat.self.value)),
          self_(seat.self),
          set_(seat.set),
          signer_(seat.signer) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        static const auto kind = uint8_t(model::Message(model::SharesOfBlock{}).index());
        if (kind_of_message(*message) != kind) return {message};
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        auto& said = std::get<model::SharesOfBlock>(*decoded);
        if (random_.chance(0.2)) {
            act();
            return {};
        }
        for (model::SealedShare& share : said.shares) lie(said, share);
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

private:
    void lie(const model::SharesOfBlock& of, model::SealedShare& share) {
        if (share.holder != self_ || random_.chance(0.3)) return;
        act();
        switch (random_.below(4)) {
        case 0:
            // It does not know what the word is to be about, and is refused.
            share.share = word(of, share.index, Hash{});
            break;
        case 1: std::swap(share.holder.value, first_holder_.value); break;
        case 2: ++share.index; break;
        default: {
            Scalar other{};
            const Bytes bytes = random_.bytes(other.size());
            std::copy(bytes.begin(), bytes.end(), other.begin());
            share.share = other;
        }
        }
    }
    [[nodiscard]] model::BadBoxSaid word(const model::SharesOfBlock& of, uint32_t index,
                                         const Hash& commitment) const {
        const auto bad =
            model::sign(set_, self_, signer_, model::BadBox{of.ledger, of.slot, index, commitment});
        return {set_.epoch, bad.signature};
    }

    Random random_;
    Participant self_;
    Participant first_holder_{};
    const model::Signatories& set_;
    const Signer& signer_;
};

}  // namespace

std::unique_ptr<Mouth> make_false_opener(const MouthSeat& seat) {
    return std::make_unique<FalseOpenerMouth>(seat);
}

}  // namespace tally::sim
