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
#include "cli/epoch_command.hpp"
#include "cli/epoch_files.hpp"
#include "cli/identity_watch.hpp"
#include "cli/key_file.hpp"
#include "cli/old_epoch.hpp"
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
    const std::string name =
        !setup.role.guest.empty()
            ? setup.role.guest
            : std::string(setup.charter.now().participants[setup.role.self.value].name);
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

/// As whom these keys take part in the charter's newest epoch; nothing if they do not, and are not
/// to in the proposal either.
Result<std::optional<ParticipantRole>> role_of(const EpochFiles& files,
                                               const model::Charter& charter,
                                               const std::string& join) {
    TRY(keys, files.keys(charter));
    const auto identity = keys.keys().identity.public_key();
    const auto place_in = [&](const model::ParticipantEntries& entries) -> std::optional<size_t> {
        for (size_t i = 0; i < entries.size(); ++i) {
            if (!entries[i].is_vacant() && entries[i].identity_key == identity) return i;
        }
        return {};
    };
    if (place_in(charter.now().participants)) {
        TRY(self, participant_of(charter, keys));
        return std::optional(ParticipantRole{self, {}, keys.keys(), files.next_keys(keys)});
    }
    if (join.empty()) return std::optional<ParticipantRole>();
    TRY(voted, read_voted_proposal(join));
    const auto& entries = voted.proposal.participants;
    // One of an epoch that has begun is of no more use.
    if (voted.proposal.epoch <= charter.epoch()) return std::optional<ParticipantRole>();
    const auto place = place_in(entries);
    if (voted.proposal.network != model::network_id_of(charter.body) || !place)
        return fail(UsageError::not_a_founder, join + " does not name this identity key");
    // With the keys that the proposal names, unless it says others when it is ready.
    return std::optional(ParticipantRole{
        {uint8_t(*place)}, std::string(entries[*place].name), keys.keys(), files.next_keys(keys)});
}

/// Where the charter, or the proposal, says that the others find it.
Result<std::string> own_address(const model::Charter& charter, const ParticipantRole& role,
                                const std::string& join) {
    if (role.guest.empty())
        return std::string(charter.now().participants[role.self.value].addresses.front());
    TRY(voted, read_voted_proposal(join));
    return std::string(voted.proposal.participants[role.self.value].addresses.front());
}

/// Returns when it should end.
Exit wait_for_end(ParticipantProcess& participant, const std::shared_ptr<OperatorLog>& log) {
    constexpr int look_ms = 200, looks_per_status = 5;
    auto charter = participant.charter();
    IdentityWatch identity(Quorum::of(charter->participant_count()).liars_max);
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
        if (participant.has_left()) {
            log->write(
                {LogLevel::warning,
                 "process",
                 "left_the_network",
                 {},
                 "stopping: an epoch has begun in which this participant does not take part"});
            return Exit::applied;
        }
        if (participant.charter() != charter) {
            charter = participant.charter();
            identity = IdentityWatch(Quorum::of(charter->participant_count()).liars_max);
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
    TRY(http, address_of(config.http, "http"));
    if (!is_loopback(http.host)) return fail(UsageError::not_loopback, config.http);

    hold_stop_signals();
    const uint64_t descriptors = raise_descriptor_limit();
    CHECK(check_descriptors(descriptors));
    TRY(log_setup, log_setup_of(options, config.log));
    const auto log = open_log(log_setup);
    const EpochFiles files(config.charter, config.keys, config.data,
                           [log](LogLine line) { log->write(std::move(line)); });
    TRY(charter, files.charter());
    TRY(kept_keys, read_participant_keys(config.keys));
    if (const auto read = read_ended_epoch(charter, kept_keys, config.data); !read.ok()) {
        if (read.error().is(ports::KeyValueError::locked)) return read.error();
        log->write({LogLevel::warning,
                    "process",
                    "old_journal_unread",
                    {},
                    "what the journal of an earlier epoch holds and the database does not is got "
                    "back from the others where they have it: " +
                        read.error().message()});
    }
    TRY(role, role_of(files, charter, config.join));
    if (!role) return fail(UsageError::not_a_founder, "no participant has this identity key");
    if (config.listen.empty()) {
        TRY(address, own_address(charter, *role, config.join));
        config.listen = address;
    }
    CHECK(address_of(config.listen, "listen"));
    ParticipantSetup setup{
        .charter = std::move(charter),
        .role = *role,
        .keep_epoch = [files](const model::Charter& next) { return files.keep(next); },
        .enter_epoch = [files, join = config.join](
                           const model::Charter& next) { return role_of(files, next, join); },
        .forget_opening_key = [files] { files.forget_past_openings(); },
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
    TRY(participant, ParticipantProcess::start(std::move(setup)));
    const uint16_t port = participant->http_port();
    const std::string url = "http://" + http.host + ":" + std::to_string(port);
    log->write({LogLevel::info, "process", "ready", {{"url", url}}, "ready: " + url});
    output.json_only(boost::json::object{{"ready", true}, {"url", url}});
    const Exit exit = wait_for_end(*participant, log);
    log->write({LogLevel::info, "process", "stopping", {}, "stopping"});
    participant.reset();
    log->write({LogLevel::info, "process", "stopped", {}, "stopped"});
    return exit;
}

}  // namespace tally::cli
