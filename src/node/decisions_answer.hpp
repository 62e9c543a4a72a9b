// DecisionsAnswer: as many consecutive decisions as one message should carry.
#pragma once

#include "model/messages.hpp"

namespace tally::node {

class DecisionsAnswer {
public:
    /// Beyond this a second decision waits for the next request. One alone always goes: the largest
    /// that can be decided fits into a message.
    static constexpr size_t bytes_max = 2 * 1024 * 1024;

    /// False, and nothing changes, when the answer is full.
    bool add(model::Decision decision) {
        const size_t bytes = cbor::encode(decision).size();
        if (!message_.list.empty() &&
            (bytes_ + bytes > bytes_max || message_.list.size() == message_.list.count_max))
            return false;
        bytes_ += bytes;
        message_.list.push_back(std::move(decision));
        return true;
    }
    [[nodiscard]] bool empty() const { return message_.list.empty(); }
    [[nodiscard]] size_t count() const { return message_.list.size(); }
    [[nodiscard]] model::Decisions take() { return std::move(message_); }

private:
    model::Decisions message_;
    size_t bytes_ = 0;
};

}  // namespace tally::node
