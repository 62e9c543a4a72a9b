// Spammer: as many messages as the simulation can bear, whole ones and broken ones.
#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

/// Takes part as everybody does. Beside that it asks for everything, answers what nobody asked,
/// wakes for nothing, signs statements of places that are far away, repeats what it heard, and
/// sends bytes that are no message.
class SpammerMouth : public Mouth {
public:
    explicit SpammerMouth(const MouthSeat& seat)
        : random_(seat.scenario.seed, stream_of("spammer", seat.self.value)),
          self_(seat.self),
          set_(seat.set),
          signer_(seat.signer),
          period_us_(random_.between(10'000, 150'000)),
          burst_max_(random_.between(1, 10)) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        keep(message);
        return {message};
    }
    void hear(Participant, const Message& message) override { keep(message); }

    /// No more than a slow line carries.
    std::vector<Addressed> speak() override {
        constexpr size_t burst_bytes_max = 100'000;
        std::vector<Addressed> said;
        size_t bytes = 0;
        const uint64_t count = random_.between(1, burst_max_);
        for (uint64_t i = 0; i < count && bytes < burst_bytes_max; ++i) {
            const auto message = std::make_shared<const Bytes>(draw_message());
            const Participant to{uint8_t(random_.below(set_.places()))};
            const bool to_all = random_.chance(0.2);
            for (uint32_t place = 0; place < set_.places(); ++place) {
                const Participant peer{uint8_t(place)};
                if (peer == self_ || (!to_all && peer != to)) continue;
                said.push_back({peer, message});
                bytes += message->size();
                act();
            }
        }
        return said;
    }
    uint64_t speaks_after_us() override { return period_us_ / 2 + random_.below(period_us_); }

