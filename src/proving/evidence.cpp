#include "proving/evidence.hpp"

namespace tally::proving {
namespace {

template <class Body>
std::string_view name_of_statement() {
    if constexpr (std::is_same_v<Body, model::Report>) return "Reports";
    if constexpr (std::is_same_v<Body, model::Proposal>) return "proposals";
    if constexpr (std::is_same_v<Body, model::PrepareVote>) return "PrepareVotes";
    if constexpr (std::is_same_v<Body, model::CommitVote>) return "CommitVotes";
    if constexpr (std::is_same_v<Body, model::Timeout>) return "Timeouts";
}

std::string place_text(Slot slot, View view) {
    return "slot " + std::to_string(slot.value) + ", view " + std::to_string(view.value);
}

}  // namespace

bool conflict(const model::CommitVote& vote, const model::Timeout& timeout) {
    return vote.slot == timeout.slot && timeout.view >= vote.view &&
           (!timeout.qc_view || *timeout.qc_view < vote.view);
}

Participant culprit_of(const Evidence& evidence) {
    return std::visit(
        [](const auto& pair) {
            if constexpr (requires { pair.first; }) {
                return pair.first.signer;
            } else {
                return pair.vote.signer;
            }
        },
        evidence);
}

bool check_evidence(const model::Signatories& set, const Verifier& verifier,
                    const Evidence& evidence) {
    const auto convicts = [&](const auto& one, const auto& other) {
        return one.signer == other.signer && conflict(one.body, other.body) &&
               model::check_signed(set, verifier, one) && model::check_signed(set, verifier, other);
    };
    return std::visit(
        [&](const auto& pair) {
            if constexpr (requires { pair.first; }) {
                return convicts(pair.first, pair.second);
            } else {
                return convicts(pair.vote, pair.timeout);
            }
        },
        evidence);
}

std::string describe(const Evidence& evidence) {
    return std::visit(
        [](const auto& pair) {
            std::string text = "participant ";
            if constexpr (requires { pair.first; }) {
                using Body = std::decay_t<decltype(pair.first.body)>;
                text += std::to_string(pair.first.signer.value) + " signed two " +
                        std::string(name_of_statement<Body>()) + " at " +
                        place_text(pair.first.body.slot, pair.first.body.view);
            } else {
                const auto& qc_view = pair.timeout.body.qc_view;
                text += std::to_string(pair.vote.signer.value) + " signed a CommitVote at " +
                        place_text(pair.vote.body.slot, pair.vote.body.view) +
                        " and a Timeout of view " + std::to_string(pair.timeout.body.view.value) +
                        " that reports " +
                        (qc_view ? "a QC of view " + std::to_string(qc_view->value) : "no QC");
            }
            return text;
        },
        evidence);
}

}  // namespace tally::proving
