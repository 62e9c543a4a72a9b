// StaleCertificate: holds everything and speaks of what was. All its certificates are true ones.
#include <algorithm>

#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

/// Sends certificates, QCs, TCs, Reports and decisions of long ago again and again, reports less
/// than it holds, times out without the QC that it knows, and leads with old certificates.
class StaleMouth : public Mouth {
public:
    explicit StaleMouth(const MouthSeat& seat)
        : random_(seat.scenario.seed, stream_of("stale", seat.self.value)),
          seed_(seat.scenario.seed),
          period_us_(random_.between(80'000, 600'000)),
          self_(seat.self),
          set_(seat.set),
          signer_(seat.signer) {}

    void hear(Participant, const Message& message) override { remember(message); }

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        remember(message);
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        if (!std::visit([&](auto& said) { return make_stale(said); }, *decoded)) return {message};
        act();
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

    std::vector<Addressed> speak() override {
        std::vector<Addressed> said;
        const uint64_t count = random_.between(1, 3);
        for (uint64_t i = 0; i < count && !old_.empty(); ++i) {
            const Message& message = old_[random_.below(old_.size())];
            const Participant to{uint8_t(random_.below(set_.places()))};
            const bool to_all = random_.chance(0.3);
            for (uint32_t place = 0; place < set_.places(); ++place) {
                const Participant peer{uint8_t(place)};
                if (to_all || peer == to) said.push_back({peer, message});
            }
            act();
        }
        return said;
    }
    uint64_t speaks_after_us() override { return period_us_; }

private:
    /// Of each kind the very first, and some of those that came since.
    void remember(const Message& message) {
        constexpr size_t of_a_kind_max = 8;
        const auto kind = kind_of_message(*message);
        if (!kind || *kind >= seen_.size() || !is_worth_keeping(*kind)) return;
        const uint64_t count = ++seen_[*kind];
        if (count <= of_a_kind_max) {
            places_[*kind].push_back(old_.size());
            old_.push_back(message);
        } else if (random_.below(count) < of_a_kind_max) {
            old_[places_[*kind][random_.between(1, of_a_kind_max - 1)]] = message;
        }
        const auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return;
        if (const auto* tc = std::get_if<model::TimeoutCertificate>(&*decoded))
            keep(timeout_certificates_, *tc);
        if (const auto* block = std::get_if<model::BlockCertificate>(&*decoded))
            keep(block_certificates_, *block);
    }
    template <class T>
    void keep(std::vector<T>& list, const T& one) {
        constexpr size_t kept_max = 32;
        if (list.size() < kept_max) list.push_back(one);
    }

    [[nodiscard]] static bool is_worth_keeping(uint8_t kind) {
        static const auto kinds = [] {
            std::array<bool, std::variant_size_v<model::Message>> wanted{};
            for (const model::Message& message :
                 {model::Message(model::LaneCertificate{}), model::Message(model::PrepareQC{}),
                  model::Message(model::TimeoutCertificate{}), model::Message(model::Decisions{}),
                  model::Message(model::DecideMessage{}), model::Message(model::BlockCertificate{}),
                  model::Message(model::Signed<model::Report>{}),
                  model::Message(model::ProposalMessage{}), model::Message(model::TimeoutMessage{}),
                  model::Message(model::Wake{})})
                wanted[message.index()] = true;
            return wanted;
        }();
        return kinds[kind];
    }

    /// Alike for everybody and each time: of one place it says one thing.
    [[nodiscard]] uint64_t draw(std::string_view what, uint64_t a, uint64_t b) const {
        return hash(seed_, stream_of(what, self_.value, a), b);
    }

    // True: it was changed.
    template <class M>
    bool make_stale(M&) {
        return false;
    }
    bool make_stale(model::Signed<model::Report>& report) {
        if (report.signer != self_) return false;
        const uint64_t lie = draw("report", report.body.slot.value, report.body.view.value);
        if (lie % 3 == 0) return false;
        const model::Report before = report.body;
        for (size_t lane = 0; lane < report.body.lanes.size(); ++lane) {
            uint64_t& height = report.body.lanes[lane].value;
            const uint64_t less = mix(lie + lane) % 4;
            height -= std::min(height, less == 3 ? height : less);
        }
        if (lie % 2 == 0) report.body.certified.clear();
        if (report.body == before) return false;
        report = model::sign(set_, self_, signer_, report.body);
        return true;
    }
    bool make_stale(model::TimeoutMessage& message) {
        if (message.timeout.signer != self_ || !message.qc) return false;
        model::Timeout body = message.timeout.body;
        if (draw("timeout", body.slot.value, body.view.value) % 2 == 0) return false;
        body.qc_view.reset();
        body.qc_block = {};
        message.qc.reset();
        message.timeout = model::sign(set_, self_, signer_, body);
        return true;
    }
    bool make_stale(model::ProposalMessage& message) {
        if (message.proposal.signer != self_ || !message.block) return false;
        const model::Proposal place = message.proposal.body;
        const uint64_t lie = draw("proposal", place.slot.value, place.view.value);
        switch (lie % 4) {
        case 0:
            if (timeout_certificates_.empty()) return false;
            message.justification = pick(timeout_certificates_, lie);
            return true;
        case 1:
            if (block_certificates_.empty()) return false;
            message.block->carried.clear();
            message.block->carried.push_back(pick(block_certificates_, lie));
            break;
        case 2: {
            if (message.block->cut.empty()) return false;
            model::CutEntry& entry = message.block->cut[mix(lie) % message.block->cut.size()];
            if (entry.height.value == 0) return false;
            entry = {};
            break;
        }
        default: return false;
        }
        message.proposal.body.block = message.block->hash();
        message.proposal = model::sign(set_, self_, signer_, message.proposal.body);
        return true;
    }
    bool make_stale(model::Heartbeat& heartbeat) {
        if (heartbeat.slot.value < 2) return false;
        heartbeat.slot.value /= 2;
        return true;
    }
    template <class T>
    [[nodiscard]] static const T& pick(const std::vector<T>& list, uint64_t lie) {
        return list[mix(lie) % list.size()];
    }

    Random random_;
    uint64_t seed_;
    uint64_t period_us_;
    Participant self_;
    const model::Signatories& set_;
    const Signer& signer_;
    std::vector<Message> old_;
    std::array<uint64_t, std::variant_size_v<model::Message>> seen_{};
    std::array<std::vector<size_t>, std::variant_size_v<model::Message>> places_;  // in old_
    std::vector<model::TimeoutCertificate> timeout_certificates_;
    std::vector<model::BlockCertificate> block_certificates_;
};

}  // namespace

std::unique_ptr<Mouth> make_stale_certificate(const MouthSeat& seat) {
    return std::make_unique<StaleMouth>(seat);
}

}  // namespace tally::sim