private:
    void keep(const Message& message) {
        constexpr size_t kept_max = 64;
        if (const auto decoded = model::decode_message(*message); decoded.ok()) note(*decoded);
        if (kept_.size() < kept_max) return kept_.push_back(message);
        if (random_.chance(0.1)) kept_[random_.below(kept_max)] = message;
    }
    /// How far the network is, so that some of the spam is near enough to be believed.
    void note(const model::Message& message) {
        if (const auto* heartbeat = std::get_if<model::Heartbeat>(&message))
            slot_ = std::max(slot_, std::min<uint64_t>(heartbeat->slot.value, slot_ + 100));
        if (const auto* lane = std::get_if<model::LaneCertificate>(&message)) lane_ = *lane;
        if (const auto* block = std::get_if<model::BlockCertificate>(&message)) block_ = *block;
    }

    [[nodiscard]] Bytes draw_message() {
        switch (random_.below(8)) {
        case 0: return random_.bytes(random_.between(0, 2'000));
        case 1: return broken();
        case 2:
        case 3: return kept_.empty() ? Bytes{} : *kept_[random_.below(kept_.size())];
        case 4: return model::encode_message(draw_question());
        case 5: return model::encode_message(draw_answer());
        case 6: return model::encode_message(draw_wake());
        default: return model::encode_message(draw_statement());
        }
    }
    Bytes broken() {
        if (kept_.empty()) return {};
        Bytes bytes = *kept_[random_.below(kept_.size())];
        if (bytes.empty()) return bytes;
        if (random_.chance(0.5)) {
            bytes.resize(random_.below(bytes.size()));
        } else {
            bytes[random_.below(bytes.size())] ^= uint8_t(random_.between(1, 255));
        }
        return bytes;
    }

    /// Where the network is, or somewhere near, or anywhere.
    uint64_t number_near(uint64_t here) {
        switch (random_.below(4)) {
        case 0: return random_.next();
        case 1: return random_.below(here + 2);
        default: return here + random_.below(4);
        }
    }
    Slot slot() { return {number_near(slot_)}; }
    View view() { return {uint32_t(random_.chance(0.7) ? random_.below(3) : random_.next())}; }
    Hash any_hash() { return sha256(random_.bytes(8)); }
    Participant lane() { return {uint8_t(random_.below(set_.places() + 1))}; }
    LaneHeight lane_height() { return {number_near(lane_.height.value)}; }
    LedgerIndex ledger() { return {uint16_t(random_.below(3))}; }
    Height height() { return {number_near(block_.height.value)}; }

    model::Message draw_question() {
        switch (random_.below(7)) {
        case 6:
            return model::FetchCellLeaf{lane(), lane_height(), lane_.header,
                                        uint16_t(random_.next()), uint16_t(random_.below(3))};
        case 0: return model::FetchDecisions{slot(), uint16_t(random_.next())};
        case 1: return model::FetchBlock{slot(), any_hash()};
        case 2: return model::FetchLaneCertificate{lane(), lane_height()};
        case 3: return model::FetchBatch{lane(), lane_height(), lane_.header};
        case 4: return model::FetchCells{lane(), lane_height(), lane_.header};
        default: return model::FetchBlockCertificate{ledger(), height()};
        }
    }
    model::Message draw_answer() {
        switch (random_.below(7)) {
        case 6: {
            model::BatchCellLeaf leaf{lane(), lane_height(), lane_.header, {}};
            leaf.leaf.cell = uint16_t(random_.below(200));
            static_cast<Bytes&>(leaf.leaf.bytes) = random_.bytes(random_.below(1'025));
            return leaf;
        }
        case 0: {
            model::BatchBody body;
            body.header = draw_header();
            static_cast<Bytes&>(body.bytes) = random_.bytes(random_.below(8'000));
            return body;
        }
        case 1: {
            model::BlockBody body;
            body.block.slot = slot();
            body.block.cut.resize(set_.places());
            return body;
        }
        case 2: {
            model::Decisions decisions;
            decisions.list.resize(random_.below(5));
            for (auto& one : decisions.list) one.block.slot = slot();
            return decisions;
        }
        case 3: {
            model::BatchCells cells;
            cells.header = draw_header();
            cells.cells.holder = self_;
            static_cast<Bytes&>(cells.cells.bytes) = random_.bytes(random_.below(8'000));
            return cells;
        }
        case 4: {
            model::LaneCertificate certificate = lane_;
            certificate.height = lane_height();
            return certificate;
        }
        default: {
            model::BlockCertificate certificate = block_;
            certificate.height = height();
            return certificate;
        }
        }
    }
    model::Message draw_wake() {
        switch (random_.below(3)) {
        case 0: return model::Wake{slot(), lane_};
        case 1: return model::Wake{slot(), block_};
        default: return model::Wake{slot(), sign(model::Dispute{ledger(), height(), any_hash()})};
        }
    }
    model::Message draw_statement() {
        switch (random_.below(9)) {
        case 0: {
            model::Report report;
            report.slot = slot();
            report.view = view();
            report.lanes.resize(set_.places());
            for (auto& tip : report.lanes) tip = lane_height();
            report.time = {random_.next()};
            return sign(report);
        }
        case 1: return sign(model::PrepareVote{slot(), view(), any_hash()});
        case 2: return sign(model::CommitVote{slot(), view(), any_hash()});
        case 3: return model::TimeoutMessage{sign(model::Timeout{slot(), view(), {}, {}}), {}};
        case 4: return sign(model::Acknowledgement{lane(), lane_height(), any_hash(), {slot_}});
        case 5:
            return sign(model::Attestation{ledger(), height(), uint32_t(random_.below(3)),
                                           any_hash(), any_hash()});
        case 6: return sign(model::Dispute{ledger(), height(), any_hash()});
        case 7: return model::Heartbeat{slot(), view(), any_hash(), {uint32_t(random_.below(3))}};
        default: {
            model::Fragment fragment;
            fragment.header = draw_header();
            const model::BatchClaim claim{fragment.header.lane, fragment.header.height,
                                          fragment.header.hash()};
            fragment.author = signer_.sign(model::signed_bytes(set_, self_, claim));
            return fragment;
        }
        }
    }
    model::BatchHeader draw_header() {
        model::BatchHeader header;
        header.lane = random_.chance(0.7) ? self_ : lane();
        header.height = lane_height();
        header.parent = any_hash();
        header.da.participants = uint8_t(set_.count());
        header.da.length = uint32_t(random_.next());
        header.da.lane = header.lane;
        header.da.height = header.height;
        return header;
    }
    template <class Body>
    model::Signed<Body> sign(Body body) {
        return model::sign(set_, self_, signer_, std::move(body));
    }

    Random random_;
    Participant self_;
    const model::Signatories& set_;
    const Signer& signer_;
    uint64_t period_us_;
    uint64_t burst_max_;
    std::vector<Message> kept_;
    uint64_t slot_ = 0;
    model::LaneCertificate lane_;
    model::BlockCertificate block_;
};

}  // namespace

std::unique_ptr<Mouth> make_spammer(const MouthSeat& seat) {
    return std::make_unique<SpammerMouth>(seat);
}

}  // namespace tally::sim
