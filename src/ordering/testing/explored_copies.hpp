// The five copies that an exhaustive exploration runs, three honest participants and a Twin twice,
// and every machine that they can become. What a machine makes of what it hears is computed once.
#pragma once

#include <array>
#include <set>

#include "ordering/leaders.hpp"
#include "ordering/standing.hpp"
#include "ordering/testing/exhaustive.hpp"

namespace tally::ordering::testing {

inline constexpr uint32_t explored_participants = 4;
/// The honest ones first, then both copies of the Twin.
inline constexpr uint32_t explored_copies = 5;
inline constexpr uint32_t honest_copies = 3;

using Named = Standing::Named;
using MessagePointer = std::shared_ptr<const model::Message>;

/// Something signed; the same one is the same object.
struct Said {
    uint32_t copy = 0;
    Participant signer;
    size_t kind = 0;  ///< model::Message::index()
    Slot slot;
    View view;
    Hash block;                  ///< of votes and proposals
    std::optional<Named> names;  ///< the QC that a Timeout reports, or a proposal's TC names
    Hash digest;                 ///< of the statement, its signature apart
    MessagePointer message;
};

struct Hearing {
    Participant from;
    const model::Message* message;
};

/// A copy as it can come to stand, with the machine that does.
struct Node {
    uint32_t copy = 0;
    Machine machine;
    Standing standing;
    std::vector<std::shared_ptr<const model::Record>> journal;  ///< kept if there are crashes
    std::optional<Standing> again;  ///< after a crash here; none if there are no crashes
    uint64_t clock_us = 0;
};

/// What comes of an input.
struct Outcome {
    const Node* after = nullptr;
    std::vector<const Said*> said;
    Effects effects;  ///< kept if there are crashes
};

class Copies {
public:
    explicit Copies(const Bounds& bounds);

    [[nodiscard]] Participant participant_of(uint32_t copy) const {
        return identities_.at(copy).participant;
    }
    [[nodiscard]] const Leaders& leaders() const { return leaders_; }
    [[nodiscard]] const Quorum& quorum() const { return quorum_; }
    [[nodiscard]] const Bounds& bounds() const { return bounds_; }
    /// Who hands on to this copy what `signer` said: not itself.
    [[nodiscard]] Participant relay_of(uint32_t copy, Participant signer) const;

    /// At the beginning, with work for slot 1.
    const Outcome& begin(uint32_t copy);
    const Outcome& hear(const Node& node, const std::vector<Hearing>& hearings);
    const Outcome& time_out(const Node& node);
    /// A crash after so many effects of what it did last, or at rest, and the start after it.
    const Outcome& crash(const Node& node, const Outcome* within, size_t applied, Slot slot);
    /// With work for this slot.
    const Outcome& give_work(const Node& node, Slot slot);
    /// Shows the CommitQC, as votes and whole, and every body it may be of. Null: not decided.
    [[nodiscard]] std::shared_ptr<const model::Decision> decide(const Node& node,
                                                                const model::CommitQC& qc) const;
    [[nodiscard]] bool is_quorum(const model::CommitQC& qc) const {
        return model::check_quorum(set_, *verifier_, qc);
    }

    /// The same message is the same object from here on.
    MessagePointer kept(model::Message message);
    /// Small, and the same for blocks that differ only in whose Reports they hold.
    [[nodiscard]] uint8_t name_of(const Hash& block) const { return names_.at(block); }
    [[nodiscard]] const std::vector<model::BlockBody>& bodies_of(const Hash& block) const {
        return bodies_.at(block);
    }
    [[nodiscard]] size_t nodes() const { return nodes_.size(); }

private:
    struct Identity {
        Participant participant;
        Config config;
        uint64_t wall_ahead_us = 0;
    };
    using Input = std::vector<const void*>;

    [[nodiscard]] model::Now now_of(uint32_t copy, uint64_t clock_us) const;
    [[nodiscard]] Machine restarted(
        uint32_t copy, uint64_t clock_us,
        const std::vector<std::shared_ptr<const model::Record>>& journal, Effects& effects) const;
    void give_work(Machine& machine, uint32_t copy, uint64_t clock_us, Slot slot,
                   Effects& effects) const;
    Outcome outcome_of(Node node, Effects effects);
    const Node* kept(Node node);
    const Said* said_in(uint32_t copy, const MessagePointer& message);

    Bounds bounds_;
    model::Signatories set_;
    Leaders leaders_;
    Quorum quorum_;
    std::vector<std::unique_ptr<Signer>> signers_;
    std::unique_ptr<Verifier> verifier_;
    std::vector<Identity> identities_;
    std::map<Hash, MessagePointer> messages_;
    std::map<std::pair<uint32_t, const model::Message*>, std::unique_ptr<const Said>> said_;
    std::map<Hash, std::unique_ptr<const Node>> nodes_;
    std::map<std::pair<const Node*, Input>, Outcome> outcomes_;
    std::map<std::tuple<const Node*, const Outcome*, size_t>, Outcome> crashes_;
    std::map<Hash, uint8_t> names_;                         ///< by H(B)
    std::map<Hash, std::vector<model::BlockBody>> bodies_;  ///< by H(B); one but for a canary
};

}  // namespace tally::ordering::testing
