// Mouth: what a liar sends. Behind it runs the honest code; what leaves is changed here.
#pragma once

#include <memory>
#include <vector>

#include "model/messages.hpp"
#include "sim/scenario.hpp"

namespace tally::sim {

class Mouth {
public:
    virtual ~Mouth() = default;
    using Message = std::shared_ptr<const Bytes>;
    /// What goes to `to` in place of `message`: nothing, it, something else, or several.
    [[nodiscard]] virtual std::vector<Message> say(Participant to, const Message& message,
                                                   uint64_t now_us) = 0;
    /// False: `from`'s messages do not reach this copy.
    [[nodiscard]] virtual bool hears(Participant /*from*/, uint64_t /*now_us*/) { return true; }
};

/// `copy`: 0, or 1 for a twin's other half. All borrowed.
[[nodiscard]] std::unique_ptr<Mouth> make_mouth(const Scenario& scenario, const Liar& liar,
                                                uint32_t copy, const model::Signatories& set,
                                                const Signer& signer);

}  // namespace tally::sim
