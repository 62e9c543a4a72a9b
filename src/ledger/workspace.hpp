// Workspace: one block's execution in progress: pending writes over the state, per-transaction
// undo, and the segments by which the execution can be checked piece by piece (docs/protocol.md,
// section 7).
//
// Work comes in *steps*. Between begin_step() and place_step() every key that is read or written is
// noted; place_step() adds the step to the open segment, or closes that and begins another if it is
// full. The tree is brought up to date only when a segment closes, so that it shows the segment's
// start: what a witness of the segment is made from, and measured in.
#pragma once

#include <map>

#include "ledger/execution.hpp"
#include "ledger/keys.hpp"
#include "ledger/row.hpp"

namespace tally::ledger {

class Workspace {
public:
    /// `state` and `tree` are borrowed and show the same moment. Every value of the state that is
    /// used is compared with its leaf: StateViewError::altered if it is another, and then `altered`
    /// says which. `touched`, if wanted, is borrowed too and complete once note_touched() was
    /// called.
    Workspace(const StateView& state, tree::Tree& tree, const SegmentLimits& limits,
              Touched* touched = nullptr, std::optional<Altered>* altered = nullptr);
    /// A test-only mistake: what the state gives is taken as it is.
    void believe_the_disk() { is_believing_ = true; }
    Workspace(const Workspace&) = delete;

    // --- within a step; errors are the state's, or overflowed() ---

    /// What is known of one key. Stays in place as long as the workspace.
    struct Cell {
        std::optional<Bytes> value;
        std::optional<Commitment> commitment;  ///< of `value`, once asked for
        bool known = false;                    ///< value is the key's current one
        bool written = false;                  ///< differs from the state
        bool in_tree_queue = false;
        uint64_t step = 0, step_read = 0;  ///< last step that touched, read it
        uint64_t segment = 0, segment_read = 0;
        uint64_t segment_measured = 0;        ///< in whose tree `witness_bytes` is
        std::optional<tree::LeafValue> leaf;  ///< in the tree before the block; once measured
        uint32_t witness_bytes = 0;           ///< what the key adds to a witness
    };
    using Place = std::pair<const Bytes, Cell>;

    /// Borrowed until the key is next written.
    Result<const Bytes*> get(ByteView key);
    /// The first key in [from, to) with its value. Notes `from` as read too, and touches `to` if
    /// there is none: a witness must show that nothing lies between.
    Result<std::optional<std::pair<Bytes, Bytes>>> first_in(const KeyRange& range);
    /// The same, if it is known already what that key is.
    Result<const Bytes*> first_is(const KeyRange& range, const std::optional<Bytes>& key);
    Result<void> put(Bytes key, Bytes value, std::optional<Commitment> commitment = {});
    Result<void> erase(ByteView key);
    /// Notes a read of something that was read before and is remembered outside.
    Result<void> read_again(Place& place);
    /// Until the next call, places that are read are also noted here; nullptr: no longer.
    void note_reads_in(std::vector<Place*>* places) { noted_ = places; }
    /// The step touched more than a segment may hold.
    [[nodiscard]] bool overflowed() const { return overflowed_; }

    // --- steps ---

    void begin_step();
    [[nodiscard]] size_t step_keys() const { return step_touched_.size(); }
    [[nodiscard]] size_t step_bytes_written() const { return step_bytes_written_; }
    /// What the open transaction carries from step to step, in the order in which it arose.
    void carry(ByteView bytes) { append(carried_, bytes); }
    enum class Placed : uint8_t {
        here,      ///< it is part of a segment
        too_many,  ///< the open transaction would span too many segments: the step is in none
        again,  ///< it is taken back and to be done again from begin_step() on, as the first of a
                ///< new segment: it may need more there, or less, than where it was tried
    };
    Result<Placed> place_step();
    /// Of the open transaction, with its last step.
    void set_fuel(uint64_t used) { fuel_ = used; }

    // --- transactions ---

