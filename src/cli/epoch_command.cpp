#include "cli/epoch_command.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <thread>

#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/usage.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr size_t draft_text_bytes_max = 1024 * 1024;
constexpr int ask_status_every_ms = 300;

Result<void> write_voted(const std::string& path, const model::VotedProposal& voted, bool replace) {
    return write_file(path, tally::text_of(cbor::encode(voted)), false, replace);
}

std::optional<size_t> place_of_name(const model::ParticipantEntries& entries,
                                    std::string_view name) {
    for (size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].name == name) return i;
    }
    return {};
}

/// Whoever is named takes its place again with what the draft says; a newcomer the first that is
/// vacant.
void put_entry(model::ParticipantEntries& entries, model::ParticipantEntry entry) {
    auto place = place_of_name(entries, entry.name);
    if (!place) place = place_of_name(entries, "");
    if (place) {
        entries[*place] = std::move(entry);
    } else {
        entries.push_back(std::move(entry));
    }
}

Result<void> take_leavers(const toml::table& table, const std::string& path,
                          model::ParticipantEntries& entries) {
    constexpr std::string_view expected = "a list of participants' names";
    TRY(leave, list_of_key(table, "leave", path, expected));
    if (leave == nullptr) return success();
    for (const auto& one : *leave) {
        const auto name = one.value<std::string>();
        if (!one.is_string() || name->empty()) return wrong_value(table, "leave", path, expected);
        const auto place = place_of_name(entries, *name);
        if (!place)
            return fail(TomlError::bad_value, "leave: no participant is named \"" + *name + "\"");
        entries[*place] = {};
    }
    return success();
}

/// Whom a ledger lists, if it is listed; else all of a ledger that all prove now, and of another
/// those who prove it and stay.
Result<void> take_provers(const toml::table& table, const std::string& path,
                          const model::CharterBody& now, model::EpochProposal& proposal) {
    const auto& entries = proposal.participants;
    const auto is_member = [&](Participant who) {
        return who.value < entries.size() && !entries[who.value].is_vacant();
    };
    const auto all_now = size_t(std::count_if(now.participants.begin(), now.participants.end(),
                                              [](const auto& one) { return !one.is_vacant(); }));
    for (const auto& ledger : now.ledgers) {
        auto& provers = proposal.provers.emplace_back();
        if (ledger.provers.size() == all_now) {
            for (size_t i = 0; i < entries.size(); ++i) {
                if (is_member({uint8_t(i)})) provers.push_back({uint8_t(i)});
            }
            continue;
        }
        for (const Participant who : ledger.provers) {
            if (is_member(who)) provers.push_back(who);
        }
    }
    TRY(listed, list_of_key(table, "ledger", path, "tables"));
    if (listed == nullptr) return success();
    for (const auto& one : *listed) {
        const auto* entry = one.as_table();
        if (entry == nullptr) return wrong_value(table, "ledger", path, "tables");
        CHECK(only_keys(*entry, {"name", "provers"}, "[[ledger]]"));
        TRY(name, text_of_key(*entry, "name", "[[ledger]]"));
        size_t index = 0;
        while (index < now.ledgers.size() && now.ledgers[index].name != name) ++index;
        if (index == now.ledgers.size()) return fail(UsageError::no_such_ledger, name);
        constexpr std::string_view expected = "a list of participants' names";
        TRY(names, list_of_key(*entry, "provers", "ledger " + name, expected));
        if (names == nullptr) return wrong_value(*entry, "provers", "ledger " + name, expected);
        auto& provers = proposal.provers[index];
        provers.clear();
        for (const auto& prover : *names) {
            const auto wanted = prover.value<std::string>();
            const auto place = prover.is_string() ? place_of_name(entries, *wanted) : std::nullopt;
            if (!place || entries[*place].is_vacant())
                return wrong_value(*entry, "provers", "ledger " + name, expected);
            provers.push_back({uint8_t(*place)});
        }
        std::sort(provers.begin(), provers.end());
    }
    return success();
}

