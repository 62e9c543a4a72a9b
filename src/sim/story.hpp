// Story: the last things that happened before a finding, told in lines; and the hash of all that
// ever happened.
#pragma once

#include <deque>

#include "sim/checker.hpp"
#include "sim/world.hpp"

namespace tally::sim {

class Story : public Observer {
public:
    explicit Story(size_t lines_max) : lines_max_(lines_max) {}
    /// The clock; borrowed. Before the first event.
    void attach(const World& world) { world_ = &world; }

    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures&) override;
    void on_stored(Participant, const ports::WriteBatch&) override;
    void on_reply(Participant, uint64_t request, const node::Response&) override;
    void on_started(Participant) override;
    void on_crashed(Participant) override;
    void on_halted(Participant, const std::string& why) override;

    [[nodiscard]] std::vector<std::string> lines() const;
    /// Of every event of honest participants in order: two runs alike have one hash.
    [[nodiscard]] Hash hash() const;

private:
    enum class Kind : uint8_t { sent, stored, replied, started, crashed, halted };
    struct Line {
        Kind kind;
        uint64_t at_us;
        Participant who;
        ParticipantSet to;
        Bytes bytes;
    };
    void add(Kind kind, Participant who, Participant to, ByteView bytes);

    size_t lines_max_;
    const World* world_ = nullptr;
    std::deque<Line> lines_;
    uint64_t digest_[2] = {0, 0};
};

/// "Report slot 4 view 0".
[[nodiscard]] std::string describe_message(ByteView message);

}  // namespace tally::sim
