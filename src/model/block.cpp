#include "model/block.hpp"

#include <algorithm>

namespace tally::model {

Hash LedgerHeader::hash() const {
    return tagged_hash(Tag::ledger_header, cbor::encode(*this));
}

Hash attestation_tag(LedgerIndex ledger, Height height, Participant prover,
                     const Hash& execution_digest) {
    return Hasher(Tag::attestation_tag)
        .add_u16(ledger.value)
        .add_u64(height.value)
        .add_u8(prover.value)
        .add(execution_digest)
        .finish();
}

bool check_block_certificate(const Signatories& set, const Verifier& verifier,
                             std::span<const Participant> provers,
                             const BlockCertificate& certificate) {
    if (certificate.parts.size() < majority_of(uint32_t(provers.size()))) return false;
    if (!signers_ascend(certificate.parts)) return false;
    for (const auto& part : certificate.parts) {
        if (!std::binary_search(provers.begin(), provers.end(), part.signer)) return false;
        const Attestation attestation{certificate.ledger, certificate.height, certificate.attempt,
                                      certificate.header, part.tag};
        if (!check_signature(set, verifier, attestation, part.signer, part.signature)) return false;
    }
    return true;
}

std::optional<Epoch> epoch_of_certificate(const Epochs& epochs, Slot slot, const Verifier& verifier,
                                          const BlockCertificate& certificate) {
    const Epoch first = epochs.at(slot).epoch;
    // Nearly always the newest.
    for (auto set = epochs.all().rbegin(); set != epochs.all().rend(); ++set) {
        if (set->epoch < first) break;
        const auto& ledgers = epochs.body_of(set->epoch).ledgers;
        if (certificate.ledger.value >= ledgers.size()) return {};
        if (check_block_certificate(*set, verifier, ledgers[certificate.ledger.value].provers,
                                    certificate))
            return set->epoch;
    }
    return {};
}

}  // namespace tally::model