Result<model::EpochProposal> read_proposal_draft(const EpochDraft& options,
                                                 const model::Charter& charter) {
    const auto& now = charter.now();
    const std::string& path = options.draft;
    TRY(text, read_file(path, draft_text_bytes_max));
    TRY(table, parse_toml(text, path));
    CHECK(only_keys(table, {"leave", "participant", "parameters", "ledger"}, path));
    model::EpochProposal proposal;
    proposal.network = model::network_id_of(charter.body);
    proposal.epoch = charter.epoch().next();
    proposal.attempt = options.attempt;
    proposal.parameters = now.parameters;
    proposal.participants = now.participants;
    CHECK(take_leavers(table, path, proposal.participants));
    TRY(participants, list_of_key(table, "participant", path, "tables"));
    if (participants != nullptr) {
        for (const auto& one : *participants) {
            if (!one.is_table()) return wrong_value(table, "participant", path, "tables");
            TRY(entry, read_participant(*one.as_table()));
            put_entry(proposal.participants, std::move(entry));
        }
    }
    if (const auto* parameters = table.get("parameters")) {
        if (!parameters->is_table()) return wrong_value(table, "parameters", path, "a table");
        CHECK(read_parameters(*parameters->as_table(), proposal.parameters));
    }
    CHECK(take_provers(table, path, now, proposal));
    return proposal;
}

bj::object proposal_json(const model::VotedProposal& voted, const model::Charter& charter) {
    const auto& [proposal, votes] = voted;
    const auto& now = charter.now();
    bj::array joins, leaves, changes, takes_part, voted_for;
    for (size_t i = 0; i < proposal.participants.size(); ++i) {
        const auto& entry = proposal.participants[i];
        const auto before =
            i < now.participants.size() ? now.participants[i] : model::ParticipantEntry{};
        if (!entry.is_vacant()) takes_part.emplace_back(std::string(entry.name));
        if (entry == before) continue;
        if (!before.is_vacant() && entry.name != before.name)
            leaves.emplace_back(std::string(before.name));
        if (entry.is_vacant()) continue;
        (entry.name == before.name ? changes : joins).emplace_back(std::string(entry.name));
    }
    for (const auto& vote : votes) {
        if (vote.participant.value < now.participants.size())
            voted_for.emplace_back(std::string(now.participants[vote.participant.value].name));
    }
    const auto enough = model::check_votes(now, *ed25519_verifier(0), voted);
    return {{"proposal", proposal.hash().hex()},
            {"network", proposal.network.hex()},
            {"epoch", proposal.epoch.value},
            {"attempt", proposal.attempt},
            {"takes_part", std::move(takes_part)},
            {"joins", std::move(joins)},
            {"leaves", std::move(leaves)},
            {"changes", std::move(changes)},
            {"parameters_change", proposal.parameters != now.parameters},
            {"voted", std::move(voted_for)},
            {"enough_votes", enough.ok()}};
}

std::string names_in(const bj::object& json, std::string_view key) {
    std::vector<std::string> names;
    for (const auto& one : json.at(key).get_array()) names.emplace_back(one.as_string());
    return names.empty() ? "nobody" : joined(names);
}

void tell_proposal(const model::VotedProposal& voted, const model::Charter& charter,
                   const Output& output) {
    const bj::object json = proposal_json(voted, charter);
    output.json_only(json);
    output.line("proposal      " + voted.proposal.hash().hex());
    output.line("begins        epoch " + std::to_string(voted.proposal.epoch.value) + ", attempt " +
                std::to_string(voted.proposal.attempt));
    output.line("takes part    " + names_in(json, "takes_part"));
    output.line("joins         " + names_in(json, "joins"));
    output.line("leaves        " + names_in(json, "leaves"));
    output.line("changes       " + names_in(json, "changes") + ", keys, address or weight");
    if (json.at("parameters_change").as_bool())
        output.line("parameters    change: `tally charter show` has those of now, and --json both");
    output.line("voted for by  " + names_in(json, "voted"));
    output.note(json.at("enough_votes").as_bool()
                    ? "It has enough votes: tally epoch submit"
                    : "It needs the votes of more than two thirds: tally epoch vote");
}

}  // namespace

