#include "sim/liar.hpp"

#include "sim/liar_kinds.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

/// Sends nothing, from the start or from some moment on.
class SilentMouth : public Mouth {
public:
    explicit SilentMouth(const MouthSeat& seat)
        : silent_from_us_(
              Random(seat.scenario.seed, stream_of("silent", seat.self.value)).below(2) == 0
                  ? 0
                  : hash(seat.scenario.seed, stream_of("silence"), seat.self.value) %
                        seat.scenario.unquiet_us) {}
    std::vector<Message> say(Participant, const Message& message, uint64_t now_us) override {
        if (now_us < silent_from_us_) return {message};
        act();
        return {};
    }

private:
    uint64_t silent_from_us_;
};

/// One of two copies: each peer meets the one, the other or both, and after a while again others.
class TwinMouth : public Mouth {
public:
    TwinMouth(const MouthSeat& seat, uint32_t copy)
        : seed_(seat.scenario.seed), self_(seat.self), copy_(copy) {}
    std::vector<Message> say(Participant to, const Message& message, uint64_t now_us) override {
        if (!meets(to, now_us)) return {};
        if (copy_ == 1) act();
        return {message};
    }
    bool hears(Participant from, uint64_t now_us) override { return meets(from, now_us); }

private:
    [[nodiscard]] bool meets(Participant peer, uint64_t now_us) const {
        constexpr uint64_t period_us = 700'000;
        const uint64_t side =
            hash(seed_, stream_of("twin", self_.value, peer.value), now_us / period_us) % 5;
        return side == 4 || side % 2 == copy_;  // 4: both
    }
    uint64_t seed_;
    Participant self_;
    uint32_t copy_;
};

/// Changes one thing in some of its messages and signs them again where the signature is its own.
class MutatorMouth : public Mouth {
public:
    explicit MutatorMouth(const MouthSeat& seat)
        : random_(seat.scenario.seed, stream_of("mutator", seat.self.value)),
          per_mille_(random_.between(20, 400)),
          self_(seat.self),
          set_(seat.set),
          signer_(seat.signer) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        if (random_.below(1'000) >= per_mille_) return {message};
        act();
        const uint64_t way = random_.below(10);
        if (way == 0) return {};
        if (way == 1) return {std::make_shared<const Bytes>(bent(*message))};
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        std::visit([&](auto& content) { change(content); }, *decoded);
        auto changed = std::make_shared<const Bytes>(model::encode_message(*decoded));
        if (way == 2) return {message, changed};
        return {changed};
    }

private:
    Bytes bent(Bytes bytes) {
        if (bytes.empty()) return bytes;
        switch (random_.below(3)) {
        case 0: bytes[random_.below(bytes.size())] ^= uint8_t(1u << random_.below(8)); break;
        case 1: bytes.resize(random_.below(bytes.size())); break;
        default: append(bytes, random_.bytes(random_.between(1, 40)));
        }
        return bytes;
    }

    void change(Hash& hash) {
        hash.bytes[random_.below(hash.bytes.size())] ^= uint8_t(random_.between(1, 255));
    }
    template <class Tag, class Int>
    void change(Ordinal<Tag, Int>& number) {
        switch (random_.below(4)) {
        case 0: number.value = Int(number.value + 1); break;
        case 1: number.value = Int(number.value - 1); break;
        case 2: number.value = Int(number.value + random_.below(1'000'000)); break;
        default: number.value = Int(random_.next());
        }
    }
    void change(bool& value) { value = !value; }
    template <std::unsigned_integral Int>
    requires(!std::same_as<Int, bool>) void change(Int& value) {
        value = Int(value ^ Int(random_.next() >> random_.below(64)));
    }
    template <class E>
    requires std::is_enum_v<E>
    void change(E&) {}
    template <size_t N>
    void change(std::array<uint8_t, N>& bytes) {
        bytes[random_.below(N)] ^= 1;
    }
    template <size_t Max>
    void change(cbor::Blob<Max>& blob) {
        if (!blob.empty()) blob[random_.below(blob.size())] ^= 1;
    }
    template <class T>
    void change(std::optional<T>& value) {
        if (value && random_.below(3) != 0) {
            change(*value);
        } else if (value) {
            value.reset();
        } else {
            value.emplace();
        }
    }
    template <size_t Max>
    void change(cbor::Text<Max>& text) {
        static_cast<std::string&>(text) = text.empty() ? "x" : text.substr(1);
    }
    template <class... Ts>
    void change(std::variant<Ts...>& value) {
        std::visit([&](auto& held) { change(held); }, value);
    }
    template <class T, size_t Max>
    void change(cbor::List<T, Max>& list) {
        if (list.empty()) return;
        const size_t at = random_.below(list.size());
        switch (random_.below(4)) {
        case 0: list.erase(list.begin() + ptrdiff_t(at)); break;
        case 1:
            if (list.size() < Max) list.push_back(T(list[at]));
            break;
        case 2: std::swap(list[at], list[random_.below(list.size())]); break;
        default: change(list[at]);
        }
    }
    /// A change inside a statement of its own is signed; in one of others it stays a forgery.
    template <class Body>
    void change(model::Signed<Body>& statement) {
        change(statement.body);
        if (statement.signer != self_ || random_.below(8) == 0) return;
        statement = model::sign(set_, self_, signer_, statement.body);
    }
    void change(model::Fragment& fragment) {
        change_some_field(fragment);
        if (fragment.header.lane != self_) return;
        const model::BatchClaim claim{fragment.header.lane, fragment.header.height,
                                      fragment.header.hash()};
        fragment.author = signer_.sign(model::signed_bytes(set_, self_, claim));
    }
    void change(model::ProposalMessage& message) {
        if (!message.block || random_.below(3) == 0) return change_some_field(message);
        change(*message.block);
        message.proposal.body.block = message.block->hash();
        if (message.proposal.signer == self_)
            message.proposal = model::sign(set_, self_, signer_, message.proposal.body);
    }
    template <cbor::Struct T>
    void change(T& value) {
        change_some_field(value);
    }
    template <cbor::Struct T>
    void change_some_field(T& value) {
        constexpr auto count = std::tuple_size_v<decltype(T::fields())>;
        size_t chosen = random_.below(count);
        std::apply([&](auto... member) { ((chosen-- == 0 ? change(value.*member) : void()), ...); },
                   T::fields());
    }

    Random random_;
    uint64_t per_mille_;
    Participant self_;
    const model::Signatories& set_;
    const Signer& signer_;
};

/// Attests results that nobody computed; all else is as it should be.
class WrongRootMouth : public Mouth {
public:
    explicit WrongRootMouth(const MouthSeat& seat)
        : seed_(seat.scenario.seed), self_(seat.self), set_(seat.set), signer_(seat.signer) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        auto* attestation = std::get_if<model::Signed<model::Attestation>>(&*decoded);
        if (!attestation || attestation->signer != self_) return {message};
        model::Attestation body = attestation->body;
        // The same lie to everybody, about every other block.
        const uint64_t lie =
            hash(seed_, stream_of("wrong root", body.ledger.value), body.height.value);
        if (lie % 2 == 0) return {message};
        act();
        body.header.bytes[0] ^= uint8_t(1 + lie % 255);
        *attestation = model::sign(set_, self_, signer_, body);
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

private:
    uint64_t seed_;
    Participant self_;
    const model::Signatories& set_;
    const Signer& signer_;
};

/// Says what its node says; what is wrong with it is inside (ordering::Canaries).
class UsurperMouth : public Mouth {
public:
    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        static const auto kind = uint8_t(model::Message(model::ProposalMessage{}).index());
        if (kind_of_message(*message) == kind) note(*message);
        return {message};
    }

private:
    void note(ByteView message) {
        const auto decoded = model::decode_message(message);
        if (!decoded.ok()) return;
        const auto& said = std::get<model::ProposalMessage>(*decoded);
        const auto& tc = said.justification;
        if (tc && tc->highest && tc->highest->body.block != said.proposal.body.block) act();
    }
};

