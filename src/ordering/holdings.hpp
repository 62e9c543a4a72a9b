// Holdings: the undecided work that this participant holds: certificates above the cut and above
// what is carried, and Disputes. Only checked things enter; every map is bounded.
#pragma once

#include "ordering/chain.hpp"

namespace tally::ordering {

class Holdings {
public:
    /// `per_lane_max`: certificates kept of one lane; the lowest goes first, the tip stays.
    Holdings(uint32_t participants, size_t ledgers, uint64_t per_lane_max);

    void add(const model::LaneCertificate& certificate);
    void add(const model::BlockCertificate& certificate);
    void add(const model::Signed<model::Dispute>& dispute);
    /// Drops what is decided.
    void prune(const Chain& chain);

    /// Null if not held.
    [[nodiscard]] const model::LaneCertificate* lane_certificate(Participant lane,
                                                                 LaneHeight height) const;
    /// The highest of that ledger; null if none.
    [[nodiscard]] const model::BlockCertificate* block_certificate(LedgerIndex ledger) const;
    [[nodiscard]] bool holds(const model::Signed<model::Dispute>& dispute) const;

    /// Some piece of work that a block with this cut, these carried heights and this control, next
    /// after `chain`, would leave over.
    [[nodiscard]] std::optional<model::Wake::Work> work_above(
        const model::Cut& cut, std::span<const Height> carried,
        std::span<const model::Signed<model::Dispute>> control, const Chain& chain,
        std::span<const std::vector<Participant>> provers) const;
    /// What a Report says of this participant, above `chain`.
    [[nodiscard]] model::Report report(Slot slot, View view, Micros time, const Chain& chain) const;
    /// Entries for control: at most `count_max`, ascending by (ledger, height, signer).
    [[nodiscard]] std::vector<model::Signed<model::Dispute>> control(
        const Chain& chain, std::span<const std::vector<Participant>> provers,
        size_t count_max) const;
    /// Canary: true iff a held Dispute of `self` contradicts this certificate's ledger.
    [[nodiscard]] bool contradicts(Participant self,
                                   const model::BlockCertificate& certificate) const;

private:
    uint64_t per_lane_max_;
    std::vector<std::map<LaneHeight, model::LaneCertificate>> lanes_;
    std::vector<std::optional<model::BlockCertificate>> ledgers_;
    std::map<std::pair<LedgerIndex, Participant>, model::Signed<model::Dispute>> disputes_;
};

}  // namespace tally::ordering
