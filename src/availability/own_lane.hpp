// The author's side of the own lane: envelopes that wait, and the newest batch.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "availability/dispersal.hpp"

namespace tally::availability {

/// First intervals after which fragments and the newest certificate are said again; each doubles.
constexpr uint64_t say_fragment_us = 200'000;
constexpr uint64_t say_certificate_us = 500'000;

/// Envelopes that wait for a batch, in the order of their arrival; a batch has ledgers of one
/// forwarding only.
class Waiting {
public:
    void push(model::Forwarding mode, model::BatchItem item, uint64_t arrived_us);
    [[nodiscard]] bool empty() const { return count() == 0; }
    [[nodiscard]] size_t count() const;
    [[nodiscard]] size_t bytes() const { return bytes_; }
    /// When the first of them arrived. Requires !empty().
    [[nodiscard]] uint64_t first_arrived_us() const;
    struct Taken {
        model::Forwarding mode;
        model::Batch batch;
    };
    /// The next batch, with the first that arrived: at least one item, and no more than
    /// limits::batch_bytes_aim of envelopes. Requires !empty().
    [[nodiscard]] Taken take();
    [[nodiscard]] model::Batch all() const;

private:
    struct Item {
        model::BatchItem item;
        uint64_t arrived_us;
    };
    std::map<model::Forwarding, std::deque<Item>> items_;  ///< none of them empty
    size_t bytes_ = 0;
};

/// The newest batch of the own lane. Until it is certified its fragments are said again.
struct OwnBatch {
    model::BatchHeader header;
    Hash hash;
    Signature author{};
    Bytes bytes;
    std::optional<model::BatchHeader> parent;
    std::map<Participant, model::AcknowledgementPart> acknowledgements;
    uint64_t said_first_us = 0;  ///< monotonic
    std::optional<model::LaneCertificate> certificate;

    [[nodiscard]] model::Fragment fragment_for(const Dispersal& dispersal,
                                               Participant holder) const;
};

}  // namespace tally::availability
