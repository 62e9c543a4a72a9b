// CheckBatch: the work of reading one batch: every envelope judged by its bytes alone, most of it
// one signature check each. Pure, so it may run on any thread.
#pragma once

#include "node/node.hpp"
#include "node/slot_plan.hpp"

namespace tally::node {

/// Envelopes that this node has checked already, because its own clients sent them.
class KnownEnvelopes {
public:
    struct Known {
        std::shared_ptr<const Bytes> bytes;
        std::shared_ptr<const model::CheckedEnvelope> checked;
    };
    /// Beyond `entries_max` the oldest is forgotten.
    explicit KnownEnvelopes(size_t entries_max) : entries_max_(entries_max) {}
    void add(std::shared_ptr<const Bytes> bytes,
             std::shared_ptr<const model::CheckedEnvelope> checked);
    /// Those of the batch's items whose very bytes are known, by position.
    [[nodiscard]] std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> take(
        const model::Batch& items);

private:
    size_t entries_max_;
    std::map<Hash, Known> by_bytes_;  ///< by the hash of the bytes
    std::vector<Hash> order_;         ///< a ring
    size_t next_ = 0;
};

class CheckBatchWork final : public Work {
public:
    /// `is_void` as the coding says; the bytes of a void batch are not read.
    CheckBatchWork(model::BatchHeader header, Hash header_hash, model::Batch items, bool is_void,
                   std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known,
                   std::shared_ptr<const model::Charter> charter, Hash network);
    void run() override;

    /// After run().
    [[nodiscard]] CheckedBatchRef result() const { return result_; }
    [[nodiscard]] size_t bytes() const { return bytes_; }

private:
    std::shared_ptr<CheckedBatch> batch_;
    std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known_;
    std::shared_ptr<const model::Charter> charter_;
    Hash network_;
    size_t bytes_ = 0;
    CheckedBatchRef result_;
};

}  // namespace tally::node