    /// Every step is part of one. `number` counts from 1; 0 is for the block's own steps. What a
    /// transaction writes until set_savepoint() survives its abort.
    void open_transaction(uint32_t number, size_t envelope_bytes);
    void set_savepoint();
    /// Takes back everything since the savepoint; the last step must have been placed, or be given
    /// up.
    Result<void> abort_transaction();
    void close_transaction();

    // --- the end ---

    Result<void> close_segment();
    [[nodiscard]] std::vector<TraceLeaf> take_trace() { return std::move(trace_); }
    [[nodiscard]] Hash digest() const;
    void note_touched() const;
    [[nodiscard]] std::vector<Write> take_writes();
    /// Reads through the workspace, as get() does.
    [[nodiscard]] const StateView& view() const { return view_; }

private:
    /// For what only knows a StateView (permissions).
    class View final : public StateView {
    public:
        explicit View(Workspace& workspace) : workspace_(workspace) {}
        Result<std::optional<Bytes>> get(ByteView key) const override;
        Result<void> scan(ByteView from, ByteView to, const Each& each) const override;

    private:
        Workspace& workspace_;
    };
    struct Undo {
        Place* place;
        std::optional<Bytes> value;
        std::optional<Commitment> commitment;
        bool known, written;
    };
    struct Read {
        Place* place;
        std::optional<Hash> hash;  ///< of the value; nothing: absent
    };

    Place& place_of(ByteView key);
    Result<size_t> measure(Place& place);
    Result<void> touch(Place& place);
    Result<void> know(Place& place);
    Error altered(const Place& place, Altered::How how);
    Result<void> note_read(Place& place);
    Result<const Commitment*> commitment(Place& place);
    void change(Place& place, std::optional<Bytes> value, std::optional<Commitment> commitment);
    void swap(Undo& undo);
    void unwind(size_t from, size_t to);
    void rewind(size_t from, size_t to);
    Result<void> flush();
    [[nodiscard]] bool is_segment_empty() const {
        return segment_keys_ == 0 && segment_transactions_ == 0;
    }
    Result<bool> fits();
    void add_to_segment();
    Result<void> close(bool before_step);
    void begin_segment();

    const StateView& state_;
    tree::Tree& tree_;
    SegmentLimits limits_;
    Touched* touched_;
    std::optional<Altered>* altered_;
    bool is_believing_ = false;
    View view_{*this};
    std::map<Bytes, Cell, BytesLess> cells_;
    std::vector<Place*> tree_queue_;
    std::vector<Undo> undo_;  ///< of the open transaction
    std::vector<Place*>* noted_ = nullptr;

    // The step.
    uint64_t step_ = 0;
    std::vector<Place*> step_touched_;
    std::vector<Read> step_reads_;
    size_t step_bytes_written_ = 0;
    size_t step_witness_bytes_ = 0;
    size_t step_undo_ = 0;     ///< undo_ before it
    size_t step_carried_ = 0;  ///< carried_ before it
    bool overflowed_ = false;

    // The segment.
    uint64_t segment_ = 0;
    uint32_t segment_keys_ = 0;
    uint32_t segment_transactions_ = 0;
    size_t segment_witness_bytes_ = 0;
    size_t segment_envelope_bytes_ = 0;
    bool segment_has_open_ = false;  ///< the open transaction has a step in it
    Hasher read_digest_;

    // The transaction.
    bool open_ = false;
    uint32_t number_ = 0;  ///< of the open transaction, or the last one
    size_t envelope_bytes_ = 0;
    uint32_t steps_placed_ = 0;
    uint32_t segments_spanned_ = 0;
    uint64_t fuel_ = 0;
    std::optional<size_t> savepoint_;  ///< into undo_
    std::optional<Hash> root_before_;  ///< once a segment closed inside the transaction
    Bytes carried_;

    std::vector<TraceLeaf> trace_;
    std::vector<Hash> read_digests_;
};

}  // namespace tally::ledger
