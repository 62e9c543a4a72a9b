#include "cli/node_command.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <csignal>

#include "base/quorum.hpp"
#include "cli/address.hpp"
#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/signals.hpp"
#include "cli/usage.hpp"

namespace tally::cli {
namespace {

Result<Address> address_of(const std::string& text, const char* what) {
    auto address = parse_address(text);
    if (!address)
        return fail(UsageError::bad_argument,
                    std::string(what) + " = \"" + text + "\" is not host:port");
    return *std::move(address);
}

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

/// Which participant these keys belong to. All three must be the charter's.
Result<Participant> participant_of(const model::Charter& charter, const ParticipantKeyFile& file) {
    const ParticipantKeys keys = file.keys();
    const auto& participants = charter.body.participants;
    for (size_t i = 0; i < participants.size(); ++i) {
        if (participants[i].identity_key != keys.identity.public_key()) continue;
        if (participants[i].signing_key != keys.signing.public_key())
            return fail(UsageError::not_a_founder,
                        "the identity key is " + participants[i].name +
                            "'s, but the charter lists another signing key for it");
        if (participants[i].opening_key != x25519_public(file.opening))
            return fail(UsageError::not_a_founder,
                        "the identity key is " + participants[i].name +
                            "'s, but the charter lists another opening key for it");
        return Participant{uint8_t(i)};
    }
    return fail(UsageError::not_a_founder, "no participant has this identity key");
}

spdlog::level::level_enum level_of(node::Log::Level level) {
    switch (level) {
    case node::Log::Level::info: return spdlog::level::info;
    case node::Log::Level::warning: return spdlog::level::warn;
    case node::Log::Level::error: return spdlog::level::err;
    }
    std::abort();
}

std::shared_ptr<spdlog::logger> open_log(bool quiet) {
    auto log =
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    log->set_level(quiet ? spdlog::level::warn : spdlog::level::info);
    log->flush_on(spdlog::level::info);
    return log;
}

void say_start(spdlog::logger& log, const ParticipantSetup& setup, const std::string& http) {
    const auto& body = setup.charter.body;
    const auto count = setup.charter.participant_count();
    log.info("{} of network \"{}\" ({}), {} participants", body.participants[setup.self.value].name,
             body.name, model::network_id_of(body).hex(), count);
    const uint32_t survived = Quorum::of(count).liars_max;
    if (survived == 0) {
        log.warn("{} participant(s): no loss is survived; if one stops, the network stops", count);
    } else {
        log.info("{} of {} participants may stop or lie", survived, count);
    }
    log.info("peers at {}, HTTP at {}, data in {}", setup.listen, http, setup.data_folder);
}

/// Returns when it should end; an error if the participant cannot go on.
Exit wait_for_end(const ParticipantProcess& participant, spdlog::logger& log) {
    while (!stop_signal_within(200)) {
        if (!participant.halted()) continue;
        log.error(
            "stopping: the participant can go on no longer; restart it when the cause is gone");
        return Exit::unreachable;
    }
    return Exit::applied;
}

}  // namespace

Result<Exit> run_node(const NodeOptions& options, const Output& output) {
    if (options.with_parent != 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The parent may have ended before this line.
        if (::getppid() != options.with_parent) return Exit::unreachable;
    }
    TRY(config, read_node_config(options.config));
    TRY(charter, read_charter(config.charter));
    TRY(keys, read_participant_keys(config.keys));
    TRY(self, participant_of(charter, keys));
    TRY(http, address_of(config.http, "http"));
    if (!is_loopback(http.host)) return fail(UsageError::not_loopback, config.http);
    if (config.listen.empty()) config.listen = charter.body.participants[self.value].addresses[0];
    CHECK(address_of(config.listen, "listen"));

    hold_stop_signals();
    const auto log = open_log(options.quiet);
    ParticipantSetup setup{.charter = std::move(charter),
                           .self = self,
                           .keys = keys.keys(),
                           .data_folder = config.data,
                           .listen = config.listen,
                           .http_address = http.host,
                           .http_port = http.port,
                           .snapshot_after_slots = config.snapshot_after_slots,
                           .log = [log](node::Log::Level level, const std::string& line) {
                               log->log(level_of(level), line);
                           }};
    say_start(*log, setup, config.http);
    TRY(participant, ParticipantProcess::start(std::move(setup)));
    const uint16_t port = participant->http_port();
    const std::string url = "http://" + http.host + ":" + std::to_string(port);
    log->info("ready: {}", url);
    output.json_only(boost::json::object{{"ready", true}, {"url", url}});
    const Exit exit = wait_for_end(*participant, *log);
    log->info("stopping");
    participant.reset();
    log->info("stopped");
    return exit;
}

}  // namespace tally::cli
