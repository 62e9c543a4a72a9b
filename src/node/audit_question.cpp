#include "node/audit_question.hpp"

namespace tally::node {
namespace {

/// One in so many draws asks for all cells: whoever fetches on demand fetches them, too.
constexpr uint64_t leaves_to_a_whole = 8;

}  // namespace

std::optional<AuditDraw> draw_audit(const AuditRound& round, Participant auditor,
                                    Participant holder) {
    const auto count_of = [&](size_t lane) {
        const uint64_t from = model::tip_of(round.from, {uint8_t(lane)}).height.value;
        return round.to[lane].height.value - std::min(from, round.to[lane].height.value);
    };
    uint64_t count = 0;
    for (size_t lane = 0; lane < round.to.size(); ++lane) count += count_of(lane);
    if (count == 0) return {};
    const Hash drawn =
        Hasher(Tag::audit).add(round.beacon).add_u8(auditor.value).add_u8(holder.value).finish();
    const auto number = [&](size_t i) { return read_u64(drawn.view().subspan(8 * i)); };
    AuditDraw draw;
    uint64_t left = number(0) % count;
    for (size_t lane = 0; lane < round.to.size(); ++lane) {
        const uint64_t here = count_of(lane);
        if (left < here) {
            draw.place = {{uint8_t(lane)}, {round.to[lane].height.value - left}};
            break;
        }
        left -= here;
    }
    draw.is_whole = number(1) % leaves_to_a_whole == 0;
    draw.cell = number(2);
    draw.leaf = number(3);
    return draw;
}

model::Message AuditQuestion::message() const {
    if (is_whole) return model::FetchCells{place.lane, place.height, header};
    return model::FetchCellLeaf{place.lane, place.height, header, cell, leaf};
}

std::optional<AuditQuestion> question_of(const AuditDraw& draw, model::BatchHeader header,
                                         const availability::Coder& coder, Participant holder) {
    const auto& da = header.da;
    const availability::Place place{da.epoch, draw.place.lane, draw.place.height};
    const bool is_there = header.lane == draw.place.lane && header.height == draw.place.height;
    if (!is_there || !coder.parameters_follow(place, da)) return {};
    AuditQuestion question;
    question.place = draw.place;
    question.header = header.hash();
    question.is_whole = draw.is_whole;
    const uint64_t each = da.data_cells > 1 ? da.cells / da.participants : 1;
    const uint64_t first = coder.holder_of(da.epoch, holder).value;
    question.cell = uint16_t(first + da.participants * (draw.cell % each));
    question.leaf = uint16_t(draw.leaf % availability::leaves_of_cell(da));
    question.of = std::move(header);
    return question;
}

}  // namespace tally::node
