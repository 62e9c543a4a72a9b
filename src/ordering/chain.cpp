#include "ordering/chain.hpp"

#include <algorithm>

namespace tally::ordering {

Chain Chain::genesis(const Config& config) {
    Chain chain;
    chain.last = genesis_block(config.genesis_time, config.self.set_at(Slot{1}).places(),
                               uint32_t(config.provers.size()));
    chain.parent = config.network;
    chain.cut_before = chain.last.cut;
    chain.carried_before = chain.last.highest_carried;
    return chain;
}

void Chain::append(const model::Decision& decision, const Hash& hash) {
    cut_before = std::move(last.cut);
    carried_before = std::move(last.highest_carried);
    last = decision.block;
    parent = hash;
    qc = decision.qc;
    if (last.proposal) proposal = last.proposal->proposal;
    if (!last.next) proposal.reset();
    for (const auto& dispute : last.control) {
        Height& height = disputes[{dispute.body.ledger, dispute.signer}];
        height = std::max(height, dispute.body.height);
    }
}

bool may_stand_in_control(const Chain& chain, std::span<const std::vector<Participant>> provers,
                          const model::Signed<model::Dispute>& dispute) {
    const auto& [ledger, height, header] = dispute.body;
    if (ledger.value >= provers.size()) return false;
    const auto& of_ledger = provers[ledger.value];
    if (!std::binary_search(of_ledger.begin(), of_ledger.end(), dispute.signer)) return false;
    // A slot gives a ledger at most one block.
    if (height.value == 0 || height.value > chain.last.slot.value) return false;
    const auto decided = chain.disputes.find({ledger, dispute.signer});
    return decided == chain.disputes.end() || height > decided->second;
}

}  // namespace tally::ordering