Result<model::VotedProposal> read_voted_proposal(const std::string& path) {
    TRY(bytes, read_file(path, limits::http_body_bytes_max));
    auto voted = cbor::decode<model::VotedProposal>(view_of(bytes));
    if (!voted.ok()) return fail(FileError::bad_content, path + " is no proposal of an epoch");
    return std::move(*voted);
}

Result<Exit> epoch_draft(const EpochDraft& options, const Output& output) {
    TRY(charter, read_charter(options.charter));
    TRY(proposal, read_proposal_draft(options, charter));
    CHECK(model::check_proposal(proposal.network, charter.epoch(), charter.now(), proposal));
    const model::VotedProposal voted{std::move(proposal), {}};
    CHECK(write_voted(options.out, voted, false));
    tell_proposal(voted, charter, output);
    return Exit::applied;
}

Result<Exit> epoch_vote(const EpochVote& options, const Output& output) {
    TRY(charter, read_charter(options.charter));
    TRY(voted, read_voted_proposal(options.file));
    TRY(keys, read_participant_keys(options.keys));
    CHECK(model::check_proposal(model::network_id_of(charter.body), charter.epoch(), charter.now(),
                                voted.proposal));
    const auto identity = keys.keys().identity;
    const auto& now = charter.now().participants;
    const auto found = std::find_if(now.begin(), now.end(), [&](const auto& one) {
        return !one.is_vacant() && one.identity_key == identity.public_key();
    });
    if (found == now.end()) return fail(UsageError::not_a_founder, options.keys);
    const Participant self{uint8_t(found - now.begin())};
    const model::IdentitySignature mine{
        self, identity.sign(model::proposal_statement(voted.proposal.hash()))};
    auto& votes = voted.votes;
    const auto place = std::find_if(votes.begin(), votes.end(),
                                    [&](const auto& one) { return one.participant >= self; });
    if (place != votes.end() && place->participant == self) {
        *place = mine;
    } else {
        votes.insert(place, mine);
    }
    CHECK(write_voted(options.file, voted, true));
    tell_proposal(voted, charter, output);
    return Exit::applied;
}

Result<Exit> epoch_show(const EpochShow& options, const Output& output) {
    TRY(charter, read_charter(options.charter));
    TRY(voted, read_voted_proposal(options.file));
    CHECK(model::check_proposal(model::network_id_of(charter.body), charter.epoch(), charter.now(),
                                voted.proposal));
    tell_proposal(voted, charter, output);
    return Exit::applied;
}

Result<Exit> epoch_submit(const EpochSubmit& options, const Output& output) {
    TRY(voted, read_voted_proposal(options.file));
    TRY(client, connect(options.connection));
    const Bytes bytes = cbor::encode(voted);
    TRY(taken, client.post("/v1/epoch", "application/cbor", std::string(tally::text_of(bytes))));
    output.note("taken by " + options.connection.url +
                ": it is decided, and begins once a quorum "
                "of those who take part is ready");
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(options.timeout_s);
    std::string told;
    while (!options.no_wait) {
        TRY(answer, client.get("/v1/status"));
        const auto& status = answer.body;
        if (number_in(status, "epoch") >= voted.proposal.epoch.value) {
            output.line("epoch " + std::to_string(voted.proposal.epoch.value) + " has begun");
            output.json_only(bj::object{{"epoch", voted.proposal.epoch.value}, {"begun", true}});
            return Exit::applied;
        }
        if (const auto* next = status.if_contains("next_epoch"); next && next->is_object()) {
            const auto& object = next->get_object();
            const std::string ready = "ready: " + names_in(object, "ready") +
                                      "; not yet: " + names_in(object, "missing") +
                                      "; needed: " + std::to_string(number_in(object, "needed"));
            if (std::exchange(told, ready) != ready) output.note(ready);
        }
        if (std::chrono::steady_clock::now() > deadline) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(ask_status_every_ms));
    }
    output.json_only(bj::object{{"epoch", voted.proposal.epoch.value}, {"begun", false}});
    return options.no_wait ? Exit::applied : Exit::unknown;
}

}  // namespace tally::cli
