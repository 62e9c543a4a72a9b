// Checking what participants show of batches against the charter: that a header is the certified
// one, that cells and leaves are its own.
#pragma once

#include <map>

#include "cli/connection.hpp"
#include "node/batch_reads.hpp"

namespace tally::cli {

enum class BatchCheckError { no_such_participant, not_certified, false_cells, too_few_cells };
ErrorText describe(BatchCheckError error);

/// A participant that does not answer is not waited for long: there are others.
inline constexpr int batch_patience_ms = 10'000;

class BatchCheck {
public:
    explicit BatchCheck(const model::Charter& charter);
    [[nodiscard]] const availability::Coder& coder() const { return coder_; }
    [[nodiscard]] Result<Participant> participant(std::string_view name) const;
    [[nodiscard]] std::string name_of(Participant participant) const;
    [[nodiscard]] uint32_t participant_count() const { return charter_.participant_count(); }
    /// A quorum signed that it holds cells of this very batch, and its parameters follow.
    [[nodiscard]] Result<void> check(const node::ServedHeader& served, Participant lane,
                                     LaneHeight height) const;

private:
    const model::Charter& charter_;
    model::Epochs epochs_;
    availability::Coder coder_;
    std::unique_ptr<Verifier> verifier_;
};

/// How probable it is at most that so many random different cells are all there though too few are
/// to rebuild the batch: C(K − 1, s) / C(N, s). Where all are copies: 0, for one is enough.
[[nodiscard]] double fooled(const model::DaParameters& da, uint32_t draws);

/// "/v1/batches/NAME/HEIGHT"
[[nodiscard]] std::string batch_path(const BatchCheck& check, Participant lane, LaneHeight height);

/// A batch, from as many holders' cells as are needed.
struct RebuiltBatch {
    node::ServedHeader of;
    std::shared_ptr<const availability::HeldBatch> batch;
    std::vector<Participant> from;
};
/// Asks one after the other until there are cells enough. What each failed with is told to
/// `on_failure`. BatchCheckError::too_few_cells.
[[nodiscard]] Result<RebuiltBatch> rebuild_batch(
    const BatchCheck& check, const std::vector<Connection>& sources, Participant lane,
    LaneHeight height, const std::function<void(const std::string& url, const Error&)>& on_failure);

}  // namespace tally::cli
