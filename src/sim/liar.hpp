// Mouth: what a liar sends. Behind it runs the honest code; what leaves is changed here, and some
// liars say things of their own.
#pragma once

#include <memory>
#include <vector>

#include "model/messages.hpp"
#include "node/node.hpp"
#include "sim/scenario.hpp"

namespace tally::sim {

class Mouth {
public:
    Mouth() = default;
    Mouth(const Mouth&) = delete;
    Mouth& operator=(const Mouth&) = delete;
    virtual ~Mouth() = default;

    using Message = std::shared_ptr<const Bytes>;
    struct Addressed {
        Participant to;
        Message message;
    };
    /// What goes to `to` in place of `message`: nothing, it, something else, or several.
    [[nodiscard]] virtual std::vector<Message> say(Participant to, const Message& message,
                                                   uint64_t now_us) = 0;
    /// False: `from`'s messages do not reach this copy.
    [[nodiscard]] virtual bool hears(Participant /*from*/, uint64_t /*now_us*/) { return true; }
    /// What reaches it. Its node is given the same.
    virtual void hear(Participant /*from*/, const Message& /*message*/) {}
    /// What it says unasked, and when next; `never_us`: not at all.
    static constexpr uint64_t never_us = UINT64_MAX;
    [[nodiscard]] virtual std::vector<Addressed> speak() { return {}; }
    [[nodiscard]] virtual uint64_t speaks_after_us() { return never_us; }

    /// How often it did what its kind is for.
    [[nodiscard]] uint64_t acts() const { return acts_; }

protected:
    void act() { ++acts_; }

private:
    uint64_t acts_ = 0;
};

/// What a mouth is made from; all borrowed.
struct MouthSeat {
    const Scenario& scenario;
    Participant self;
    const model::Signatories& set;
    const Signer& signer;
};

/// `copy`: 0, or 1 for a twin's other half.
[[nodiscard]] std::unique_ptr<Mouth> make_mouth(const MouthSeat& seat, LiarKind kind,
                                                uint32_t copy);

/// What its node does otherwise, before it comes to the mouth.
void add_lies(const Scenario& scenario, const Liar& liar, node::Canaries& to);

}  // namespace tally::sim
