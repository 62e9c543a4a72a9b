#include "model/batch.hpp"

#include <algorithm>

namespace tally::model {

Hash da_root_of(const DaParameters& parameters) {
    return tagged_hash(Tag::da_root, cbor::encode(parameters));
}

Hash LaneCertificate::digest() const {
    return tagged_hash(Tag::lane_certificate, cbor::encode(*this));
}

Hash BatchHeader::hash() const {
    return tagged_hash(Tag::batch_header, cbor::encode(*this));
}

bool check_lane_certificate(const Signatories& set, const Verifier& verifier,
                            const LaneCertificate& certificate) {
    if (!set.has(certificate.lane) || certificate.height.value == 0) return false;
    if (certificate.parts.size() < set.quorum().votes_min || !signers_ascend(certificate.parts))
        return false;
    const BatchClaim claim{certificate.lane, certificate.height, certificate.header};
    if (!check_signature(set, verifier, claim, certificate.lane, certificate.author)) return false;
    for (const auto& part : certificate.parts) {
        const Acknowledgement ack{certificate.lane, certificate.height, certificate.header,
                                  part.time};
        if (!check_signature(set, verifier, ack, part.signer, part.signature)) return false;
    }
    return true;
}

Micros time_of(const LaneCertificate& certificate, uint32_t liars_max) {
    ENSURE(certificate.parts.size() > liars_max);
    std::vector<Micros> times;
    for (const auto& part : certificate.parts) times.push_back(part.time);
    std::nth_element(times.begin(), times.begin() + liars_max, times.end());
    return times[liars_max];
}

}  // namespace tally::model
