// PeerTable: who may speak on this network, and the words in which everyone else is turned away.
#pragma once

#include "base/strong.hpp"
#include "io/tls_identity.hpp"

namespace tally::io {

/// Every one of these is a refusal: the peer is told, and both sides write it down.
enum class PeerError {
    other_network,
    unlisted_key,
    wrong_participant,
    own_key,
    other_version,
    bad_challenge,
    bad_frame,
    bad_certificate,
    removed,
    identity_in_use,  ///< another process with the peer's key is connected, and speaks
};
ErrorText describe(PeerError error);
/// Whether a refusal's text is that of identity_in_use.
[[nodiscard]] bool says_identity_in_use(std::string_view refusal);

struct PeerEntry {
    Participant participant;
    Ed25519Public identity_key{};
    std::string address;  ///< host:port; empty: it is not dialled, only accepted
};

struct PeerTable {
    Hash network;
    Participant self;
    std::vector<PeerEntry> peers;  ///< may list ourselves too

    [[nodiscard]] const PeerEntry* find(const Ed25519Public& identity_key) const;
};

/// Which participant the certificate's owner is, if it may come in. `where` is its address, for the
/// message; `expected` is whom we dialled, if we did. Our own key never may.
[[nodiscard]] Result<Participant> admit_peer(const PeerTable& table, const TlsClaim& claim,
                                             const Ed25519Public& own_key, const std::string& where,
                                             std::optional<Participant> expected);

}  // namespace tally::io
