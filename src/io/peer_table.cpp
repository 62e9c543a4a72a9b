#include "io/peer_table.hpp"

#include <algorithm>
#include <cstdlib>

namespace tally::io {
namespace {

std::string short_text(const Hash& network) {
    return network.hex().substr(0, 16) + "...";
}
std::string number_of(Participant participant) {
    return "participant " + std::to_string(participant.value);
}

}  // namespace

ErrorText describe(PeerError error) {
    switch (error) {
    case PeerError::other_network:
        return {"peer_other_network", "refused", "Compare the charters of both sides"};
    case PeerError::unlisted_key:
        return {"peer_unlisted_key", "refused",
                "Start it with the identity key that the network lists"};
    case PeerError::wrong_participant:
        return {"peer_wrong_participant", "refused", "Compare the addresses in the charter"};
    case PeerError::own_key:
        return {"peer_own_key", "refused",
                "Two processes must never run with one key, and no participant dials itself"};
    case PeerError::other_version:
        return {"peer_other_version", "refused", "Run versions of tally that speak to each other"};
    case PeerError::bad_challenge: return {"peer_bad_challenge", "refused", ""};
    case PeerError::bad_frame: return {"peer_bad_frame", "refused", ""};
    case PeerError::bad_certificate: return {"peer_bad_certificate", "refused", ""};
    case PeerError::removed: return {"peer_removed", "refused", ""};
    case PeerError::identity_in_use:
        // Frozen: the other side looks for these words.
        return {"peer_identity_in_use", "another process uses this identity key",
                "Stop one of the two: a participant runs once"};
    }
    std::abort();
}

bool says_identity_in_use(std::string_view refusal) {
    return refusal.starts_with(describe(PeerError::identity_in_use).cause);
}

const PeerEntry* PeerTable::find(const Ed25519Public& identity_key) const {
    const auto found = std::find_if(peers.begin(), peers.end(), [&](const PeerEntry& entry) {
        return entry.identity_key == identity_key;
    });
    return found == peers.end() ? nullptr : &*found;
}

Result<Participant> admit_peer(const PeerTable& table, const TlsClaim& claim,
                               const Ed25519Public& own_key, const std::string& where,
                               std::optional<Participant> expected) {
    const std::string peer = "the peer at " + where;
    if (claim.network != table.network)
        return fail(PeerError::other_network, peer + " belongs to network " +
                                                  short_text(claim.network) + ", this is network " +
                                                  short_text(table.network));
    if (claim.identity_key == own_key)
        return fail(PeerError::own_key,
                    peer + " has the identity key of " + number_of(table.self) + " itself");
    const PeerEntry* const entry = table.find(claim.identity_key);
    if (entry == nullptr) {
        const PublicKey key{KeyType::ed25519, copy_of(claim.identity_key)};
        return fail(PeerError::unlisted_key, peer + " has the identity key " + key.did() +
                                                 ", which network " + short_text(table.network) +
                                                 " does not list");
    }
    if (expected && *expected != entry->participant)
        return fail(PeerError::wrong_participant, peer + " is " + number_of(entry->participant) +
                                                      ", not " + number_of(*expected) +
                                                      " as listed");
    return entry->participant;
}

}  // namespace tally::io
