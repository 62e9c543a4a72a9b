#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <future>

#include "api/answers.hpp"
#include "cli/checkpoint.hpp"
#include "cli/lost_journal.hpp"
#include "cli/old_epoch.hpp"
#include "cli/participant_inside.hpp"
#include "cli/peer_lines.hpp"
#include "cli/set_aside.hpp"
#include "io/http_server.hpp"
#include "io/thread_name.hpp"
#include "io/worker_pool.hpp"
#include "store/error.hpp"

namespace tally::cli {
namespace {

constexpr size_t reader_threads = 2;
constexpr const char* nobody_knows =
    "it is missing or empty, and the database that would know more is damaged";
/// So that a wake-up that was computed long ago is noticed at the latest.
constexpr auto tick_max = std::chrono::milliseconds(100);

node::Response refusal_of(const node::Request& request, Error error) {
    if (!std::holds_alternative<node::Submit>(request) &&
        !std::holds_alternative<node::Await>(request))
        return Result<node::Status>(std::move(error));
    return Result<node::TransactionStatus>(std::move(error));
}
node::Response stopped_response(const node::Request& request) {
    return refusal_of(request,
                      fail(node::ClientError::stopped, "the participant is shutting down"));
}

}  // namespace

Result<void> ParticipantProcess::Inside::open() {
    const Hash network = model::network_id_of(charter->body);
    signer = ed25519_signer(role.keys.signing);
    identity = ed25519_signer(role.keys.identity);
    verifier = ed25519_verifier();
    work_verifier = ed25519_verifier(0);
    CHECK(check_part_not_ended(setup.data_folder, *charter));
    CHECK(check_journal_epoch(setup.data_folder, *charter));
    auto opened_node = open_node(network);
    for (int i = 0; i < 2 && !opened_node.ok(); ++i) {
        const Error why = opened_node.error();
        const bool is_journal = why.is(store::StoreError::journal_damaged);
        if (!is_journal && !is_database_s_fault(why)) break;
        key_value.reset();
        disk.reset();
        CHECK((is_journal ? set_damaged_journal_aside : set_database_aside)(setup.data_folder, why,
                                                                            setup.log));
        opened_node = open_node(network);
    }
    CHECK(opened_node);
    // Again, now that nobody else can sign one for it.
    CHECK(check_part_not_ended(setup.data_folder, *charter));
    workers = std::make_unique<io::WorkerPool>(setup.worker_threads);

    serve_epoch();
    io::PeerNetSetup peer_setup;
    peer_setup.listen = setup.listen;
    peer_setup.table = peer_table();
    peer_setup.identity = std::shared_ptr<const Signer>(ed25519_signer(role.keys.identity));
    peer_setup.on_message = [this](Participant from, Bytes message) {
        return push_message(from, std::move(message));
    };
    peer_setup.on_log = [this](const io::PeerLine& line) {
        setup.log(log_line_of(line, current_charter()->now()));
    };
    TRY(opened_net, io::open_peer_net(std::move(peer_setup)));
    net = std::move(opened_net);

    io::HttpServerLimits http_limits;
    http_limits.connections_max = setup.http_connections_max;
    readers = std::make_unique<ReadQueue>(reader_threads);
    TRY(server, io::serve_http(
                    setup.http_address, setup.http_port,
                    [this](ports::HttpRequest request, ports::HttpRespond respond) {
                        on_http(std::move(request), std::move(respond));
                    },
                    http_limits));
    http = std::move(server);
    serving = http.get();
    thread = std::thread([this] { run(); });
    remove_checkpoint(setup.data_folder);
    auto opened_control = ControlSocket::open(
        setup.data_folder, [this](const std::string& request) { return on_command(request); },
        [this] { remove_checkpoint(setup.data_folder); });
    if (opened_control.ok())
        control = std::move(*opened_control);
    else
        setup.log({LogLevel::warning,
                   "process",
                   "control_unavailable",
                   {},
                   "`tally backup` and `tally scrub` will not reach this participant: " +
                       opened_control.error().message()});
    return success();
}

/// It is damaged, or says that it is of a later epoch, and the journal knows better.
bool ParticipantProcess::Inside::is_database_s_fault(const Error& error) const {
    if (error.is(ports::KeyValueError::damaged)) return true;
    return error.is(model::CharterError::older_epoch) &&
           epoch_of_journal(setup.data_folder, model::network_id_of(charter->body)) == epoch();
}

Result<void> ParticipantProcess::Inside::open_node(const Hash& network) {
    TRY(opened_disk,
        io::open_file_disk(setup.data_folder + "/journal",
                           {[this](uint64_t ticket) {
                                const std::lock_guard lock(mutex);
                                synced = std::max(synced, ticket);
                                changed.notify_one();
                            },
                            [this](Error error) { push_local(node::SyncFailed{error.message()}); },
                            [this](uint64_t us) { process.on_sync(us); }}));
    disk = std::move(opened_disk);
    if (key_value == nullptr) {  // It stays from epoch to epoch.
        TRY(opened_key_value, open_database(setup.data_folder + "/database", network));
        key_value = std::move(opened_key_value);
    }
    const std::string journal = setup.data_folder + "/journal";
    const auto lost = why_journal_is_lost(journal, *charter, *key_value);
    if (lost.ok() && *lost) lost_journal = *lost;
    if (!lost.ok() && is_journal_empty(journal)) lost_journal = nobody_knows;
    CHECK(lost);
    CHECK(key_value->damage());  // Only now: it could still tell whether there was a journal.
    node::Config config;
    config.charter = *charter;
    config.self = role.self;
    config.guest = role.guest;
    config.identity = identity.get();
    config.next_keys = role.next_keys;
    config.opening_secrets = role.keys.opening;
    config.resubmitted = std::exchange(resubmitted, {});
    config.journal_key = journal_key_of(*signer);
    config.snapshot_after_slots = setup.snapshot_after_slots;
    config.restore_bytes_per_s = setup.restore_bytes_per_s;
    config.batch_delay_us = setup.batch_delay_us;
    config.lost_journal = lost_journal;
    config.work_verifier = work_verifier.get();
    if (!setup.start_counter.empty()) {
        TRY(count, read_start_counter(setup.start_counter, epoch()));
        config.starts_counted = count;
    }
    const auto counted = config.starts_counted;
    config.scrub_period_us = setup.scrub_period_us;
    TRY(opened_node,
        node::Node::open(std::move(config), *signer, *verifier, *disk, *key_value, process_now()));
    node = std::move(opened_node);
    return catch_up_start_counter(counted);
}

/// A crash may have come between the journal's count and this one. It is mended before the next
/// start is counted; and who cannot count does not start, for after the next start a true journal
/// would seem to be another.
Result<void> ParticipantProcess::Inside::catch_up_start_counter(std::optional<uint64_t> counted) {
    if (setup.start_counter.empty()) return success();
    const uint64_t starts = node->starts();
    const bool is_another = counted && *counted != starts && *counted + 1 != starts;
    if (lost_journal || is_another || node->status().journal_lost) return success();
    return write_start_counter(setup.start_counter, epoch(), starts);
}

Result<std::unique_ptr<io::RocksDatabase>> ParticipantProcess::Inside::open_database(
    const std::string& path, const Hash& network) {
    auto opened = io::open_rocks(path, network.view());
    if (opened.ok() || !opened.error().is(ports::KeyValueError::damaged)) return opened;
    // It might have told that there was a journal once.
    if (charter->beginnings.empty() && is_journal_empty(setup.data_folder + "/journal"))
        lost_journal = nobody_knows;
    CHECK(set_database_aside(setup.data_folder, opened.error(), setup.log));
    return io::open_rocks(path, network.view());
}

void ParticipantProcess::Inside::count_start(uint64_t count) const {
    if (setup.start_counter.empty()) return;
    const auto written = write_start_counter(setup.start_counter, epoch(), count);
    if (written.ok()) return;
    setup.log({LogLevel::error,
               "process",
               "start_counter_unwritable",
               {{"file", setup.start_counter}},
               "the start counter cannot be written: " + written.error().message()});
}

/// Whoever reads for long does not hold up those who submit, or ask how things are.
void ParticipantProcess::Inside::on_http(ports::HttpRequest request, ports::HttpRespond respond) {
    auto now_served = current();
    if (!api::Api::takes_long(request)) return now_served->api.handle(request, respond);
    if (request.body.size() > api::Api::query_bytes_max) return api::Api::refuse_large(respond);
    const std::string client = api::Api::client_of(request);
    auto job = [now_served, request = std::move(request), respond] {
        now_served->api.handle(request, respond);
    };
    if (!readers->submit(client, std::move(job))) api::Api::refuse(respond);
}

void ParticipantProcess::Inside::push_local(node::Input input) {
    const std::lock_guard lock(mutex);
    if (!sink_open) return;
    inputs.push_local(std::move(input));
    changed.notify_one();
}

bool ParticipantProcess::Inside::push_message(Participant from, Bytes message) {
    auto shared = std::make_shared<const Bytes>(std::move(message));
    const std::lock_guard lock(mutex);
    if (!sink_open) return true;
    const bool has_room = inputs.push_message(from, std::move(shared));
    changed.notify_one();
    return has_room;
}

std::vector<ports::PeerState> ParticipantProcess::Inside::peers() {
    if (net == nullptr) return {};
    auto states = net->peers();
    const std::lock_guard lock(mutex);
    for (auto& state : states) {
        state.received_dropped = inputs.dropped(state.peer);
        state.read_pauses = inputs.pauses(state.peer);
    }
    return states;
}

void ParticipantProcess::Inside::ask(node::Request request,
                                     std::function<void(node::Response)> done) {
    node::Response instead = stopped_response(request);
    {
        const std::lock_guard lock(mutex);
        if (sink_open) {
            node::ClientRequest asked{next_request, request};
            if (inputs.push_request(asked)) {
                waiting.emplace(next_request++,
                                Waiting{std::move(done), std::move(instead), std::move(request)});
                changed.notify_one();
                return;
            }
            instead = refusal_of(request, fail(node::ClientError::too_many_waiting));
        }
    }
    done(std::move(instead));
}

void ParticipantProcess::Inside::run() {
    io::name_this_thread("step");
    node::Effects effects;
    node->start(process_now(), effects);
    perform(effects);
    InputQueue::Round round;
    while (true) {
        if (node == nullptr) return answer_all();  // The next epoch was not entered.
        uint64_t ticket = 0;
        {
            std::unique_lock lock(mutex);
            const auto has_input = [&] { return stopping || !inputs.empty() || synced > 0; };
            if (!has_input()) {
                const uint64_t wakeup = node->next_wakeup_us();
                const uint64_t at = process_now().monotonic_us;
                const auto delay = std::chrono::microseconds(wakeup > at ? wakeup - at : 0);
                changed.wait_for(lock, std::min<std::chrono::microseconds>(delay, tick_max),
                                 has_input);
            }
            if (stopping) return;
            inputs.take_round(round);
            ticket = std::exchange(synced, 0);
        }
        if (ticket > 0) {
            node->step(process_now(), node::Synced{ticket}, effects);
            perform(effects);
        }
        for (auto& input : round.inputs) {
            if (epoch_over) break;  // What is left is of the epoch that ended, or made again.
            node->step(process_now(), std::move(input), effects);
            perform(effects);
        }
        if (epoch_over) {
            round.inputs.clear();
            begin_epoch(*std::exchange(epoch_over, std::nullopt));
            if (halted || has_left) continue;
        }
        for (const Participant peer : round.relieved) net->resume(peer);
        round.inputs.clear();
        round.relieved.clear();
        if (const auto damage = key_value->damage(); !damage.ok() && !halted) {
            node->step(process_now(), node::SyncFailed{damage.error().message()}, effects);
            perform(effects);
        }
        const model::Now at = process_now();
        if (node->next_wakeup_us() <= at.monotonic_us) {
            node->step(at, node::Tick{}, effects);
            perform(effects);
        }
    }
}

void ParticipantProcess::Inside::perform(node::Effects& effects) {
    for (auto& effect : effects) {
        if (auto* message = std::get_if<node::SendPeer>(&effect)) {
            net->send(message->to, std::move(message->bytes));
        } else if (auto* begun = std::get_if<node::StartWork>(&effect)) {
            const auto job = [this, id = begun->id, work = begun->work] {
                work->run();
                push_local(node::WorkDone{id, work});
            };
            if (!workers->submit(job)) job();
        } else if (auto* reply = std::get_if<node::Reply>(&effect)) {
            std::function<void(node::Response)> done;
            {
                const std::lock_guard lock(mutex);
                const auto found = waiting.find(reply->id);
                if (found == waiting.end()) continue;
                done = std::move(found->second.done);
                waiting.erase(found);
            }
            done(std::move(reply->response));
        } else if (auto* line = std::get_if<node::Log>(&effect)) {
            setup.log(
                {line->level, "node", line->event, std::move(line->fields), std::move(line->text)});
        } else if (auto* start = std::get_if<node::CountStart>(&effect)) {
            count_start(start->count);
        } else if (auto* over = std::get_if<node::EpochOver>(&effect)) {
            epoch_over = std::move(*over);
        } else if (std::holds_alternative<node::OpeningKeysOver>(effect)) {
            role.keys.opening.resize(1);
            setup.forget_opening_key();
        } else if (auto* told = std::get_if<node::Guests>(&effect)) {
            if (!role.guest.empty()) continue;  // Guests have nothing to ask of each other.
            guests = std::move(told->list);
            net->set_peers(peer_table());
        } else if (auto* halt = std::get_if<node::Halt>(&effect)) {
            halted = true;
            setup.log({LogLevel::error,
                       "node",
                       "signing_stopped",
                       {{"why", halt->why}},
                       "stopped signing: " + halt->why});
        }
    }
    effects.clear();
}

std::string ParticipantProcess::Inside::on_command(const std::string& request) {
    const bool is_start = request == "scrub";
    const bool is_scrub = is_start || request == "scrub_status";
    if (!is_scrub && request != "checkpoint") return ControlSocket::refusal(request);
    std::promise<node::Response> answer;
    ask(is_start ? node::Request(node::StartScrub{}) : node::Request(node::GetStatus{}),
        [&](node::Response response) { answer.set_value(std::move(response)); });
    const auto status = std::get<Result<node::Status>>(answer.get_future().get());
    if (!status.ok()) return ControlSocket::error_line(status.error());
    if (is_scrub) return boost::json::serialize(api::scrub_json(status->scrub));
    return make_checkpoint(setup.data_folder, *key_value, *status, role.self);
}

/// Nothing more is taken in, and whoever waits is told so.
void ParticipantProcess::Inside::answer_all() {
    std::map<uint64_t, Waiting> left;
    {
        const std::lock_guard lock(mutex);
        sink_open = false;
        left.swap(waiting);
    }
    for (auto& [id, one] : left) one.done(std::move(one.if_stopped));
}

void ParticipantProcess::Inside::stop() {
    control.reset();  // First, for its commands ask the node.
    {
        const std::lock_guard lock(mutex);
        if (stopping) return;
        stopping = true;
        sink_open = false;
        changed.notify_one();
    }
    if (thread.joinable()) thread.join();
    // The pool's last jobs use the trees inside the node: they end first.
    workers.reset();
    answer_all();
    if (http != nullptr) http->stop();
    readers.reset();
    if (net != nullptr) net->stop();
    node.reset();
    if (key_value != nullptr) {
        if (const auto flushed = key_value->flush(); !flushed.ok())
            setup.log({LogLevel::error,
                       "process",
                       "flush_failed",
                       {{"code", std::string(flushed.error().code)}},
                       flushed.error().message()});
    }
    disk.reset();
}

Result<std::unique_ptr<ParticipantProcess>> ParticipantProcess::start(ParticipantSetup setup) {
    std::error_code failed;
    std::filesystem::create_directories(setup.data_folder, failed);
    if (failed)
        return fail(ports::DiskError::io_failed, setup.data_folder + ": " + failed.message());
    auto inside = std::make_unique<Inside>(std::move(setup));
    CHECK(inside->open());
    return std::unique_ptr<ParticipantProcess>(new ParticipantProcess(std::move(inside)));
}

ParticipantProcess::ParticipantProcess(std::unique_ptr<Inside> inside)
    : inside_(std::move(inside)) {}
ParticipantProcess::~ParticipantProcess() = default;

bool ParticipantProcess::has_left() const {
    return inside_->has_left;
}
std::shared_ptr<const model::Charter> ParticipantProcess::charter() const {
    return inside_->current_charter();
}
uint16_t ParticipantProcess::http_port() const {
    return inside_->http->port();
}
void ParticipantProcess::ask(node::Request request, std::function<void(node::Response)> done) {
    inside_->ask(std::move(request), std::move(done));
}
std::vector<ports::PeerState> ParticipantProcess::peers() const {
    return inside_->peers();
}
bool ParticipantProcess::halted() const {
    return inside_->halted;
}

}  // namespace tally::cli
