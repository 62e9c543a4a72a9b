#include "cli/old_epoch.hpp"
#include "cli/participant_inside.hpp"

namespace tally::cli {

std::shared_ptr<const model::Charter> ParticipantProcess::Inside::current_charter() const {
    const std::lock_guard lock(epoch_mutex);
    return charter;
}

std::shared_ptr<const ParticipantProcess::Inside::Served> ParticipantProcess::Inside::current()
    const {
    const std::lock_guard lock(epoch_mutex);
    return served;
}

void ParticipantProcess::Inside::serve_epoch() {
    auto next = std::make_shared<const Served>(*this, charter);
    const std::lock_guard lock(epoch_mutex);
    served = std::move(next);
}

api::Config ParticipantProcess::Inside::api_config(const std::shared_ptr<const model::Charter>& of,
                                                   const node::Reads* reads) {
    return {of,
            role.self,
            reads,
            [this](node::Request request, std::function<void(node::Response)> done) {
                ask(std::move(request), std::move(done));
            },
            [] { return process_now().wall.value / 1'000'000; },
            [this] { return peers(); },
            &quotas,
            [] { return process_now().monotonic_us; },
            [this] { return process.use(setup.data_folder); },
            [this] {
                const ports::HttpServer* server = serving;
                return server != nullptr ? server->state() : ports::HttpServerState{};
            },
            build_version()};
}

/// Those who take part, and guests under the numbers that the node gives them.
io::PeerTable ParticipantProcess::Inside::peer_table() const {
    io::PeerTable table;
    table.network = model::network_id_of(charter->body);
    table.self = role.self;
    const auto& participants = charter->now().participants;
    const auto own_key = role.keys.identity.public_key();
    for (size_t i = 0; i < participants.size(); ++i) {
        const auto& entry = participants[i];
        // Whoever is to have a number does not meet who has it.
        const bool is_meant = !role.guest.empty() && i == role.self.value;
        if (entry.is_vacant() || is_meant) continue;
        table.peers.push_back({{uint8_t(i)}, entry.identity_key, entry.addresses.front()});
    }
    for (size_t i = 0; i < guests.size(); ++i) {
        if (guests[i].identity_key == own_key) continue;
        table.peers.push_back(
            {node::guest_number(i), guests[i].identity_key, guests[i].addresses.front()});
    }
    return table;
}

/// On the node's thread: the old epoch's node ends, and another begins over the same database.
void ParticipantProcess::Inside::begin_epoch(node::EpochOver over) {
    const auto entered = enter_epoch(over);
    if (!entered.ok()) {
        node.reset();
        halted = true;
        setup.log({LogLevel::error,
                   "node",
                   "signing_stopped",
                   {{"why", entered.error().message()}},
                   "the next epoch cannot be entered: " + entered.error().message()});
        return;
    }
    if (!*entered) {
        has_left = true;
        return;
    }
    node::Effects effects;
    node->start(process_now(), effects);
    perform(effects);
    ask_again();
}

/// False: it is not among those who take part. Nothing is kept before the database holds all that
/// the old journal does; after a crash in between, the next start goes on.
Result<bool> ParticipantProcess::Inside::enter_epoch(node::EpochOver& over) {
    const Epoch ended = epoch();
    CHECK(model::check_handover(*charter, over.handover));
    workers.reset();  // Its jobs use what is inside the node.
    node.reset();
    disk.reset();
    CHECK(key_value->flush());
    auto next = std::make_shared<model::Charter>(*charter);
    next->begin(std::move(over.handover));
    CHECK(setup.keep_epoch(*next));
    TRY(aside, set_journal_aside(setup.data_folder, ended));
    TRY(next_role, setup.enter_epoch(*next));
    {
        const std::lock_guard lock(mutex);
        inputs = InputQueue(limits::participants_max);
        synced = 0;
    }
    {
        const std::lock_guard lock(epoch_mutex);
        charter = next;
    }
    if (!next_role) return false;
    role = std::move(*next_role);
    signer = ed25519_signer(role.keys.signing);
    identity = ed25519_signer(role.keys.identity);
    lost_journal.reset();
    guests.clear();
    resubmitted = std::move(over.undecided);
    CHECK(open_node(model::network_id_of(charter->body)));
    workers = std::make_unique<io::WorkerPool>(setup.worker_threads);
    serve_epoch();
    net->set_peers(peer_table());
    // Whoever was too fast for the old epoch's queue is read again.
    for (uint8_t i = 0; i < limits::participants_max; ++i) net->resume({i});
    return true;
}

/// What was asked in the epoch before and is not answered.
void ParticipantProcess::Inside::ask_again() {
    std::vector<Waiting> refused;
    {
        const std::lock_guard lock(mutex);
        for (auto at = waiting.begin(); at != waiting.end();) {
            node::ClientRequest asked{at->first, at->second.request};
            if (inputs.push_request(asked)) {
                ++at;
                continue;
            }
            refused.push_back(std::move(at->second));
            at = waiting.erase(at);
        }
        changed.notify_one();
    }
    for (auto& one : refused) one.done(std::move(one.if_stopped));
}

}  // namespace tally::cli
