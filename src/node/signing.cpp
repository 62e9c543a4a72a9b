// Whether this participant may sign: not before the others have said what it signed, and not in
// this epoch once its journal lacks any of that (docs/protocol.md, section 5).
#include "node/parts.hpp"

namespace tally::node {
namespace {

constexpr uint64_t ask_after_us = 100'000;
constexpr uint64_t ask_after_us_max = 5'000'000;
/// One who was silent and is heard now is asked anew, but not for each of its messages.
constexpr uint64_t ask_heard_us = 50'000;

}  // namespace

/// By what the journal itself and the counter outside of it say; the others may know more.
bool Node::Parts::is_journal_lost() const {
    // A start is counted in the journal first, so that may be ahead by one that a crash cut short.
    const auto& counted = config.starts_counted;
    return signing == Signing::lost || config.lost_journal ||
           (counted && *counted != starts && *counted + 1 != starts);
}

/// Before the machines start. Whoever need not ask signs from the beginning.
void Node::Parts::take_signer() {
    asking.answered.assign(signatories.places(), false);
    asking.asked_us.assign(signatories.places(), 0);
    if (!config.guest.empty()) {
        signing = Signing::guest;
        return;
    }
    if (is_journal_lost() && signing != Signing::lost && !config.lost_journal)
        config.lost_journal = "it counts " + std::to_string(starts) +
                              " starts, and the counter outside of it " +
                              std::to_string(*config.starts_counted);
    const uint32_t votes_of_others = signatories.quorum().votes_min - 1;
    const bool is_free = signing == Signing::asking && !config.lost_journal && votes_of_others == 0;
    if (canaries.skip_asking || is_free) {
        signing = Signing::allowed;
        sign_from_now();
    }
    asking.needed = votes_of_others;
    // No two starts of one participant have both clocks alike.
    asking.start = now.wall.value * 0x9e3779b97f4a7c15 + now.monotonic_us;
}

void Node::Parts::start_signing_or_ask() {
    const model::Started started{starts + 1};
    model::Save save{std::make_shared<const model::Record>(started)};
    take_one(save);
    if (config.lost_journal && signing != Signing::guest) lose_journal(*config.lost_journal);
    // Of a lost journal nothing is counted: the true one, put back, is to match.
    if (signing != Signing::lost) outbox.put(Effect{CountStart{started.count}});
    if (signing == Signing::lost) {
        log(Log::Level::error, signing_note(), "journal_lost");
    } else if (signing == Signing::asking) {
        asking.again_us = ask_after_us;
        asking.at_us = now.monotonic_us;
        ask_if_due();
    }
}

void Node::Parts::ask_for_own(Participant peer) {
    asking.asked_us[peer.value] = now.monotonic_us;
    send(peer, model::FetchOwnMessages{asking.start, signatories.epoch});
}

void Node::Parts::ask_who_is_heard(Participant peer) {
    if (signing != Signing::asking || asking.answered[peer.value]) return;
    if (now.monotonic_us - asking.asked_us[peer.value] >= ask_heard_us) ask_for_own(peer);
}

void Node::Parts::ask_if_due() {
    if (signing != Signing::asking || now.monotonic_us < asking.at_us) return;
    for (const Participant peer : others) {
        if (!asking.answered[peer.value]) ask_for_own(peer);
    }
    asking.at_us = now.monotonic_us + asking.again_us;
    asking.again_us = std::min(2 * asking.again_us, ask_after_us_max);
}

void Node::Parts::on_fetch(Participant from, const model::FetchOwnMessages& request) {
    if (request.epoch != signatories.epoch) return;  // Of that one it knows nothing.
    if (may_ask(from)) answer(from, latest_signed.of(from, request.start));
}

/// What is true in an answer counts whenever it comes; only a whole and true one counts as answer.
void Node::Parts::on_own_messages(Participant from, const model::OwnMessages& answer) {
    if (canaries.skip_asking || signing == Signing::lost || signing == Signing::guest) return;
    if (answer.start != asking.start || asking.answered[from.value]) return;
    if (!check_own_messages(signatories, *self.verifier, self.index, answer)) {
        ++counters["refused_own_messages"];
        return;
    }
    asking.answered[from.value] = true;
    ++asking.answers;
    if (const auto lacking = own_places.lacks(answer))
        return lose_journal("others hold " + *lacking + " that it signed and the journal lacks");
    if (signing == Signing::asking && asking.answers >= asking.needed) {
        signing = Signing::allowed;
        sign_from_now();
        attest_what_is_executed();
    }
}

void Node::Parts::attest_what_is_executed() {
    if (const auto attested = attest_again(now); !attested.ok())
        log(Log::Level::error, attested.error().message(), "database_unreadable");
}

/// What was decided or certified meanwhile may show more than the answers did.
void Node::Parts::compare_own() {
    if (canaries.skip_asking || signing == Signing::lost || signing == Signing::guest) return;
    if (const auto lacking = own_places.lacks(latest_signed.of(self.index, 0)))
        lose_journal("a decision holds " + *lacking + " that it signed and the journal lacks");
}

void Node::Parts::sign_from_now() {
    const Signer* with = signing == Signing::allowed && epoch_begun ? &signer : nullptr;
    {
        proving::Effects out;
        proving->set_signer(with, now, out);
        take(out);
    }
    {
        availability::Effects out;
        availability->set_signer(with, now, out);
        take(out);
    }
    {
        ordering::Effects out;
        ordering->set_signer(with, now, out);
        take(out);
    }
}

void Node::Parts::lose_journal(std::string why) {
    if (canaries.skip_asking || signing == Signing::lost || signing == Signing::guest) return;
    const bool was_known = config.lost_journal.has_value();
    signing = Signing::lost;
    lost_why = std::move(why);
    constexpr size_t why_bytes_max = 1'024;
    model::Save save{std::make_shared<const model::Record>(
        model::LostJournal{{lost_why.substr(0, why_bytes_max)}})};
    take_one(save);
    sign_from_now();
    availability->drop_waiting();
    if (!was_known) log(Log::Level::error, signing_note(), "journal_lost");
}

std::string Node::Parts::signing_note() const {
    switch (signing) {
    case Signing::allowed:
        if (epoch_begun) return {};
        return "fetching what the epoch before decided: slot " + std::to_string(followed.value) +
               " of " + std::to_string(epochs.handover_slot().value);
    case Signing::asking:
        return "asking the others what this participant signed: " + std::to_string(asking.answers) +
               " of " + std::to_string(asking.needed) + " have answered";
    case Signing::guest:
        return config.guest +
               " does not take part yet: it follows until an epoch in which it does is decided";
    case Signing::lost:
        return "the journal is lost: " + lost_why +
               ". This participant signs nothing in this epoch; it follows, executes and serves. "
               "Submit elsewhere; if the true journal is found, stop, put it back whole, and start";
    }
    std::abort();
}

}  // namespace tally::node
