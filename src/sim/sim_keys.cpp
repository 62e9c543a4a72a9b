#include "sim/sim_keys.hpp"

#include "sim/random.hpp"

namespace tally::sim {

const Signer& SimKeys::signer(std::string_view purpose, Participant who, uint32_t epoch) const {
    auto& made = made_[{std::string(purpose), who, epoch}];
    if (made == nullptr && !scenario_.real_keys) {
        const uint32_t kind = purpose == "identity" ? 1'000'000 : 0;
        made = registry_.signer(kind + 1'000 * epoch + who.value);
    } else if (made == nullptr) {
        const uint64_t stream = stream_of(purpose, who.value, epoch);
        const Hash seed = sha256(Random(scenario_.seed, stream).bytes(32));
        made = ed25519_signer(Ed25519Secret::from_seed(seed.bytes));
    }
    return *made;
}

/// A liar's signatures are made outside of its node, with one key.
const Signer& SimKeys::signing_in(Participant who, Epoch epoch) const {
    const bool changes = hash(scenario_.seed, stream_of("changes keys"), who.value) % 2 == 0;
    return signer("key", who, changes && !scenario_.liar(who) ? epoch.value : 0);
}

const Signer& SimKeys::signing(Participant who, const model::Charter& charter) const {
    const auto& key = charter.now().participants[who.value].signing_key;
    for (Epoch epoch = charter.epoch(); epoch.value > 0; --epoch.value) {
        if (signing_in(who, epoch).public_key() == key) return signing_in(who, epoch);
    }
    return founding(who);
}

model::HeldKeys SimKeys::held_in(Participant who, Epoch epoch) const {
    const Signer& signer = signing_in(who, epoch);
    model::HeldKeys held;
    held.keys.signing_key = signer.public_key();
    held.keys.opening_key = x25519_public(opening(who, epoch));
    held.possession =
        signer.sign(model::possession_statement(identity(who).public_key(), held.keys));
    return held;
}

X25519Secret SimKeys::opening(Participant who, Epoch epoch) const {
    return sha256(Random(scenario_.seed, stream_of("opening", who.value, epoch.value)).bytes(32))
        .bytes;
}

std::vector<X25519Secret> SimKeys::openings(Participant who, const model::Charter& charter,
                                            Epoch oldest) const {
    const auto& members = charter.now().participants;
    std::vector<X25519Secret> all;
    for (Epoch epoch = charter.epoch();; --epoch.value) {
        const X25519Secret secret = opening(who, epoch);
        const bool is_newest =
            who.value < members.size() && x25519_public(secret) == members[who.value].opening_key;
        // The one of the newest epoch may be as old as the participant.
        if (is_newest) {
            all.insert(all.begin(), secret);
        } else if (epoch >= oldest) {
            all.push_back(secret);
        }
        if (epoch.value == 0) return all;
    }
}

model::Opened SimKeys::open(const Hash& network, const model::Transaction& transaction,
                            const model::SealingKeys& keys) const {
    std::vector<std::pair<uint8_t, Scalar>> shares;
    for (size_t place = 0; place < keys.holders.size(); ++place) {
        const Participant who = keys.holders[place].participant;
        for (Epoch epoch = keys.epoch;; --epoch.value) {
            const auto secret = opening(who, epoch);
            const auto share = x25519_public(secret) == keys.holders[place].key
                                   ? model::open_own_share(*transaction.sealed, keys, place, secret)
                                   : std::nullopt;
            if (share) shares.emplace_back(who.value, *share);
            if (share || epoch.value == 0) break;
        }
    }
    // The last ones: participants use the first that they hear.
    if (shares.size() < keys.threshold) return {};
    return model::open_sealed(network, transaction, keys, std::span(shares).last(keys.threshold));
}

}  // namespace tally::sim
