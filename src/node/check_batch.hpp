// CheckBatch: the work of reading one batch: every envelope judged by its bytes alone, most of it
// one signature check each. Pure, so it may run on any thread.
#pragma once

#include "model/sealed.hpp"
#include "node/node.hpp"
#include "node/slot_plan.hpp"

namespace tally::node {

/// Envelopes that this node has checked already, because its own clients sent them: until a batch
/// with them is checked, or too many came after them.
class KnownEnvelopes {
public:
    /// Above `bytes_max` of memory the oldest are forgotten.
    explicit KnownEnvelopes(size_t bytes_max) : bytes_max_(bytes_max) {}
    void add(ByteView bytes, std::shared_ptr<const model::CheckedEnvelope> checked);
    /// Those of the batch's items whose very bytes are known, by position. They are forgotten: a
    /// batch is checked once.
    [[nodiscard]] std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> take(
        const model::Batch& items);
    [[nodiscard]] size_t count() const { return by_bytes_.size(); }
    /// Of memory, estimated: the parsed tree of a transaction is many times its text.
    [[nodiscard]] size_t bytes() const { return bytes_; }

private:
    struct Known {
        std::shared_ptr<const model::CheckedEnvelope> checked;
        size_t bytes = 0;
        uint64_t arrival = 0;
    };
    using ByBytes = std::map<Hash, Known>;  ///< by the hash of the bytes
    void forget(ByBytes::iterator known);

    size_t bytes_max_;
    size_t bytes_ = 0;
    ByBytes by_bytes_;
    std::map<uint64_t, Hash> by_arrival_;
    uint64_t arrivals_ = 0;
};

class CheckBatchWork final : public Work {
public:
    /// `is_void` as the coding says; the bytes of a void batch are not read.
    CheckBatchWork(model::BatchHeader header, Hash header_hash, model::Batch items, bool is_void,
                   std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known,
                   std::shared_ptr<const model::Charter> charter, Hash network,
                   model::SealingKeys sealing);
    void run() override;

    /// After run().
    [[nodiscard]] CheckedBatchRef result() const { return result_; }

private:
    std::shared_ptr<CheckedBatch> batch_;
    std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known_;
    std::shared_ptr<const model::Charter> charter_;
    Hash network_;
    model::SealingKeys sealing_;  ///< of the batch's epoch
    CheckedBatchRef result_;
};

}  // namespace tally::node
