// A scenario as text, and back.
#include <sstream>

#include "sim/scenario.hpp"

namespace tally::sim {

std::string to_text(const Fault& fault) {
    std::ostringstream out;
    out << "fault " << fault.number << ' ' << name_of(fault.kind) << " from " << fault.from_us
        << " until " << fault.until_us << " at " << fault.at << " to " << fault.to << " amount "
        << fault.amount;
    return out.str();
}

std::string to_text(const Scenario& scenario) {
    std::ostringstream out;
    out << "seed " << scenario.seed << "\nparticipants " << scenario.participants << "\nfounders "
        << scenario.founders << "\nreal_keys " << scenario.real_keys << "\nview_timer_us "
        << scenario.view_timer_us << "\nlatency_us_max " << scenario.latency_us_max
        << "\nunquiet_us " << scenario.unquiet_us << "\nrequests " << scenario.requests
        << "\nmixed " << scenario.mixed << '\n';
    for (const Liar& liar : scenario.liars) {
        out << "liar " << uint32_t(liar.participant.value) << ' ' << name_of(liar.kind) << '\n';
    }
    for (const Fault& fault : scenario.faults) out << to_text(fault) << '\n';
    return out.str();
}

namespace {

bool read_fault(std::istringstream& line, Fault& fault) {
    std::string kind, from, until, at, to, amount;
    line >> fault.number >> kind >> from >> fault.from_us >> until >> fault.until_us >> at >>
        fault.at >> to >> fault.to >> amount >> fault.amount;
    if (!line || from != "from" || until != "until" || at != "at" || to != "to" ||
        amount != "amount")
        return false;
    for (uint8_t i = 0; i <= uint8_t(fault_kind_last); ++i) {
        if (kind != name_of(FaultKind(i))) continue;
        fault.kind = FaultKind(i);
        return true;
    }
    return false;
}

bool read_liar(std::istringstream& line, Liar& liar) {
    uint32_t participant = 0;
    std::string kind;
    line >> participant >> kind;
    liar.participant = {uint8_t(participant)};
    for (uint8_t i = 0; line && i <= uint8_t(liar_kind_last); ++i) {
        if (kind != name_of(LiarKind(i))) continue;
        liar.kind = LiarKind(i);
        return true;
    }
    return false;
}

bool read_line(std::istringstream& line, const std::string& word, Scenario& scenario) {
    if (word == "seed") return bool(line >> scenario.seed);
    if (word == "participants") return bool(line >> scenario.participants);
    if (word == "founders") return bool(line >> scenario.founders);
    if (word == "real_keys") return bool(line >> scenario.real_keys);
    if (word == "view_timer_us") return bool(line >> scenario.view_timer_us);
    if (word == "latency_us_max") return bool(line >> scenario.latency_us_max);
    if (word == "unquiet_us") return bool(line >> scenario.unquiet_us);
    if (word == "requests") return bool(line >> scenario.requests);
    if (word == "mixed") return bool(line >> scenario.mixed);
    if (word == "liar") return read_liar(line, scenario.liars.emplace_back());
    if (word == "fault") return read_fault(line, scenario.faults.emplace_back());
    return false;
}

}  // namespace

Result<Scenario> from_text(std::string_view text) {
    Scenario scenario;
    std::istringstream lines{std::string(text)};
    std::string content;
    while (std::getline(lines, content)) {
        std::istringstream line(content);
        std::string word;
        if (!(line >> word) || word.front() == '#') continue;
        if (!read_line(line, word, scenario)) return fail(SimError::bad_scenario, content);
    }
    if (scenario.participants == 0 || scenario.participants > 31)
        return fail(SimError::bad_scenario, "participants must be 1 to 31");
    if (scenario.founders > scenario.participants)
        return fail(SimError::bad_scenario, "there are more founders than participants");
    // Times below are drawn.
    if (scenario.latency_us_max == 0 || scenario.unquiet_us == 0)
        return fail(SimError::bad_scenario, "latency_us_max and unquiet_us must be 1 or more");
    for (const Fault& fault : scenario.faults) {
        if (fault.kind == FaultKind::delay && fault.amount < 1)
            return fail(SimError::bad_scenario, "a delay's amount must be 1 or more");
    }
    for (const Liar& liar : scenario.liars) {
        if (liar.participant.value >= scenario.participants)
            return fail(SimError::bad_scenario, "a liar is no participant");
    }
    return scenario;
}

}  // namespace tally::sim
