// Audits: whether the others keep the cells that they should (docs/protocol.md, section 1,
// "Audit").
//
// A pure machine: it is told what to ask (node/audit_question.hpp), asks again at growing
// intervals, judges the answers by the headers that this participant holds itself, and counts. One
// question is open for each holder at most. Only answers to it are looked at, and one each time
// that it is asked; nothing that a peer sends makes it abort or grow.
#pragma once

#include <array>

#include "node/audit_question.hpp"
#include "node/client.hpp"

namespace tally::node {

struct AuditOutput {
    std::vector<std::pair<Participant, model::Message>> sends;
    /// What is said of a holder changed.
    std::vector<Participant> changes;
};

class Audits {
public:
    /// More of its last `results_looked_at` missed than this: it does not keep what it should.
    static constexpr uint32_t misses_max = 2;
    static constexpr uint32_t results_looked_at = 8;

    struct Config {
        std::shared_ptr<const availability::Coder> coder;
        uint64_t deadline_us = 0;
        bool believe_all = false;  ///< a mistake, for tests
    };
    explicit Audits(Config config) : config_(std::move(config)), of_(limits::participants_max) {}

    [[nodiscard]] bool is_open(Participant holder) const {
        return of_[holder.value].open.has_value();
    }
    /// Requires that none is open for it. It is sent with the next tick.
    void ask(Participant holder, AuditQuestion question, uint64_t now_us);

    /// Whether this is the right answer to what was asked; then it is counted. What is not is as
    /// good as none. Others may have asked for cells and batches as well.
    bool on_leaf(Participant from, const model::BatchCellLeaf& answer, AuditOutput& out);
    bool on_cells(Participant from, const model::BatchCells& answer, AuditOutput& out);
    /// Of a void batch there may be no cells to keep; that it is void shows in what this holds.
    bool on_body(Participant from, const model::BatchBody& answer, AuditOutput& out);

    /// What an open question meets at this time.
    enum class Holder : uint8_t {
        heard,    ///< its time runs
        silent,   ///< its time does not run, and in the end the question is unanswered
        excused,  ///< nor does it, for it is the auditor that is behind
    };
    /// `holder`: of a participant; `is_gone`: whether a batch may be dropped by now.
    template <class HolderOf, class IsGone>
    void on_tick(uint64_t now_us, const HolderOf& holder_of, const IsGone& is_gone,
                 AuditOutput& out) {
        for (size_t i = 0; i < of_.size(); ++i) {
            const Participant holder{uint8_t(i)};
            auto& open = of_[i].open;
            if (!open || now_us < open->at_us) continue;
            tick_one(holder, now_us, holder_of(holder), is_gone, out);
        }
    }
    /// Of the open questions; UINT64_MAX: none is.
    [[nodiscard]] uint64_t next_wakeup_us() const;

    [[nodiscard]] const AuditStatus& status(Participant holder) const {
        return of_[holder.value].status;
    }
    /// Answers to nothing that was asked, or wrong ones.
    [[nodiscard]] uint64_t refused() const { return refused_; }

private:
    struct Open {
        AuditQuestion question;
        uint64_t asked_us = 0;    ///< for the first time
        uint64_t since_us = 0;    ///< from here on its time runs
        uint64_t at_us = 0;       ///< when it is looked at again
        uint64_t again_us = 0;    ///< the interval
        bool may_answer = false;  ///< since it was last asked nothing came
    };
    struct Of {
        std::optional<Open> open;
        AuditStatus status;
        uint8_t misses = 0;  ///< the newest result in the lowest bit
    };
    static_assert(8 * sizeof(Of::misses) == results_looked_at);

    template <class IsGone>
    void tick_one(Participant holder, uint64_t now_us, Holder state, const IsGone& is_gone,
                  AuditOutput& out) {
        auto& of = of_[holder.value];
        Open& open = *of.open;
        if (state != Holder::heard) open.since_us = now_us;
        const bool is_silent =
            state == Holder::silent && now_us - open.asked_us >= config_.deadline_us;
        const bool is_late = now_us - open.since_us >= config_.deadline_us;
        if (is_silent || (is_late && is_gone(open.question.place))) return leave(of);
        if (is_late) return close(holder, true, out);
        send(holder, now_us, out);
    }
    void send(Participant holder, uint64_t now_us, AuditOutput& out);
    /// The question, if this may be an answer to it.
    Open* answered(Participant from, BatchPlace place);
    bool judge(Participant from, bool is_right, AuditOutput& out);
    void leave(Of& of);
    void close(Participant holder, bool is_missed, AuditOutput& out);

    Config config_;
    std::vector<Of> of_;  ///< by participant
    uint64_t refused_ = 0;
};

}  // namespace tally::node
