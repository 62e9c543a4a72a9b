// What a pure machine asks of the world.
//
// The one ordering contract of all machines: **a Send leaves only after every Save that was emitted
// before it is durable.** So a machine never waits for its own saves; it emits Save, then Send, in
// that order.
#pragma once

#include <memory>

#include "model/records.hpp"

namespace tally::model {

struct Save {
    std::shared_ptr<const Record> record;
};
/// To one participant, or to all others.
struct Send {
    std::optional<Participant> to;
    std::shared_ptr<const Message> message;
};

template <class... Outputs>
struct EffectList {
    using Effect = std::variant<Save, Send, Outputs...>;
    std::vector<Effect> list;

    template <class R>
    void save(R record) {
        list.push_back(Save{std::make_shared<const Record>(std::move(record))});
    }
    template <class M>
    void send(Participant to, M message) {
        list.push_back(Send{to, std::make_shared<const Message>(std::move(message))});
    }
    template <class M>
    void send_all(M message) {
        list.push_back(Send{std::nullopt, std::make_shared<const Message>(std::move(message))});
    }
    template <class O>
    void output(O value) {
        list.push_back(std::move(value));
    }
};

/// The two clocks a machine is told at each input. Only `monotonic_us` measures durations; `wall`
/// may jump.
struct Now {
    Micros wall;
    uint64_t monotonic_us = 0;
};

/// Who a participant is within its epoch: shared by all machines of a node. Without a signer a
/// machine follows, relays and serves, but signs nothing, and says nothing again that it signed.
struct Self {
    Participant index;
    const Signatories* set = nullptr;
    const Signer* signer = nullptr;  ///< may be null
    const Verifier* verifier = nullptr;
    const Epochs* epochs = nullptr;  ///< null: `set` is that of the only one

    /// Whose signatures count for what is decided in this slot.
    [[nodiscard]] const Signatories& set_at(Slot slot) const {
        return epochs == nullptr ? *set : epochs->at(slot);
    }
};

}  // namespace tally::model
