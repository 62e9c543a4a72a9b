// A liar that would keep one lane out of every cut.
#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

/// Acknowledges nothing of the lane, passes nothing of it on, and reports that it has nothing. As a
/// leader it takes the Reports that know least of it (ordering::Canaries).
class CensorMouth : public Mouth {
public:
    explicit CensorMouth(const MouthSeat& seat)
        : victim_(victim_of(seat.scenario, seat.self)),
          self_(seat.self),
          set_(seat.set),
          signer_(seat.signer) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        if (is_of_victim(*decoded)) {
            act();
            return {};
        }
        auto* report = std::get_if<model::Signed<model::Report>>(&*decoded);
        if (report == nullptr || report->signer != self_ ||
            victim_.value >= report->body.lanes.size())
            return {message};
        report->body.lanes[victim_.value] = {};
        *report = model::sign(set_, self_, signer_, report->body);
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

private:
    [[nodiscard]] bool is_of_victim(const model::Message& message) const {
        if (const auto* own = std::get_if<model::Signed<model::Acknowledgement>>(&message))
            return own->body.lane == victim_;
        if (const auto* certificate = std::get_if<model::LaneCertificate>(&message))
            return certificate->lane == victim_;
        if (const auto* wake = std::get_if<model::Wake>(&message)) {
            const auto* work = std::get_if<model::LaneCertificate>(&wake->work);
            return work != nullptr && work->lane == victim_;
        }
        if (const auto* cells = std::get_if<model::BatchCells>(&message))
            return cells->header.lane == victim_;
        if (const auto* leaf = std::get_if<model::BatchCellLeaf>(&message))
            return leaf->lane == victim_;
        const auto* body = std::get_if<model::BatchBody>(&message);
        return body != nullptr && body->header.lane == victim_;
    }

    Participant victim_;
    Participant self_;
    const model::Signatories& set_;
    const Signer& signer_;
};

}  // namespace

Participant victim_of(const Scenario& scenario, Participant censor) {
    const uint64_t draw = hash(scenario.seed, stream_of("victim", censor.value), 0);
    const uint64_t step = 1 + draw % (scenario.participants - 1);
    return {uint8_t((censor.value + step) % scenario.participants)};
}

std::unique_ptr<Mouth> make_censor(const MouthSeat& seat) {
    return std::make_unique<CensorMouth>(seat);
}

}  // namespace tally::sim
