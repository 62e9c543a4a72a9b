#include "sim/words.hpp"

#include "sim/checker.hpp"

namespace tally::sim {

std::string where_they_stand(const World& world, const std::vector<Participant>& participants) {
    std::string text;
    for (const Participant who : participants) {
        const Process* process = world.process(who);
        text += name_of(who);
        if (!process) {
            text += " is down; ";
            continue;
        }
        const node::Status status = process->status();
        text += " decided " + std::to_string(status.decided.value) + " view " +
                std::to_string(status.view.value);
        if (!status.note.empty()) text += " (" + status.note + ")";
        for (const auto& ledger : status.ledgers) {
            text += ", " + ledger.name + " executed " + std::to_string(ledger.executed.value) +
                    " certified " + std::to_string(ledger.certified.value);
            if (ledger.paused) text += " paused";
            if (ledger.diverged) text += " diverged";
        }
        text += "; ";
    }
    return text;
}

}  // namespace tally::sim
