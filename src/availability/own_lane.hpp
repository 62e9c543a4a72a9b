// The own lane's author side: envelopes that wait, and the one batch that gathers acknowledgements.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "availability/dispersal.hpp"

namespace tally::availability {

/// Envelopes that wait for a batch, in the order of their arrival.
class Waiting {
public:
    void push(model::BatchItem item, uint64_t arrived_us);
    [[nodiscard]] bool empty() const { return items_.empty(); }
    [[nodiscard]] size_t count() const { return items_.size(); }
    [[nodiscard]] size_t bytes() const { return bytes_; }
    /// When the first of them arrived. Requires !empty().
    [[nodiscard]] uint64_t first_arrived_us() const { return items_.front().arrived_us; }
    /// The next batch: at least one item, at most about limits::batch_bytes_aim. Requires !empty().
    [[nodiscard]] model::Batch take();

private:
    struct Item {
        model::BatchItem item;
        uint64_t arrived_us;
    };
    std::deque<Item> items_;
    size_t bytes_ = 0;
};

/// The own newest batch. Until it is certified its fragments are said again.
struct OwnBatch {
    model::BatchHeader header;
    Hash hash;
    Signature author{};
    std::shared_ptr<const Bytes> bytes;
    std::map<Participant, model::AcknowledgementPart> acknowledgements;
    std::optional<model::LaneCertificate> certificate;
};

}  // namespace tally::availability
