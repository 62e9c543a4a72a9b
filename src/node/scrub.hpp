// Scrubbing: reading everything that lies in the database and the journal, slice by slice, and
// comparing it with what vouches for it, so that what was altered is noticed before it is needed.
//
// A pass goes through each ledger's blocks (lists, headers, certificates, and what that block wrote
// of the tree and the state), its versions, then decisions, batches with the own cells, the
// database's files with all that is superseded in them, and the journal's segments that are closed.
// docs/altered-data.md says what vouches for what.
#pragma once

#include "availability/dispersal.hpp"
#include "node/chain_store.hpp"
#include "node/damage.hpp"
#include "node/node.hpp"
#include "node/retained.hpp"
#include "store/journal.hpp"
#include "store/tree_pages.hpp"
#include "store/versions.hpp"

namespace tally::node {

/// Where a pass goes on.
struct ScrubPlace {
    enum class Phase : uint8_t { blocks, versions, decisions, bodies, files, journal, over };
    Phase phase = Phase::blocks;
    LedgerIndex ledger;
    uint64_t at = 0;        ///< height, slot, or height in the lane
    Bytes key;              ///< of the state, within a block or among versions; or the file before
    std::string last_file;  ///< with which the database's files end
    Participant lane;
    Hash hash;  ///< of the block before, or of the batch expected next
    store::JournalScan journal;
    bool operator==(const ScrubPlace&) const = default;
};

/// Something altered or missing that is no part of a ledger's own state and blocks.
struct LogDamage {
    std::optional<Slot> decision;
    std::optional<Slot> carried;  ///< what that slot's decision carries is not where it belongs
    std::optional<BatchPlace> batch;
    Hash batch_header;                ///< of the right batch
    std::optional<BatchPlace> cells;  ///< the own ones of a batch that is here
    std::optional<std::pair<LedgerIndex, Height>> certificate;
    std::optional<std::pair<Hash, TransactionPlace>> transaction;  ///< where it is
    std::string journal;                                           ///< what is wrong with it
    std::string file;  ///< of the database: what is wrong with it
};

/// One slice. Reads a snapshot, on any thread; writes nothing.
class ScrubWork final : public Work {
public:
    struct Task {
        ScrubPlace from;
        std::shared_ptr<const model::Charter> charter;
        Participant self;
        model::Epochs epochs;
        std::shared_ptr<const availability::Coder> coder;
        const Verifier* verifier = nullptr;  ///< borrowed
        const ports::Disk* disk = nullptr;   ///< borrowed
        uint32_t journal_segments_end = 0;   ///< the first that is still written to
        std::shared_ptr<const ports::Reader> snapshot;
        Slot decided;
        size_t bytes_max = 0;
        Slot passed = {};         ///< every ledger is executed up to here
        LaneHeights floors = {};  ///< per lane: batches below are not looked for; none: zero
    };
    explicit ScrubWork(Task task) : task_(std::move(task)), place_(task_.from) {}
    void run() override;

    // After run().
    [[nodiscard]] const ScrubPlace& next() const { return place_; }
    [[nodiscard]] uint64_t bytes() const { return bytes_; }
    [[nodiscard]] const std::vector<Damage>& damages() const { return damages_; }
    [[nodiscard]] const std::vector<LogDamage>& log_damages() const { return log_damages_; }

private:
    using Phase = ScrubPlace::Phase;

    void blocks();
    Result<void> block();
    Result<void> compare(const StoredBlock& block, const tree::RootRef& root,
                         const LedgerMark& mark);
    Result<void> written(const tree::RootRef& root);
    void check_index(const StoredBlock& block);
    [[nodiscard]] bool has_attested_digest(const StoredBlock& block,
                                           const model::BlockCertificate& certificate,
                                           Epoch epoch) const;
    [[nodiscard]] bool is_named_by_blocks(const store::TreePages& pages, ByteView key,
                                          const store::StoredVersion& version) const;
    void versions();
    void decisions();
    void check_carried(const model::Decision& decision);
    void bodies();
    void check_cells(const availability::HeldBatch& batch);
    [[nodiscard]] std::optional<Hash> parent_by_cells(BatchPlace place);
    void files();
    void journal();
    void enter(Phase phase);
    void enter_lane(uint8_t lane);
    void next_ledger();
    void note(Damage damage);
    void note_ledger(Height height, std::string detail);
    [[nodiscard]] bool full() const {
        return bytes_ + cost_ >= task_.bytes_max || damages_.size() >= 64;
    }

    Task task_;
    ScrubPlace place_;
    uint64_t bytes_ = 0;  ///< read, without the pages of trees
    uint64_t cost_ = 0;   ///< of what takes time and is no reading, in bytes
    std::vector<Damage> damages_;
    std::vector<LogDamage> log_damages_;
};

}  // namespace tally::node
