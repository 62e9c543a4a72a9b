#include "model/messages.hpp"

#include "crypto/merkle.hpp"

namespace tally::model {
namespace {

template <class List>
Hash list_root(const List& list) {
    std::vector<Hash> leaves;
    leaves.reserve(list.size());
    for (const auto& element : list) leaves.push_back(merkle_leaf(cbor::encode(element)));
    return Hasher(Tag::block_field)
        .add_u32(uint32_t(leaves.size()))
        .add(merkle_root(leaves))
        .finish();
}

}  // namespace

std::array<Hash, block_fields> Block::field_hashes() const {
    return {block_field_hash(slot),     block_field_hash(parent), block_field_hash(parent_qc),
            block_field_hash(time),     list_root(cut),           list_root(reports),
            list_root(control),         list_root(carried),       list_root(highest_carried),
            block_field_hash(proposal), list_root(ready),         block_field_hash(next)};
}

Hash block_hash_of(std::span<const Hash, block_fields> field_hashes) {
    Hasher hasher(Tag::block);
    for (const Hash& hash : field_hashes) hasher.add(hash);
    return hasher.finish();
}

Hash Block::hash() const {
    return block_hash_of(field_hashes());
}

const CutEntry& tip_of(const Cut& cut, Participant lane) {
    static const CutEntry none;
    return lane.value < cut.size() ? cut[lane.value] : none;
}

Cut padded(Cut cut, uint32_t lanes) {
    if (cut.size() < lanes) cut.resize(lanes);
    return cut;
}

bool check_timeout_certificate(const Signatories& set, const Verifier& verifier,
                               const TimeoutCertificate& certificate) {
    if (certificate.parts.size() < set.quorum().votes_min || !signers_ascend(certificate.parts))
        return false;
    std::optional<View> highest;
    for (const auto& part : certificate.parts) {
        if (part.qc_view && (!highest || *part.qc_view > *highest)) highest = part.qc_view;
    }
    if (highest.has_value() != certificate.highest.has_value()) return false;
    if (highest) {
        const PrepareVote& vote = certificate.highest->body;
        if (vote.slot != certificate.slot || vote.view != *highest) return false;
        if (!check_quorum(set, verifier, *certificate.highest)) return false;
    }
    for (const auto& part : certificate.parts) {
        // At one view a quorum prepares at most one block; a part that names another at the maximum
        // is a lie, and a certificate is what a quorum of checked Timeouts says, so it cannot stand
        // in one.
        if (highest && part.qc_view == highest && part.qc_block != certificate.highest->body.block)
            return false;
        const Timeout timeout{certificate.slot, certificate.view, part.qc_view, part.qc_block};
        if (!check_signature(set, verifier, timeout, part.signer, part.signature)) return false;
    }
    return true;
}

Bytes encode_message(const Message& message) {
    return cbor::encode(message);
}

Result<Message> decode_message(ByteView bytes) {
    if (bytes.size() > limits::peer_message_bytes_max) return cbor::CborError::too_long;
    return cbor::decode<Message>(bytes);
}

}  // namespace tally::model
