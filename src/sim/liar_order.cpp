// Liars that would have another order: by false times, by which acknowledgements vouch for a batch,
// or by when its certificate is shown.
#include <algorithm>

#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

/// What its acknowledgements say is made inside (availability::Canaries).
class BackdaterMouth : public Mouth {
public:
    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        static const auto kind =
            uint8_t(model::Message(model::Signed<model::Acknowledgement>{}).index());
        if (kind_of_message(*message) == kind) act();
        return {message};
    }
};

/// Chooses among more than a quorum inside (availability::Canaries). One that has two faces shows
/// every other participant a certificate of the same batch with the latest times.
class CherryPickerMouth : public Mouth {
public:
    explicit CherryPickerMouth(const MouthSeat& seat)
        : has_two_faces_(has_two_faces(seat.scenario, seat.self)),
          self_(seat.self),
          votes_min_(seat.set.quorum().votes_min) {}

    void hear(Participant from, const Message& message) override {
        const auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return;
        const auto* said = std::get_if<model::Signed<model::Acknowledgement>>(&*decoded);
        if (said == nullptr || said->body.lane != self_ || said->signer != from) return;
        if (said->body.header != header_) parts_.clear();
        header_ = said->body.header;
        parts_[from] = {from, said->body.time, said->signature};
    }

    std::vector<Message> say(Participant to, const Message& message, uint64_t) override {
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        auto* own = std::get_if<model::LaneCertificate>(&*decoded);
        if (own == nullptr || own->lane != self_ || own->header != header_) return {message};
        for (const auto& part : own->parts) parts_[part.signer] = part;
        if (parts_.size() <= votes_min_) return {message};
        act();
        if (!has_two_faces_ || to.value % 2 == 0) return {message};
        own->parts.clear();
        for (const auto& part : latest()) own->parts.push_back(part);
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

private:
    [[nodiscard]] std::vector<model::AcknowledgementPart> latest() const {
        std::vector<model::AcknowledgementPart> parts;
        for (const auto& [signer, part] : parts_) parts.push_back(part);
        std::sort(parts.begin(), parts.end(),
                  [](const auto& a, const auto& b) { return a.time > b.time; });
        parts.resize(votes_min_);
        std::sort(parts.begin(), parts.end(),
                  [](const auto& a, const auto& b) { return a.signer < b.signer; });
        return parts;
    }

    bool has_two_faces_;
    Participant self_;
    uint32_t votes_min_;
    Hash header_;  ///< of the batch whose acknowledgements these are
    std::map<Participant, model::AcknowledgementPart> parts_;
};

/// Keeps the certificates of its own lane to itself for a while, and all that would show them, so
/// that a batch which a quorum dated is cut when later ones of others are.
class CertificateWithholderMouth : public Mouth {
public:
    explicit CertificateWithholderMouth(const MouthSeat& seat)
        : ticks_withheld_(withheld_us_of(seat.scenario, seat.self) / tick_us),
          self_(seat.self),
          set_(seat.set),
          signer_(seat.signer) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        if (const auto* certificate = shown_in(*decoded);
            certificate && certificate->lane == self_ && certificate->height > shown_) {
            withhold(*certificate);
            return {};
        }
        auto* report = std::get_if<model::Signed<model::Report>>(&*decoded);
        if (report == nullptr || report->signer != self_ ||
            self_.value >= report->body.lanes.size() || report->body.lanes[self_.value] <= shown_)
            return {message};
        report->body.lanes[self_.value] = shown_;
        *report = model::sign(set_, self_, signer_, report->body);
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

    std::vector<Addressed> speak() override {
        ++tick_;
        if (!withheld_ || tick_ < withheld_since_ + ticks_withheld_) return {};
        shown_ = withheld_->height;
        const auto message =
            std::make_shared<const Bytes>(model::encode_message(model::Message(*withheld_)));
        withheld_.reset();
        std::vector<Addressed> said;
        for (uint32_t place = 0; place < set_.places(); ++place)
            said.push_back({{uint8_t(place)}, message});
        return said;
    }
    uint64_t speaks_after_us() override { return tick_us; }

private:
    static constexpr uint64_t tick_us = 10'000;

    /// The certificate of a lane that such a message shows.
    [[nodiscard]] static const model::LaneCertificate* shown_in(const model::Message& message) {
        if (const auto* wake = std::get_if<model::Wake>(&message))
            return std::get_if<model::LaneCertificate>(&wake->work);
        const auto* fragment = std::get_if<model::Fragment>(&message);
        if (fragment && fragment->header.previous) return &*fragment->header.previous;
        return std::get_if<model::LaneCertificate>(&message);
    }

    void withhold(const model::LaneCertificate& certificate) {
        act();
        if (withheld_ && withheld_->height >= certificate.height) return;
        withheld_ = certificate;
        withheld_since_ = tick_;
    }

    uint64_t ticks_withheld_;
    Participant self_;
    const model::Signatories& set_;
    const Signer& signer_;
    LaneHeight shown_;
    std::optional<model::LaneCertificate> withheld_;
    uint64_t withheld_since_ = 0;
    uint64_t tick_ = 0;
};

}  // namespace

uint64_t backdated_us_of(const Scenario& scenario, Participant liar) {
    // From within the clocks' skew to what no honest clock would ever say.
    return 1'000 * Random(scenario.seed, stream_of("backdated", liar.value)).between(5, 200) *
           (hash(scenario.seed, stream_of("long ago"), liar.value) % 3 == 0 ? 1'000 : 1);
}

uint64_t withheld_us_of(const Scenario& scenario, Participant liar) {
    return Random(scenario.seed, stream_of("withheld", liar.value)).between(50'000, 2'000'000);
}

bool has_two_faces(const Scenario& scenario, Participant liar) {
    return hash(scenario.seed, stream_of("two faces"), liar.value) % 3 == 0;
}

availability::Canaries dating_of(const Scenario& scenario, const Liar& liar) {
    using Pick = availability::Canaries::Pick;
    if (liar.kind == LiarKind::backdater)
        return {backdated_us_of(scenario, liar.participant), Pick::first};
    if (liar.kind != LiarKind::cherry_picker) return {};
    const bool earliest = has_two_faces(scenario, liar.participant) ||
                          hash(scenario.seed, stream_of("earliest"), liar.participant.value) % 2;
    return {0, earliest ? Pick::earliest : Pick::latest};
}

std::unique_ptr<Mouth> make_backdater() {
    return std::make_unique<BackdaterMouth>();
}
std::unique_ptr<Mouth> make_cherry_picker(const MouthSeat& seat) {
    return std::make_unique<CherryPickerMouth>(seat);
}
std::unique_ptr<Mouth> make_certificate_withholder(const MouthSeat& seat) {
    return std::make_unique<CertificateWithholderMouth>(seat);
}

}  // namespace tally::sim
