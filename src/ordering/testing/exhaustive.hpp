// Every run of one slot after another, within bounds, of four real machines of which one is a Twin:
// two copies with one key, which hear and say different things.
//
// What is explored. A state is what the five copies stand for and what has been said so far. From
// each, every choice is taken: which TC a participant enters a view with, which proposal it votes
// for, which PrepareQCs it learns of, whether its timer runs out before or after that, which f + 1
// Timeouts make it leave views behind, and that it does nothing. What was said is never lost to the
// adversary: it hands on any quorum of it, at any time, as votes or as a certificate.
//
// How it is kept small. Statements of a view rest on those of the views before and, within it, in
// this order: entering, proposing, voting, learning the PrepareQC, timing out. So every run can be
// put into that order without changing what anybody knew when it said what it said, and only runs
// in it are taken: view by view, phase by phase, one copy after the other. What can no more be
// added to is reduced to the certificates that it yields. A leader proposes as soon as it can, for
// nothing that it could do later is kept from it by that. Blocks are told apart by who proposed
// them first and in which view.
//
// What is left out: that a participant learns of a PrepareQC or a Timeout of a view while it is
// still at work in an earlier one (a TC that takes it to a later view is not left out); which q
// Reports are in R; garbled and repeated messages, heartbeats, fetching. explorer_test.cpp has
// these, at random.
#pragma once

#include <functional>

#include "ordering/machine.hpp"

namespace tally::ordering::testing {

struct Bounds {
    uint32_t slots = 1;
    uint32_t views = 3;       ///< of each slot; the Timeouts of the last of them lead nowhere
    uint32_t twin_leads = 0;  ///< the view of slot 1 that the Twin leads first: 0 to 3
    bool twin_forks = false;  ///< its copies lead with fresh blocks whatever the TC names
    /// Of honest participants: all in all, at any choice or within one. Only in one slot.
    uint32_t crashes = 0;
    Canaries canaries{};
    uint64_t states_max = UINT64_MAX;
};

struct Explored {
    uint64_t states = 0;     ///< different ones in which there was a choice
    uint64_t choices = 0;    ///< taken
    uint64_t machines = 0;   ///< different ones, of the five copies
    uint64_t decidable = 0;  ///< ends of views that made a decision of a slot possible
    uint32_t depth = 0;      ///< of the longest run, in choices other than doing nothing
    bool exhausted = false;
    std::string violation;         ///< empty: none
    std::vector<std::string> way;  ///< to the violation
};

/// Ends early once `may_go_on` says no.
Explored explore_all(const Bounds& bounds, const std::function<bool()>& may_go_on);

}  // namespace tally::ordering::testing
