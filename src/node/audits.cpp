#include "node/audits.hpp"

#include <bit>

namespace tally::node {
namespace {

constexpr uint64_t audit_again_us = 500'000;
/// So many times at least within the deadline.
constexpr uint64_t audit_asks_min = 8;

}  // namespace

void Audits::ask(Participant holder, AuditQuestion question, uint64_t now_us) {
    auto& of = of_[holder.value];
    ENSURE(!of.open);
    ++of.status.asked;
    of.open = Open{std::move(question), now_us, now_us, now_us, audit_again_us, false};
}

void Audits::send(Participant holder, uint64_t now_us, AuditOutput& out) {
    Open& open = *of_[holder.value].open;
    out.sends.emplace_back(holder, open.question.message());
    open.may_answer = true;
    open.at_us = now_us + open.again_us;
    open.again_us =
        std::min(2 * open.again_us, std::max(config_.deadline_us / audit_asks_min, audit_again_us));
}

uint64_t Audits::next_wakeup_us() const {
    uint64_t next = UINT64_MAX;
    for (const Of& of : of_) {
        if (of.open) next = std::min(next, of.open->at_us);
    }
    return next;
}

Audits::Open* Audits::answered(Participant from, BatchPlace place) {
    auto& open = of_[from.value].open;
    return open && open->may_answer && open->question.place == place ? &*open : nullptr;
}

bool Audits::judge(Participant from, bool is_right, AuditOutput& out) {
    if (is_right || config_.believe_all) {
        close(from, false, out);
        return true;
    }
    ++refused_;
    of_[from.value].open->may_answer = false;
    return false;
}

bool Audits::on_leaf(Participant from, const model::BatchCellLeaf& answer, AuditOutput& out) {
    const Open* open = answered(from, {answer.lane, answer.height});
    if (open == nullptr || open->question.is_whole || open->question.header != answer.header) {
        ++refused_;
        return false;
    }
    const auto& asked = open->question;
    return judge(from,
                 answer.leaf.cell == asked.cell && answer.leaf.leaf == asked.leaf &&
                     availability::leaf_verifies(asked.of.da, answer.leaf),
                 out);
}

bool Audits::on_cells(Participant from, const model::BatchCells& answer, AuditOutput& out) {
    const Open* open = answered(from, {answer.header.lane, answer.header.height});
    if (open == nullptr || !open->question.is_whole) return false;
    const auto& asked = open->question;
    return judge(
        from,
        answer.header == asked.of && config_.coder->cells_verify(asked.of.da, from, answer.cells),
        out);
}

bool Audits::on_body(Participant from, const model::BatchBody& answer, AuditOutput& out) {
    const Open* open = answered(from, {answer.header.lane, answer.header.height});
    if (open == nullptr) return false;
    const auto& asked = open->question;
    // Of a batch that is not void this is no answer: its cells are.
    if (answer.bytes.size() == asked.of.da.length) return false;
    const auto batch =
        answer.header == asked.of ? config_.coder->rebuild(asked.of, answer.bytes) : nullptr;
    return judge(from, batch != nullptr && batch->is_void, out);
}

void Audits::leave(Of& of) {
    ++of.status.unanswered;
    of.open.reset();
}

void Audits::close(Participant holder, bool is_missed, AuditOutput& out) {
    auto& of = of_[holder.value];
    AuditStatus& status = of.status;
    ++(is_missed ? status.missed : status.passed);
    if (is_missed) {
        status.missed_lane = of.open->question.place.lane;
        status.missed_height = of.open->question.place.height;
    }
    of.open.reset();
    of.misses = uint8_t(of.misses << 1 | (is_missed ? 1 : 0));
    const bool keeps = uint32_t(std::popcount(of.misses)) <= misses_max;
    if (keeps == status.keeps) return;
    status.keeps = keeps;
    out.changes.push_back(holder);
}

}  // namespace tally::node
