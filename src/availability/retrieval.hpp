// Retrieval: one batch, asked of its holders until enough of their cells are here
// (docs/protocol.md, section 1, "Read").
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "availability/dispersal.hpp"
#include "model/messages.hpp"

namespace tally::availability {

/// A place in a lane, and the header that is meant there.
using LanePlace = std::pair<LaneHeight, Hash>;

/// A batch to be asked for, of one participant after another, until it is held.
struct Fetch {
    uint64_t ask_at_us = 0;
    uint32_t asked = 0;                     ///< how many questions there were for cells,
    uint32_t wholes = 0;                    ///< and for the whole batch
    std::vector<Participant> waiting = {};  ///< those asked for cells last who have not answered
};

/// Cells of a batch, of fewer holders than give it back.
struct Gathering {
    model::BatchHeader header;
    std::map<Participant, model::CellSet> sets;  ///< by Coder::holder_of(); each verifies
};

/// The own cells of a coded batch as they were put into the database; nothing if they are not
/// there. They need not be right.
using StoredCells =
    std::function<std::optional<model::BatchCells>(Participant lane, const LanePlace& place)>;

/// Who asks, and who can be asked.
struct Asker {
    Participant self;
    std::vector<Participant> others;  ///< ascending
};
[[nodiscard]] Asker asker_among(const model::Signatories& set, Participant self);
struct Question {
    Participant to;
    bool whole = false;  ///< for the whole batch, not for cells
};

/// Who let others wait for cells of late: they are asked after those who answer.
class Slowness {
public:
    /// It had to be asked for something again.
    void on_silence(Participant from) {
        auto& silences = silences_[from];
        silences = std::min(silences + 1, silences_max);
    }
    void on_answer(Participant from) { silences_.erase(from); }
    [[nodiscard]] bool is_slow(Participant from) const {
        const auto found = silences_.find(from);
        return found != silences_.end() && found->second >= slow_from;
    }

private:
    static constexpr uint32_t slow_from = 2, silences_max = 8;
    std::map<Participant, uint32_t> silences_;
};

/// What is to be asked now about a batch that is due, and counts it: of as many holders as are
/// still needed, first of those `known` to hold cells, then of all, for others have made theirs
/// since; each participant begins with another. Whoever has not answered when it is due again is
/// slow, and others are asked in its place. Of a batch of which nothing is here (`gathering` is
/// null) one holder is asked, who says what it is. Once all were asked in vain, and again, or all
/// gave theirs, everyone in turn is asked for the whole, too: more than f may have lost their
/// cells, or left. Who is slow comes last, but for some batches, so that it is noticed when it is
/// not any more.
[[nodiscard]] std::vector<Question> ask(const Asker& asker, const Coder& coder,
                                        const LanePlace& place, Fetch& fetch,
                                        const Gathering* gathering, std::vector<Participant> known,
                                        const Slowness& slowness, uint64_t now_us);

/// Where a decided batch stands: it was acknowledged in its own epoch, which is this or one before.
[[nodiscard]] Place decided_place(Epoch now, const model::BatchHeader& header);

/// The own cells of this batch, to begin with; nothing if none that are right are stored, or it is
/// not coded.
[[nodiscard]] std::optional<Gathering> gathering_of_own(const StoredCells& stored,
                                                        const Coder& coder, Epoch now,
                                                        Participant self, Participant lane,
                                                        const LanePlace& place);

}  // namespace tally::availability
