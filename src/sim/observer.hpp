// Observer: what the world shows of its honest participants, as it happens. Checkers observe; they
// never touch.
#pragma once

#include <memory>
#include <set>

#include "node/node.hpp"

namespace tally::sim {

/// A participant's signatures that are on its disk for good.
using SavedSignatures = std::set<Signature>;

class Observer {
public:
    virtual ~Observer() = default;
    /// `statement` is what model::signed_bytes made.
    virtual void on_signed(Participant, ByteView /*statement*/, const Signature&) {}
    /// A message leaves the process.
    virtual void on_sent(Participant /*from*/, Participant /*to*/, ByteView /*message*/,
                         const SavedSignatures&) {}
    /// A message reaches a process that is up.
    virtual void on_heard(Participant /*by*/, ByteView /*message*/) {}
    /// The database was written to.
    virtual void on_stored(Participant, const ports::WriteBatch&) {}
    virtual void on_reply(Participant, uint64_t /*request*/, const node::Response&) {}
    virtual void on_started(Participant) {}
    /// Its epoch is over, and begins anew with this.
    virtual void on_epoch(Participant, const model::Handover&) {}
    virtual void on_crashed(Participant) {}
    /// A disk failed, and the process went on.
    virtual void on_went_on(Participant) {}
    /// The process ended by itself, or could not start.
    virtual void on_halted(Participant, const std::string& /*why*/) {}
    /// True: the run ends here.
    [[nodiscard]] virtual bool wants_end() const { return false; }
};

}  // namespace tally::sim
