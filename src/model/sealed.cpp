#include "model/sealed.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "crypto/merkle.hpp"

namespace tally::model {
namespace {

namespace bj = boost::json;

Error not_sealed(std::string detail) {
    return fail(EnvelopeError::bad_sealed, std::move(detail));
}

template <size_t N>
Result<std::vector<std::array<uint8_t, N>>> read_byte_strings(const bj::object& object,
                                                              std::string_view name) {
    const auto* list = object.if_contains(name);
    if (list == nullptr || !list->is_array() || list->get_array().empty() ||
        list->get_array().size() > limits::participants_max)
        return not_sealed(quoted(name) + " is no list of 1 to " +
                          std::to_string(limits::participants_max));
    std::vector<std::array<uint8_t, N>> all;
    all.reserve(list->get_array().size());
    for (const bj::value& element : list->get_array()) {
        const auto bytes = element.is_string() ? from_base64url(element.get_string())
                                               : Result<Bytes>(BytesError::bad_base64url);
        if (!bytes.ok() || bytes->size() != N)
            return not_sealed("an element of " + quoted(name) + " is not " + std::to_string(N) +
                              " bytes in base64url");
        std::copy(bytes->begin(), bytes->end(), all.emplace_back().begin());
    }
    return all;
}

/// Whose text it is, so that a key is not tried on another's.
Hash context_of(const Hash& network, Epoch epoch, std::string_view ledger, std::string_view signer,
                std::string_view nonce) {
    cbor::Writer writer;
    writer.array(5);
    cbor::write(writer, network);
    cbor::write(writer, epoch);
    writer.text(ledger);
    writer.text(signer);
    writer.text(nonce);
    return tagged_hash(Tag::sealed_context, writer.out());
}

std::vector<uint8_t> numbers_of(const SealingKeys& keys) {
    std::vector<uint8_t> numbers;
    numbers.reserve(keys.holders.size());
    for (const auto& holder : keys.holders) numbers.push_back(holder.participant.value);
    return numbers;
}

std::vector<Hash> hashes_of(const SealingKeys& keys, const std::vector<Scalar>& shares) {
    std::vector<Hash> hashes;
    hashes.reserve(shares.size());
    for (size_t i = 0; i < shares.size(); ++i)
        hashes.push_back(share_hash(keys.holders[i].participant, shares[i]));
    return hashes;
}

bool has_boxes(const SealedText& sealed, const SealingKeys& keys, const Scalar& secret,
               const std::vector<Scalar>& shares) {
    for (size_t i = 0; i < shares.size(); ++i) {
        const auto& holder = keys.holders[i];
        if (sealed.boxes[i] !=
            seal_share(secret, holder.participant.value, holder.key, shares[i], sealed.commitment))
            return false;
    }
    return true;
}

}  // namespace

std::optional<size_t> SealingKeys::place_of(Participant participant) const {
    const auto at = std::find_if(holders.begin(), holders.end(), [&](const Holder& holder) {
        return holder.participant == participant;
    });
    return at == holders.end() ? std::nullopt : std::optional(size_t(at - holders.begin()));
}

SealingKeys sealing_keys_of(Epoch epoch, const CharterBody& body) {
    SealingKeys keys;
    keys.epoch = epoch;
    for (size_t i = 0; i < body.participants.size(); ++i) {
        const auto& entry = body.participants[i];
        if (!entry.is_vacant()) keys.holders.push_back({{uint8_t(i)}, entry.opening_key});
    }
    keys.threshold = Quorum::of(uint32_t(keys.holders.size())).liars_max + 1;
    return keys;
}

size_t SealedText::heap_bytes() const {
    return sizeof(SealedText) + ciphertext.capacity() + share_hashes.capacity() * sizeof(Hash) +
           boxes.capacity() * sizeof(ShareBox);
}

Result<SealedText> read_sealed(const bj::value& value) {
    if (!value.is_object()) return not_sealed("it is no object");
    const auto& object = value.get_object();
    constexpr std::string_view known[] = {"epoch", "ciphertext", "shares", "boxes"};
    for (const auto& member : object) {
        if (std::find(std::begin(known), std::end(known), std::string_view(member.key())) ==
            std::end(known))
            return not_sealed("an unknown field " + quoted(member.key()));
    }
    SealedText sealed;
    const auto* epoch = object.if_contains("epoch");
    if (epoch == nullptr || !epoch->is_int64() || epoch->get_int64() < 0 ||
        epoch->get_int64() > int64_t{UINT32_MAX})
        return not_sealed("\"epoch\" is no number of an epoch");
    sealed.epoch = {uint32_t(epoch->get_int64())};
    const auto* ciphertext = object.if_contains("ciphertext");
    auto bytes = ciphertext != nullptr && ciphertext->is_string()
                     ? from_base64url(ciphertext->get_string())
                     : Result<Bytes>(BytesError::bad_base64url);
    if (!bytes.ok()) return not_sealed("\"ciphertext\" is no base64url");
    sealed.ciphertext = std::move(*bytes);
    TRY(hashes, read_byte_strings<32>(object, "shares"));
    for (const auto& hash : hashes) sealed.share_hashes.push_back(Hash{hash});
    TRY(boxes, read_byte_strings<std::tuple_size_v<ShareBox>>(object, "boxes"));
    sealed.boxes = std::move(boxes);
    if (sealed.boxes.size() != sealed.share_hashes.size())
        return not_sealed(std::to_string(sealed.share_hashes.size()) + " shares and " +
                          std::to_string(sealed.boxes.size()) + " boxes");
    return sealed;
}

std::string sealed_json(const SealedText& sealed) {
    bj::array shares, boxes;
    for (const Hash& hash : sealed.share_hashes) shares.emplace_back(to_base64url(hash.view()));
    for (const ShareBox& box : sealed.boxes) boxes.emplace_back(to_base64url(box));
    return bj::serialize(bj::object{{"epoch", sealed.epoch.value},
                                    {"ciphertext", to_base64url(sealed.ciphertext)},
                                    {"shares", std::move(shares)},
                                    {"boxes", std::move(boxes)}});
}

Hash sealed_commitment(const Hash& network, const Transaction& transaction,
                       const SealedText& sealed) {
    cbor::Writer writer;
    writer.array(9);
    cbor::write(writer, network);
    cbor::write(writer, sealed.epoch);
    writer.text(transaction.ledger);
    writer.text(transaction.signer_did);
    writer.text(transaction.nonce);
    writer.uint(transaction.expire_ms);
    writer.uint(transaction.fuel);
    writer.bytes(sealed.ciphertext);
    writer.array(sealed.share_hashes.size());
    for (const Hash& hash : sealed.share_hashes) writer.bytes(hash.view());
    return tagged_hash(Tag::sealed_commitment, writer.out());
}

Hash sealed_once(const Transaction& transaction) {
    cbor::Writer writer;
    writer.array(2);
    writer.text(transaction.signer_did);
    writer.text(transaction.nonce);
    return tagged_hash(Tag::sealed_once, writer.out());
}

Hash share_hash(Participant holder, const Scalar& share) {
    return Hasher(Tag::sealed_share).add_u8(holder.value).add(share).finish();
}

SealedText seal(const Payload& payload, const PublicKey& signer, const SealingKeys& keys,
                const std::array<uint8_t, 64>& random) {
    const Scalar secret = sealing_secret(random);
    Transaction transaction;
    transaction.signer_did = signer.did();
    transaction.ledger = payload.ledger;
    transaction.nonce = payload.nonce;
    transaction.expire_ms = payload.expire_ms;
    transaction.fuel = payload.fuel;
    SealedText sealed;
    sealed.epoch = keys.epoch;
    sealed.ciphertext = encrypt_sealed(secret, view_of(payload.changes),
                                       context_of(payload.network, keys.epoch, payload.ledger,
                                                  transaction.signer_did, payload.nonce));
    const auto shares = shares_of(secret, keys.threshold, numbers_of(keys));
    sealed.share_hashes = hashes_of(keys, shares);
    sealed.commitment = sealed_commitment(payload.network, transaction, sealed);
    for (size_t i = 0; i < shares.size(); ++i) {
        const auto& holder = keys.holders[i];
        sealed.boxes.push_back(
            seal_share(secret, holder.participant.value, holder.key, shares[i], sealed.commitment));
    }
    return sealed;
}

std::optional<Scalar> open_own_share(const SealedText& sealed, const SealingKeys& keys,
                                     size_t place, const X25519Secret& secret) {
    const auto opened = open_share(sealed.boxes[place], secret);
    // Of a copy in another envelope nothing is told.
    if (!opened || opened->second != sealed.commitment ||
        share_hash(keys.holders[place].participant, opened->first) != sealed.share_hashes[place])
        return {};
    return opened->first;
}

bool is_share(const SealedText& sealed, const SealingKeys& keys, Participant holder,
              const Scalar& share) {
    const auto place = keys.place_of(holder);
    return place && share_hash(holder, share) == sealed.share_hashes[*place];
}

/// If everything that follows from one secret is what stands there, every share is that secret's,
/// and every threshold of them gives it back: so the verdict does not depend on which were used.
Opened open_sealed(const Hash& network, const Transaction& transaction, const SealingKeys& keys,
                   std::span<const std::pair<uint8_t, Scalar>> shares) {
    const SealedText& sealed = *transaction.sealed;
    const Scalar secret = secret_from(shares);
    const auto all = shares_of(secret, keys.threshold, numbers_of(keys));
    if (hashes_of(keys, all) != sealed.share_hashes || !has_boxes(sealed, keys, secret, all))
        return {};
    const auto text = decrypt_sealed(secret, sealed.ciphertext,
                                     context_of(network, sealed.epoch, transaction.ledger,
                                                transaction.signer_did, transaction.nonce));
    if (!text) return {};
    auto changes = parse_changes(*text);
    if (!changes.ok()) return {};
    return {secret, std::move(*changes)};
}

Hash openings_root_of(const Openings& openings) {
    std::vector<Hash> leaves;
    leaves.reserve(openings.size());
    for (const Opening& opening : openings) leaves.push_back(merkle_leaf(cbor::encode(opening)));
    return merkle_root(leaves);
}

}  // namespace tally::model
