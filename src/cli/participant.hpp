// Participant: one participant of a network as a running process: the node's step on a thread of
// its own, driven by the real disk, database, network, clock and workers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/quotas.hpp"
#include "cli/operator_log.hpp"
#include "node/client.hpp"
#include "node/node.hpp"
#include "node/reader.hpp"
#include "ports/net.hpp"

namespace tally::cli {

struct ParticipantKeys {
    Ed25519Secret identity;
    Ed25519Secret signing;
    std::vector<X25519Secret> opening = {};  ///< of this epoch, then of the one before
};

/// As whom a participant takes part in its charter's newest epoch.
struct ParticipantRole {
    Participant self;
    std::string guest;  ///< it does not, and hopes to under this number: its name, else empty
    ParticipantKeys keys;
    model::HeldKeys next_keys;  ///< with which it would enter the next epoch
};

struct ParticipantSetup {
    model::Charter charter;
    ParticipantRole role;
    /// Keeps the charter, whose newest epoch has just begun; and then says as whom it takes part in
    /// that: nothing if it does not any more. On the node's thread.
    std::function<Result<void>(const model::Charter& charter)> keep_epoch;
    std::function<Result<std::optional<ParticipantRole>>(const model::Charter& charter)>
        enter_epoch;
    /// Erases the opening key of the epoch before. On the node's thread.
    std::function<void()> forget_opening_key = [] {};
    std::string data_folder;
    std::string start_counter;  ///< a file on another disk than the journal's; empty: none
    std::string listen;         ///< host:port for peers
    std::string http_address;   ///< host
    uint16_t http_port = 0;     ///< 0: a free one
    size_t worker_threads = 2;
    uint64_t snapshot_after_slots = 5'000;               ///< node::Config
    uint64_t restore_bytes_per_s = 16ull * 1024 * 1024;  ///< likewise
    uint64_t batch_delay_us = 20'000;
    uint64_t scrub_period_us = uint64_t{24} * 3'600 * 1'000'000;
    api::QuotaRates quotas = {};
    size_t http_connections_max = 4'096;
    /// For the operator; from any thread.
    std::function<void(LogLine line)> log;
};

class ParticipantProcess {
public:
    /// Opens and recovers everything, then starts to take part. Any error leaves nothing behind.
    static Result<std::unique_ptr<ParticipantProcess>> start(ParticipantSetup setup);
    /// Stops taking part, flushes and closes. Idempotent.
    ~ParticipantProcess();

    [[nodiscard]] uint16_t http_port() const;
    /// From any thread; `done` is called once, on the node's thread, or when it stops.
    void ask(node::Request request, std::function<void(node::Response)> done);
    /// How it stands with the others, from any thread.
    [[nodiscard]] std::vector<ports::PeerState> peers() const;
    /// Set when the node can go on no longer.
    [[nodiscard]] bool halted() const;
    /// Set when an epoch began without this participant.
    [[nodiscard]] bool has_left() const;
    /// Of the newest epoch, from any thread.
    [[nodiscard]] std::shared_ptr<const model::Charter> charter() const;

private:
    struct Inside;
    explicit ParticipantProcess(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

}  // namespace tally::cli
