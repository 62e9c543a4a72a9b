#include "cli/doctor.hpp"
#include "cli/epoch_files.hpp"

#include <boost/json/array.hpp>

#include "cli/address.hpp"
#include "cli/client.hpp"
#include "cli/doctor_machine.hpp"
#include "cli/doctor_network.hpp"
#include "cli/doctor_stored.hpp"
#include "cli/key_file.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr int answer_ms_max = 3'000;

Finding failure(const std::string& check, const Error& error) {
    return {Health::failed, check, std::string(error.cause),
            error.detail.empty() ? std::string(error.code) : error.detail, std::string(error.next)};
}

/// What can be learnt of the participant's own files, and who it is if they tell.
struct OwnFiles {
    std::optional<model::Charter> charter;
    std::optional<ParticipantKeyFile> keys;
    std::optional<Participant> self;
};

OwnFiles examine_files(const NodeConfig& config, const std::string& config_path,
                       Findings& findings) {
    OwnFiles own;
    if (const auto file = read_file_state(config_path); file.ok())
        findings.push_back(judge_config_file(*file));
    const EpochFiles files(config.charter, config.keys, config.data, [](const LogLine&) {});
    auto charter = files.charter();
    if (charter.ok()) {
        findings.push_back({Health::ok, "charter",
                            "signed by all " + std::to_string(charter->participant_count()) +
                                " participants of network " +
                                model::network_id_of(charter->body).hex()});
        own.charter = std::move(*charter);
    } else {
        findings.push_back(failure("charter", charter.error()));
    }
    auto keys = read_participant_keys(config.keys);
    if (!keys.ok()) {
        findings.push_back(failure("key file", keys.error()));
        return own;
    }
    own.keys = *keys;
    if (const auto file = read_file_state(config.keys); file.ok())
        findings.push_back(judge_key_file(*file));
    if (!own.charter) return own;
    const auto self = participant_of(*own.charter, *keys);
    if (self.ok()) {
        own.self = *self;
        findings.push_back(
            {Health::ok, "keys",
             "they are " + std::string(own.charter->now().participants[self->value].name) + "'s"});
    } else {
        findings.push_back(failure("keys", self.error()));
    }
    return own;
}

/// The status of the participant behind the address, if it is this one.
std::optional<bj::object> own_status(const std::string& http, const OwnFiles& own) {
    const auto at = parse_address(http);
    if (!at || !own.charter || !own.self) return {};
    Client client({at->host, at->port});
    client.set_timeout_ms(answer_ms_max);
    auto answer = client.get("/v1/status");
    if (!answer.ok()) return {};
    const bool is_own =
        text_in(answer->body, "network") == model::network_id_of(own.charter->body).hex() &&
        text_in(answer->body, "participant") ==
            std::string_view(own.charter->now().participants[own.self->value].name);
    if (!is_own) return {};
    return std::move(answer->body);
}

Findings examine(const DoctorOptions& options) {
    Findings findings;
    const auto config = read_node_config(options.config);
    if (!config.ok()) {
        findings.push_back(failure("configuration", config.error()));
        return findings;
    }
    const OwnFiles own = examine_files(*config, options.config, findings);
    const auto status = own_status(config->http, own);
    findings.push_back(judge_clock(read_clock()));
    for (auto& finding : examine_folder(config->data)) findings.push_back(std::move(finding));
    findings.push_back(examine_data(config->data, status.has_value()));
    if (!status) findings.push_back(judge_open_files(own_descriptors_max()));
    findings.push_back(examine_port("HTTP port", config->http, status.has_value()));
    std::string listen = config->listen;
    if (listen.empty() && own.self)
        listen = own.charter->now().participants[own.self->value].addresses.front();
    if (!listen.empty()) findings.push_back(examine_port("peer port", listen, status.has_value()));
    if (status) {
        for (auto& finding : judge_status(*status)) findings.push_back(std::move(finding));
    } else if (own.self) {
        for (auto& finding : examine_stored(config->data, *own.charter, *own.self, *own.keys))
            findings.push_back(std::move(finding));
        findings.push_back({Health::ok, "participant", "it does not run; its peers are dialled"});
        for (auto& finding : dial_peers(*own.charter, *own.self, own.keys->keys().identity))
            findings.push_back(std::move(finding));
    }
    return findings;
}

void tell(const Finding& finding, const Output& output) {
    std::string line(name_of(finding.health));
    line.resize(std::max<size_t>(line.size(), 9), ' ');
    line += finding.check;
    line.resize(std::max<size_t>(line.size(), 30), ' ');
    output.line(line + " " + finding.what);
    const std::string below(31, ' ');
    if (!finding.why.empty()) output.line(below + "why: " + finding.why);
    if (!finding.next.empty()) output.line(below + "next: " + finding.next);
}

}  // namespace

Result<Exit> run_doctor(const DoctorOptions& options, const Output& output) {
    const auto findings = examine(options);
    size_t failed = 0, warnings = 0;
    bj::array checks;
    for (const auto& finding : findings) {
        failed += finding.health == Health::failed ? 1 : 0;
        warnings += finding.health == Health::warning ? 1 : 0;
        tell(finding, output);
        checks.push_back({{"check", finding.check},
                          {"state", name_of(finding.health)},
                          {"what", finding.what},
                          {"why", finding.why},
                          {"next", finding.next}});
    }
    output.json_only(bj::object{
        {"ok", failed == 0}, {"failed", failed}, {"warnings", warnings}, {"checks", checks}});
    output.line("\n" + std::to_string(findings.size()) + " checks: " + std::to_string(failed) +
                " failed, " + std::to_string(warnings) + " warnings");
    return failed == 0 ? Exit::applied : Exit::rejected;
}

}  // namespace tally::cli
