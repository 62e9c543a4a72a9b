// Process: what a simulated machine runs. The real node, or in tests of the world a toy.
#pragma once

#include <functional>
#include <memory>

#include "node/node.hpp"

namespace tally::sim {

class Process {
public:
    virtual ~Process() = default;
    /// Once, before the first step().
    virtual void start(model::Now now, node::Effects& effects) = 0;
    virtual void step(model::Now now, node::Input input, node::Effects& effects) = 0;
    /// In monotonic time.
    [[nodiscard]] virtual uint64_t next_wakeup_us() const = 0;
    [[nodiscard]] virtual node::Status status() const = 0;
};

/// What a process is started with; all borrowed for its life.
struct Seat {
    Participant participant;
    const model::Charter& charter;  ///< as it knows it
    const Signer& signer;
    ports::Disk& disk;
    ports::KeyValue& key_value;
    model::Now now;
    std::vector<model::BatchItem> resubmitted = {};  ///< node::Config
    Epoch openings_from = {};  ///< its opening keys of earlier epochs are erased
};
using Launch = std::function<Result<std::unique_ptr<Process>>(const Seat&)>;

}  // namespace tally::sim
