// Holdings: the undecided work that this participant holds: certificates above the cut and above
// what is carried, Disputes, and what is said of the next epoch. Only checked things enter; every
// map is bounded.
#pragma once

#include "ordering/chain.hpp"

namespace tally::ordering {

struct Rules;

class Holdings {
public:
    /// `per_lane_max`: certificates kept of one lane; the lowest goes first, the tip stays.
    Holdings(uint32_t participants, size_t ledgers, uint64_t per_lane_max);

    void add(const model::LaneCertificate& certificate);
    void add(const model::BlockCertificate& certificate);
    void add(const model::Signed<model::Dispute>& dispute);
    /// Of several the one with the highest attempt is kept.
    void add(const model::VotedProposal& proposal);
    void add(const model::Ready& ready);
    /// Drops what is decided.
    void prune(const Chain& chain);
    void drop_epoch_entries(const Rules& rules, const Chain& chain, Micros time);

    /// Null if not held.
    [[nodiscard]] const model::LaneCertificate* lane_certificate(Participant lane,
                                                                 LaneHeight height) const;
    /// The highest of that ledger; null if none.
    [[nodiscard]] const model::BlockCertificate* block_certificate(LedgerIndex ledger) const;
    [[nodiscard]] bool holds(const model::Signed<model::Dispute>& dispute) const;
    [[nodiscard]] bool holds(const model::VotedProposal& proposal) const {
        return proposal_ == proposal;
    }
    [[nodiscard]] bool holds(const model::Ready& ready) const;

    /// Some piece of work that this block after `chain` would leave over; null: that there is now.
    [[nodiscard]] std::optional<model::Wake::Work> work_above(const Rules& rules,
                                                              const Chain& chain, Micros now,
                                                              const model::Block* deciding) const;
    /// What a Report says of this participant, above `chain`.
    [[nodiscard]] model::Report report(Slot slot, View view, Micros time, const Chain& chain) const;
    /// Entries for control: at most `count_max`, ascending by (ledger, height, signer).
    [[nodiscard]] std::vector<model::Signed<model::Dispute>> control(
        const Chain& chain, std::span<const std::vector<Participant>> provers,
        size_t count_max) const;
    /// Adds to the block, whose slot and time are set, what may stand there of the next epoch.
    void add_epoch_entries(const Rules& rules, const Chain& chain, model::Block& block) const;
    /// Canary: true iff a held Dispute of `self` contradicts this certificate's ledger.
    [[nodiscard]] bool contradicts(Participant self,
                                   const model::BlockCertificate& certificate) const;

private:
    uint64_t per_lane_max_;
    std::vector<std::map<LaneHeight, model::LaneCertificate>> lanes_;
    std::vector<std::optional<model::BlockCertificate>> ledgers_;
    std::map<std::pair<LedgerIndex, Participant>, model::Signed<model::Dispute>> disputes_;
    std::optional<model::VotedProposal> proposal_;
    std::map<Participant, model::Ready> ready_;
};

}  // namespace tally::ordering
