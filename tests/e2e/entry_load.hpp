// Clients that keep a network of real processes under load and remember what they were told; and,
// when the storm is over, whether all of it is so.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "cli/folders.hpp"
#include "cli/local_network.hpp"

namespace tally::cli {

/// Where a participant said that a transaction took effect.
struct Place {
    uint64_t height = 0, index = 0;
    auto operator<=>(const Place&) const = default;
};

/// One participant's blocks: headers by height, and the places at which transactions took effect.
struct Chain {
    std::map<uint64_t, std::string> headers;
    std::map<std::string, std::vector<Place>> applied;
    std::string state;

    [[nodiscard]] uint64_t first() const { return headers.empty() ? 0 : headers.begin()->first; }
    /// What would be here without the blocks below `height`.
    [[nodiscard]] Chain from(uint64_t height) const;
    bool operator==(const Chain&) const = default;
};
/// Who loaded its state has no blocks below it.
[[nodiscard]] Result<Chain> chain_of(const LocalNetwork& network, size_t index);

/// Clients that submit one transaction after another. Who gets no answer sends the same bytes to
/// the next participant, as anyone would.
class Clients {
public:
    /// `pause_ms`: how long each waits after an answer. Borrows the network.
    Clients(const LocalNetwork& network, model::SecretKey key, size_t count, int pause_ms);
    ~Clients() { finish(); }
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;

    /// Waits for all that are under way.
    void finish();
    [[nodiscard]] uint64_t acknowledged_so_far();
    /// Until it is acknowledged.
    void submit_one();

    // After finish().
    std::map<std::string, Place> acknowledged;  ///< by transaction id
    std::vector<std::string> troubles;
    uint64_t sent_again = 0;

private:
    void work(size_t number);
    [[nodiscard]] std::string envelope_of(const std::string& name) const;
    void submit(const std::string& envelope, size_t first);

    const LocalNetwork& network_;
    const model::SecretKey key_;
    const int pause_ms_;
    const std::string path_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::vector<std::thread> threads_;
};

/// A network of four in `folder`, of which `ledger` holds entries that the key's holder may write.
[[nodiscard]] LocalPlan entry_plan(const WorkFolder& folder, const std::string& ledger,
                                   const model::SecretKey& key);

/// Fails the running test unless everyone comes to the same newest block, everything that was
/// acknowledged is there, once, and all blocks and states are equal. The first participant must
/// have all blocks. Prints what there was.
void expect_nothing_lost(LocalNetwork& network, Clients& clients);

[[nodiscard]] std::string logs_of(const LocalNetwork& network);

}  // namespace tally::cli
