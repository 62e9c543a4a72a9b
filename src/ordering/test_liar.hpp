// A liar that knows the protocol: it signs conflicting Reports, proposes two blocks at once, votes
// for everything, reports whichever QC suits it and chooses who goes into a TC.
#pragma once

#include "ordering/fresh_block.hpp"
#include "ordering/leaders.hpp"
#include "ordering/test_network.hpp"

namespace tally::ordering::testing {

class TestLiar {
public:
    /// Takes the participant's place in the network, which must outlive it.
    TestLiar(Network& network, Participant self, uint64_t seed);

private:
    struct Place {
        std::map<Participant, model::Signed<model::Report>> reports;
        std::map<Hash, std::map<Participant, model::Signed<model::PrepareVote>>> prepared;
        std::map<Hash, std::map<Participant, model::Signed<model::CommitVote>>> committed;
        std::map<Participant, model::TimeoutMessage> timeouts;
        std::set<Hash> voted;
        std::optional<model::TimeoutCertificate> justification;  ///< for proposing here
        uint32_t proposed = 0;
        bool certified = false;
    };

    void on(const model::Message& message);
    void see(const model::Signed<model::Report>& report);
    void see(const model::ProposalMessage& message);
    void see(const model::Signed<model::PrepareVote>& vote);
    void see(const model::Signed<model::CommitVote>& vote);
    void see(const model::TimeoutMessage& message);
    void see(const model::TimeoutCertificate& certificate);
    void see(const model::PrepareQC& qc) { qcs_.insert_or_assign(qc.body.view, qc); }
    void follow();
    void vote_for(View view, const Hash& block);
    void report(View view);
    void time_out(View view);
    void choose_certificate(View view);
    void propose(View view);
    std::optional<model::BlockBody> some_block(View view);
    void say_to_some(const model::Message& message);
    template <class Body>
    model::Signed<Body> sign(Body body) {
        return model::sign(network_.set(), self_, network_.signer(self_), std::move(body));
    }

    Network& network_;
    Participant self_;
    Dice dice_;
    Leaders leaders_;
    Config config_;
    Chain chain_;
    std::map<View, Place> places_;
    std::map<View, model::PrepareQC> qcs_;
};

}  // namespace tally::ordering::testing
