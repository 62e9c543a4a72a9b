// NodeProcess: the real node, as a simulated machine runs it.
#pragma once

#include "sim/process.hpp"

namespace tally::sim {

class NodeProcess : public Process {
public:
    explicit NodeProcess(std::unique_ptr<node::Node> node) : node_(std::move(node)) {}
    void start(model::Now now, node::Effects& effects) override { node_->start(now, effects); }
    void step(model::Now now, node::Input input, node::Effects& effects) override {
        node_->step(now, std::move(input), effects);
    }
    uint64_t next_wakeup_us() const override { return node_->next_wakeup_us(); }
    node::Status status() const override { return node_->status(); }

private:
    std::unique_ptr<node::Node> node_;
};

}  // namespace tally::sim
