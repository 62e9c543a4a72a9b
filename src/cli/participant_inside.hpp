// ParticipantProcess::Inside: a running participant's parts, and what joins them.
//
//   participant.cpp        from opening to stopping, and the node's thread
//   participant_epoch.cpp  what changes when an epoch ends and the next begins
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/api.hpp"
#include "cli/clock.hpp"
#include "cli/control_socket.hpp"
#include "cli/input_queue.hpp"
#include "cli/participant.hpp"
#include "cli/process_meter.hpp"
#include "cli/read_queue.hpp"
#include "cli/version.hpp"
#include "io/file_disk.hpp"
#include "io/peer_net.hpp"
#include "io/rocks_key_value.hpp"
#include "io/worker_pool.hpp"

namespace tally::cli {

[[nodiscard]] inline model::Now process_now() {
    return {wall_now(), steady_now_us()};
}

struct ParticipantProcess::Inside {
    explicit Inside(ParticipantSetup setup_in)
        : setup(std::move(setup_in)),
          role(setup.role),
          charter(std::make_shared<const model::Charter>(setup.charter)),
          quotas(setup.quotas),
          inputs(limits::participants_max) {}
    ~Inside() { stop(); }

    /// What reads for clients, of one epoch. Who began to read goes on with it when the next
    /// begins.
    struct Served {
        node::Reads reads;
        api::Api api;
        Served(Inside& inside, const std::shared_ptr<const model::Charter>& of)
            : reads(of, *inside.key_value,
                    [&inside](const node::Damage& damage) {
                        inside.push_local(node::DamageSeen{damage});
                    }),
              api(inside.api_config(of, &reads)) {}
    };

    Result<void> open();
    Result<void> open_node(const Hash& network);
    [[nodiscard]] bool is_database_s_fault(const Error& error) const;
    Result<std::unique_ptr<io::RocksDatabase>> open_database(const std::string& path,
                                                             const Hash& network);
    void stop();
    void run();
    void perform(node::Effects& effects);
    [[nodiscard]] api::Config api_config(const std::shared_ptr<const model::Charter>& of,
                                         const node::Reads* reads);
    [[nodiscard]] io::PeerTable peer_table() const;
    [[nodiscard]] std::shared_ptr<const Served> current() const;
    [[nodiscard]] std::shared_ptr<const model::Charter> current_charter() const;
    void serve_epoch();
    void begin_epoch(node::EpochOver over);
    Result<bool> enter_epoch(node::EpochOver& over);
    void ask_again();
    void answer_all();
    Result<void> catch_up_start_counter(std::optional<uint64_t> counted);
    void count_start(uint64_t count) const;
    [[nodiscard]] Epoch epoch() const { return charter->epoch(); }
    std::string on_command(const std::string& request);
    void on_http(ports::HttpRequest request, ports::HttpRespond respond);
    void push_local(node::Input input);
    [[nodiscard]] bool push_message(Participant from, Bytes message);
    [[nodiscard]] std::vector<ports::PeerState> peers();
    void ask(node::Request request, std::function<void(node::Response)> done);

    ParticipantSetup setup;
    ParticipantRole role;
    mutable std::mutex epoch_mutex;                 ///< guards the next two, for other threads
    std::shared_ptr<const model::Charter> charter;  ///< changed by the node's thread alone
    std::shared_ptr<const Served> served;
    std::vector<model::ParticipantEntry> guests;
    std::vector<model::BatchItem> resubmitted;
    std::optional<node::EpochOver> epoch_over;  ///< to be performed after the step
    std::optional<std::string> lost_journal;    ///< why, if the journal is
    std::unique_ptr<Signer> signer;
    std::unique_ptr<Signer> identity;
    std::unique_ptr<Verifier> verifier;
    std::unique_ptr<Verifier> work_verifier;  ///< remembers nothing: for any thread
    std::unique_ptr<ports::Disk> disk;
    std::unique_ptr<io::RocksDatabase> key_value;
    std::unique_ptr<ControlSocket> control;
    std::unique_ptr<node::Node> node;
    std::unique_ptr<io::WorkerPool> workers;
    std::unique_ptr<ReadQueue> readers;
    std::unique_ptr<io::PeerNet> net;
    api::Quotas quotas;
    ProcessMeter process;
    std::unique_ptr<ports::HttpServer> http;
    std::atomic<const ports::HttpServer*> serving = nullptr;  ///< `http`, once it is there

    std::mutex mutex;
    std::condition_variable changed;
    InputQueue inputs;
    uint64_t synced = 0;  ///< highest ticket reported, not yet given to the node
    bool stopping = false;
    bool sink_open = true;  ///< false: nothing more is taken in
    struct Waiting {
        std::function<void(node::Response)> done;
        node::Response if_stopped;
        node::Request request;  ///< to be made again where the next epoch begins
    };
    std::map<uint64_t, Waiting> waiting;
    uint64_t next_request = 1;
    std::atomic<bool> halted = false;
    std::atomic<bool> has_left = false;
    std::thread thread;
};

}  // namespace tally::cli
