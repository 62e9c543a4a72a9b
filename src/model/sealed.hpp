// Sealed transactions: what they change is hidden until their order is decided (docs/protocol.md,
// section 3).
//
//     "sealed": {"epoch", "ciphertext", "shares": [hash of each share], "boxes": [each share,
//     sealed]}
//
// in the place of "tx": the changes' text, encrypted under a key of which f + 1 of the epoch's
// participants give the secret back. Each share is bound to C, the hash of everything else in the
// envelope that is public and of its signer: whoever copies the ciphertext into an envelope of its
// own gets no share of it.
#pragma once

#include "crypto/sealing.hpp"
#include "model/charter.hpp"
#include "model/envelope.hpp"

namespace tally::model {

/// To whom transactions are sealed in one epoch.
struct SealingKeys {
    struct Holder {
        Participant participant;
        X25519Public key{};
    };
    Epoch epoch;
    uint32_t threshold = 1;       ///< f + 1
    std::vector<Holder> holders;  ///< who takes part, ascending: the order of shares and boxes
    /// Where a participant stands among them.
    [[nodiscard]] std::optional<size_t> place_of(Participant participant) const;
};
/// `body`: as that epoch has it.
[[nodiscard]] SealingKeys sealing_keys_of(Epoch epoch, const CharterBody& body);

struct SealedText {
    Epoch epoch;
    Bytes ciphertext;
    std::vector<Hash> share_hashes;
    std::vector<ShareBox> boxes;
    Hash commitment;  ///< C

    [[nodiscard]] size_t heap_bytes() const;
};
/// As many shares as boxes, at least one of each. The commitment is not set.
[[nodiscard]] Result<SealedText> read_sealed(const boost::json::value& value);
[[nodiscard]] std::string sealed_json(const SealedText& sealed);
/// C, of the envelope's other fields and of all of `sealed` but its boxes.
[[nodiscard]] Hash sealed_commitment(const Hash& network, const Transaction& transaction,
                                     const SealedText& sealed);
/// By (signer, nonce), so that one that is sealed again for another epoch takes effect once.
[[nodiscard]] Hash sealed_once(const Transaction& transaction);
[[nodiscard]] Hash share_hash(Participant holder, const Scalar& share);

/// Seals the payload's changes. `random` is used for nothing else, ever.
[[nodiscard]] SealedText seal(const Payload& payload, const PublicKey& signer,
                              const SealingKeys& keys, const std::array<uint8_t, 64>& random);
/// A compact JWS of a sealed payload.
[[nodiscard]] std::string sign_sealed(const Payload& payload, const SealedText& sealed,
                                      const SecretKey& secret);
/// For which epoch the envelope is sealed, if it is, whether it is valid otherwise or not.
[[nodiscard]] std::optional<Epoch> sealed_epoch_of(ByteView envelope);

// --- opening; each requires a sealed transaction that fits the keys ---

/// The share for the holder at this place; nothing: the box is bad.
[[nodiscard]] std::optional<Scalar> open_own_share(const SealedText& sealed,
                                                   const SealingKeys& keys, size_t place,
                                                   const X25519Secret& secret);
/// The share is the one that the envelope names for this holder.
[[nodiscard]] bool is_share(const SealedText& sealed, const SealingKeys& keys, Participant holder,
                            const Scalar& share);

/// What became of a sealed transaction.
struct Opened {
    std::optional<Scalar> key;   ///< the secret; nothing: void
    boost::json::array changes;  ///< of one that is not void
};
/// From shares that are its own, of `threshold` different holders: the same from whichever. Makes
/// everything that was sealed again and compares; void if anything differs, or if what was sealed
/// is no list of changes.
[[nodiscard]] Opened open_sealed(const Hash& network, const Transaction& transaction,
                                 const SealingKeys& keys,
                                 std::span<const std::pair<uint8_t, Scalar>> shares);

/// What a block header's openings_root is over.
struct Opening {
    uint32_t index = 0;         ///< in the block's list
    std::optional<Scalar> key;  ///< nothing: void
    bool operator==(const Opening&) const = default;
    static constexpr auto fields() { return std::tuple{&Opening::index, &Opening::key}; }
};
using Openings = cbor::List<Opening, limits::sealed_shares_per_block_max>;
[[nodiscard]] Hash openings_root_of(const Openings& openings);

}  // namespace tally::model