/// What its own batches commit to is made inside (availability::CoderCanaries); of those of others
/// it gives, to some who ask, cells with a byte altered.
class MiscoderMouth : public Mouth {
public:
    explicit MiscoderMouth(const MouthSeat& seat)
        : random_(seat.scenario.seed, stream_of("miscoder", seat.self.value)) {}

    std::vector<Message> say(Participant, const Message& message, uint64_t) override {
        auto decoded = model::decode_message(*message);
        if (!decoded.ok()) return {message};
        if (const auto* fragment = std::get_if<model::Fragment>(&*decoded)) {
            if (fragment->header.da.data_cells > 1 && fragment->header.height.value % 2 == 1) act();
            return {message};
        }
        auto* given = std::get_if<model::BatchCells>(&*decoded);
        if (given == nullptr || given->cells.bytes.empty() || random_.chance(0.5)) return {message};
        act();
        auto& bytes = given->cells.bytes;
        bytes[random_.below(bytes.size())] ^= uint8_t(random_.between(1, 255));
        return {std::make_shared<const Bytes>(model::encode_message(*decoded))};
    }

private:
    Random random_;
};

}  // namespace

std::unique_ptr<Mouth> make_mouth(const MouthSeat& seat, LiarKind kind, uint32_t copy) {
    switch (kind) {
    case LiarKind::silent: return std::make_unique<SilentMouth>(seat);
    case LiarKind::twin: return std::make_unique<TwinMouth>(seat, copy);
    case LiarKind::mutator: return std::make_unique<MutatorMouth>(seat);
    case LiarKind::wrong_root: return std::make_unique<WrongRootMouth>(seat);
    case LiarKind::usurper: return std::make_unique<UsurperMouth>();
    case LiarKind::censor: return make_censor(seat);
    case LiarKind::miscoder: return std::make_unique<MiscoderMouth>(seat);
    case LiarKind::selective: return make_selective(seat);
    case LiarKind::spammer: return make_spammer(seat);
    case LiarKind::stale_certificate: return make_stale_certificate(seat);
    case LiarKind::withholder: return make_withholder(seat);
    case LiarKind::backdater: return make_backdater();
    case LiarKind::cherry_picker: return make_cherry_picker(seat);
    case LiarKind::certificate_withholder: return make_certificate_withholder(seat);
    case LiarKind::false_opener: return make_false_opener(seat);
    case LiarKind::discarder: return make_discarder(seat);
    }
    std::abort();
}

void add_lies(const Scenario& scenario, const Liar& liar, node::Canaries& to) {
    to.ordering.propose_over_tc = liar.kind == LiarKind::usurper;
    to.coding.miscode = liar.kind == LiarKind::miscoder;
    to.lanes = dating_of(scenario, liar);
    to.deny_boxes = liar.kind == LiarKind::false_opener;
    if (liar.kind == LiarKind::censor) to.ordering.censored = victim_of(scenario, liar.participant);
}

}  // namespace tally::sim
