// SealedShares: what opens the sealed transactions of one block (docs/protocol.md, section 3).
//
// Which of them are opened is found out first, for of the others no share is told; then shares are
// gathered until for each there are f + 1, or as many holders say that their boxes are bad. Both
// come from anyone: a share proves itself, and the word of a holder is signed.
#pragma once

#include <functional>
#include <map>

#include "ledger/execution.hpp"
#include "model/messages.hpp"
#include "node/damage.hpp"
#include "node/node.hpp"
#include "node/slot_plan.hpp"

namespace tally::node {

class SealedShares {
public:
    struct Wanted {
        uint32_t index = 0;  ///< in the block's list
        std::shared_ptr<const model::CheckedEnvelope> envelope;
    };
    /// `wanted`: ascending by index.
    SealedShares(Slot slot, model::SealingKeys keys, const std::vector<Wanted>& wanted);

    enum class Taken : uint8_t { taken, known, refused };
    /// `is_true`: that the holder has signed this.
    using IsTrue = std::function<bool(Participant holder, uint32_t index, const Hash& commitment,
                                      const model::BadBoxSaid& said)>;
    Taken add(const model::SealedShare& share, const IsTrue& is_true);

    [[nodiscard]] Slot slot() const { return slot_; }
    [[nodiscard]] const model::SealingKeys& keys() const { return keys_; }
    [[nodiscard]] bool complete() const { return waiting() == 0; }
    /// How many transactions have too few.
    [[nodiscard]] size_t waiting() const { return waiting_; }
    /// Whose share is missing for one of those.
    [[nodiscard]] std::vector<Participant> missing() const;
    [[nodiscard]] const model::CheckedEnvelope* envelope(uint32_t index) const;

    /// Of each transaction as many shares as open it; none if its holders say that it is bad.
    /// Requires complete().
    [[nodiscard]] std::map<uint32_t, std::vector<std::pair<uint8_t, Scalar>>> enough() const;
    /// The same with the holders' words, to be kept and given to others.
    [[nodiscard]] model::SealedShareList kept() const;
    /// Who has said that its box of this transaction is bad.
    [[nodiscard]] std::vector<Participant> called_bad_by(uint32_t index) const;

private:
    struct Gathered {
        std::shared_ptr<const model::CheckedEnvelope> envelope;
        std::map<Participant, Scalar> shares;
        std::map<Participant, model::BadBoxSaid> bad;
    };
    [[nodiscard]] bool is_enough(const Gathered& one) const {
        return one.shares.size() >= keys_.threshold || one.bad.size() >= keys_.threshold;
    }

    Slot slot_;
    model::SealingKeys keys_;
    std::map<uint32_t, Gathered> gathered_;
    size_t waiting_;
};

/// The work of finding what a block is to open, and of opening this participant's boxes in it.
class FindSealedWork final : public Work {
public:
    struct Task {
        LedgerIndex ledger;
        std::shared_ptr<const SlotPlan> plan;
        model::SealingKeys keys;
        ledger::BlockContext context;
        tree::Tree* tree = nullptr;         ///< before the block; used by nothing else meanwhile
        std::vector<X25519Secret> secrets;  ///< of this and of earlier epochs
        bool open_copies = false;           ///< test-only mistake, for checkers to find
    };
    explicit FindSealedWork(Task task) : task_(std::move(task)) {}
    void run() override;

    [[nodiscard]] const Task& task() const { return task_; }
    /// After run(). An error is our own disk's lie.
    [[nodiscard]] const Result<std::vector<SealedShares::Wanted>>& wanted() const {
        return *wanted_;
    }
    /// Of each that is wanted the share in the own box; nothing: it is bad. Empty if this
    /// participant holds none.
    using Own = std::vector<std::pair<uint32_t, std::optional<Scalar>>>;
    [[nodiscard]] Own take_own() { return std::move(own_); }
    /// Under which number this participant held it.
    [[nodiscard]] Participant holder() const { return holder_; }

private:
    Result<std::vector<SealedShares::Wanted>> find();
    void open_own();
    void open_boxes(size_t place, const X25519Secret& secret);

    Task task_;
    std::optional<Result<std::vector<SealedShares::Wanted>>> wanted_;
    Own own_;
    Participant holder_;
};

}  // namespace tally::node
