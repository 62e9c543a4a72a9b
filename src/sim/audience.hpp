// Audience: many observers as one, who also ends the run when something is found.
#pragma once

#include "sim/checker.hpp"

namespace tally::sim {

/// Shows everything to everybody.
class Audience : public Observer {
public:
    Audience(Findings& findings, std::vector<Observer*> members)
        : findings_(findings), members_(std::move(members)) {}
    void on_signed(Participant who, ByteView statement, const Signature& signature) override {
        for (Observer* member : members_) member->on_signed(who, statement, signature);
    }
    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures& saved) override {
        ++messages;
        for (Observer* member : members_) member->on_sent(from, to, message, saved);
    }
    void on_heard(Participant by, ByteView message) override {
        for (Observer* member : members_) member->on_heard(by, message);
    }
    void on_stored(Participant who, const ports::WriteBatch& batch) override {
        for (Observer* member : members_) member->on_stored(who, batch);
    }
    void on_reply(Participant who, uint64_t request, const node::Response& response) override {
        for (Observer* member : members_) member->on_reply(who, request, response);
    }
    void on_started(Participant who) override {
        for (Observer* member : members_) member->on_started(who);
    }
    void on_epoch(Participant who, const model::Handover& handover) override {
        for (Observer* member : members_) member->on_epoch(who, handover);
    }
    void on_crashed(Participant who) override {
        for (Observer* member : members_) member->on_crashed(who);
    }
    void on_halted(Participant who, const std::string& why) override {
        for (Observer* member : members_) member->on_halted(who, why);
        findings_.add("participants come back", name_of(who) + ": " + why);
    }
    void on_went_on(Participant who) override {
        findings_.add("a failed disk ends the participant", name_of(who) + " went on");
    }
    bool wants_end() const override { return findings_.first().has_value(); }

    uint64_t messages = 0;

private:
    Findings& findings_;
    std::vector<Observer*> members_;
};

}  // namespace tally::sim
