#include "cli/node_command.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <csignal>

#include "base/quorum.hpp"
#include "cli/address.hpp"
#include "cli/charter_draft.hpp"
#include "cli/identity_watch.hpp"
#include "cli/key_file.hpp"
#include "cli/operator_log.hpp"
#include "cli/signals.hpp"
#include "cli/status_watch.hpp"
#include "cli/unexpected.hpp"
#include "cli/usage.hpp"
#include "cli/version.hpp"

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

std::shared_ptr<OperatorLog> open_log(const LogSetup& setup) {
    auto out =
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    out->set_pattern("%v");
    out->flush_on(spdlog::level::info);
    return std::make_shared<OperatorLog>(setup,
                                         [out](const std::string& line) { out->info("{}", line); });
}

/// As many descriptors as this user may have: the soft limit is often a fraction of it. How many
/// there are then.
uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/// Clients must not take the descriptors that the database and the peers need.
size_t http_connections_of(size_t configured, uint64_t descriptors, OperatorLog& log) {
    constexpr uint64_t for_others = 1'024;
    const uint64_t left = descriptors > 2 * for_others ? descriptors - for_others : descriptors / 2;
    if (configured <= left) return configured;
    log.write({LogLevel::warning,
               "process",
               "descriptors_few",
               {{"descriptors", std::to_string(descriptors)},
                {"http_connections_max", std::to_string(left)}},
               "fewer HTTP connections than configured: raise the limit of open files"});
    return left;
}

/// The flags, over what is configured.
Result<LogSetup> log_setup_of(const NodeOptions& options, LogSetup configured) {
    if (options.quiet) configured.level = LogLevel::warning;
    if (!options.log_level.empty()) {
        const auto level = log_level_of(options.log_level);
        if (!level) return fail(UsageError::bad_argument, "--log-level " + options.log_level);
        configured.level = *level;
    }
    if (!options.log_format.empty()) {
        const auto format = log_format_of(options.log_format);
        if (!format) return fail(UsageError::bad_argument, "--log-format " + options.log_format);
        configured.format = *format;
    }
    return configured;
}

void say_start(OperatorLog& log, const ParticipantSetup& setup, const std::string& http) {
    const auto& body = setup.charter.body;
    const auto count = setup.charter.participant_count();
    const std::string name = body.participants[setup.self.value].name;
    const std::string network = model::network_id_of(body).hex();
    log.write({LogLevel::info,
               "process",
               "starting",
               {{"participant", name},
                {"network", network},
                {"participants", std::to_string(count)},
                {"version", build_version()},
                {"listen", setup.listen},
                {"http", http},
                {"data", setup.data_folder}},
               name + " of network \"" + std::string(body.name) + "\""});
    const uint32_t survived = Quorum::of(count).liars_max;
    if (survived > 0) return;
    log.write({LogLevel::warning,
               "process",
               "no_loss_survived",
               {{"participants", std::to_string(count)}},
               std::to_string(count) +
                   " participant(s): no loss is survived; if one stops, the network stops"});
}

uint64_t monotonic_us() {
    using namespace std::chrono;
    return uint64_t(duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
}

/// Returns when it should end.
Exit wait_for_end(ParticipantProcess& participant, uint32_t liars_max,
                  const std::shared_ptr<OperatorLog>& log) {
    constexpr int look_ms = 200, looks_per_status = 5;
    IdentityWatch identity(liars_max);
    // Used by the node's thread alone, which answers.
    const auto watch = std::make_shared<StatusWatch>();
    for (int looks = 0; !stop_signal_within(look_ms); ++looks) {
        if (participant.halted()) {
            log->write({LogLevel::error,
                        "process",
                        "giving_up",
                        {},
                        "stopping: the participant can go on no longer; restart it when the cause "
                        "is gone"});
            return Exit::unreachable;
        }
        if (identity.is_in_use(participant.peers(), monotonic_us())) {
            log->write({LogLevel::error,
                        "process",
                        "identity_in_use",
                        {},
                        "stopping: the others say that another process runs with this identity "
                        "key, and hear that one. Two processes must never run as one participant: "
                        "stop one, and find out how it came to be"});
            return Exit::unreachable;
        }
        if (looks % looks_per_status != 0) continue;
        participant.ask(node::GetStatus{}, [watch, log](const node::Response& response) {
            const auto& status = std::get<Result<node::Status>>(response);
            if (!status.ok()) return;  // It is shutting down.
            for (auto& line : watch->changes(*status)) log->write(std::move(line));
        });
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
    const uint64_t descriptors = raise_descriptor_limit();
    CHECK(check_descriptors(descriptors));
    TRY(log_setup, log_setup_of(options, config.log));
    const auto log = open_log(log_setup);
    ParticipantSetup setup{
        .charter = std::move(charter),
        .self = self,
        .keys = keys.keys(),
        .data_folder = config.data,
        .start_counter = config.start_counter,
        .listen = config.listen,
        .http_address = http.host,
        .http_port = http.port,
        .snapshot_after_slots = config.snapshot_after_slots,
        .restore_bytes_per_s = config.restore_bytes_per_s,
        .scrub_period_us = config.scrub_hours * 3'600 * 1'000'000,
        .quotas = config.quotas,
        .http_connections_max = http_connections_of(config.http_connections_max, descriptors, *log),
        .log = [log](LogLine line) { log->write(std::move(line)); }};
    say_start(*log, setup, config.http);
    const uint32_t liars_max = Quorum::of(setup.charter.participant_count()).liars_max;
    TRY(participant, ParticipantProcess::start(std::move(setup)));
    const uint16_t port = participant->http_port();
    const std::string url = "http://" + http.host + ":" + std::to_string(port);
    log->write({LogLevel::info, "process", "ready", {{"url", url}}, "ready: " + url});
    output.json_only(boost::json::object{{"ready", true}, {"url", url}});
    const Exit exit = wait_for_end(*participant, liars_max, log);
    log->write({LogLevel::info, "process", "stopping", {}, "stopping"});
    participant.reset();
    log->write({LogLevel::info, "process", "stopped", {}, "stopped"});
    return exit;
}

}  // namespace tally::cli
