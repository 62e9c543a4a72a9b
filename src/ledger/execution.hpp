// Execution: a state and ordered transactions give a new state, results and a trace. A pure
// function: no clock, no randomness, no input or output (docs/protocol.md, sections 1, 4, 7 and 9).
#pragma once

#include <set>

#include "crypto/merkle.hpp"
#include "ledger/ids.hpp"
#include "model/charter.hpp"
#include "model/envelope.hpp"
#include "model/sealed.hpp"
#include "model/state_view.hpp"
#include "tree/tree.hpp"

namespace tally::ledger {

class Schema;

/// When a segment closes. Anything but the default is for tests: it is part of the protocol.
struct SegmentLimits {
    uint32_t transactions = limits::segment_transactions_max;
    uint32_t keys = limits::segment_keys_max;
    size_t witness_bytes = limits::segment_witness_bytes_max;
    size_t envelope_bytes = limits::segment_envelope_bytes_max;
    uint32_t per_transaction = 64;
};

struct BlockContext {
    Height height;
    Micros time;            ///< τ of the slot
    Epoch epoch;            ///< of the slot: what is sealed for another stays sealed
    uint64_t ahead_ms = 0;  ///< how far ahead of `time` a transaction may expire (the charter's)
    bool paused = false;    ///< every transaction is then skipped
    SegmentLimits segments;
    bool execute_duplicates = false;            ///< test-only mistake, for checkers to find
    std::optional<Altered>* altered = nullptr;  ///< borrowed; set with StateViewError::altered
    bool believe_the_disk = false;              ///< test-only mistake, for checkers to find
};

/// One transaction in its place, valid by its bytes or not; both borrowed for the call.
struct Entry {
    const model::CheckedEnvelope* envelope = nullptr;
    size_t envelope_bytes = 0;
    /// Of each that entries_to_open() names, what became of it.
    const model::Opened* opened = nullptr;
    Participant lane = {};
};

/// To the ledger's values, in ascending order of keys.
struct Write {
    Bytes key;
    std::optional<Bytes> value;  ///< nothing: erased
    bool operator==(const Write&) const = default;
};

struct TransactionResult {
    uint32_t index = 0;  ///< in the block's list
    Hash id;
    uint16_t code = 0;                ///< ledger/result_code.hpp; 0: applied
    std::vector<uint64_t> arguments;  ///< what the code's text needs
    /// One per change in the order of the text, nested ones after the one they stand in: the
    /// subject it changed. Empty unless applied.
    std::vector<SubjectId> subjects;
    uint64_t fuel = 0;  ///< used
    // For people, never hashed.
    std::vector<std::pair<std::string, SubjectId>> assigned;  ///< temporary id → subject
    std::string detail;  ///< what in particular was wrong, with the names the signer used

    [[nodiscard]] bool applied() const { return code == 0; }
    /// CBOR [index, id, code, arguments, subjects, fuel].
    [[nodiscard]] Bytes leaf() const;
    /// One line: code, cause, detail, next step. The detail is not kept with a block: without it
    /// `schema`, if there is one, turns the arguments into names.
    [[nodiscard]] std::string explanation(const Schema* schema = nullptr) const;
};
[[nodiscard]] Result<TransactionResult> decode_result_leaf(ByteView leaf);

/// Where execution stood when a segment closed.
struct TraceLeaf {
    Hash state_root;
    Hash root_before;          ///< before the open transaction; state_root if none is open
    uint32_t transaction = 0;  ///< the next or open one, counted from 1; 0: the block's own steps
    uint32_t step = 0;         ///< the next of the open transaction
    uint64_t fuel = 0;         ///< used by the open transaction
    Hash running;              ///< digest of what the open transaction carries on; zero if none is
    Hash read_digest_hash;     ///< H(the segment's read digest), which is not shown yet
    bool operator==(const TraceLeaf&) const = default;
    static constexpr auto fields() {
        return std::tuple{&TraceLeaf::state_root,
                          &TraceLeaf::root_before,
                          &TraceLeaf::transaction,
                          &TraceLeaf::step,
                          &TraceLeaf::fuel,
                          &TraceLeaf::running,
                          &TraceLeaf::read_digest_hash};
    }
    /// H(tag ‖ CBOR).
    [[nodiscard]] Hash hash() const;
};

struct Execution {
    std::vector<Write> writes;
    std::vector<TransactionResult> results;  ///< one per entry
    std::vector<TraceLeaf> trace;            ///< at least one
    Hash state_before, state_after;
    Hash digest;  ///< D, over the segments' read digests

    // The header's fields (model::LedgerHeader).
    [[nodiscard]] Hash results_root() const;
    [[nodiscard]] Hash trace_root() const;
    [[nodiscard]] Hash execution_commitment() const;  ///< H(tag ‖ D)
};

/// Keys whose ways in the tree before a block decide all that its execution does: those read,
/// written or taken back, the ends of ranges, and whatever the way of one of them led to.
using Touched = std::set<Bytes, BytesLess>;

/// Executes a block. Every value of the state that it uses is compared with its leaf in the tree:
/// StateViewError::altered if our own disk lies. `tree` holds the state's tree and afterwards that
/// of the new state, uncommitted; on an error (our own disk's lies only: no transaction causes one)
/// it is to be rolled back. `touched`: what a witness of this execution must show
/// (ledger/state_witness.hpp).
[[nodiscard]] Result<Execution> execute(const StateView& state, tree::Tree& tree,
                                        const BlockContext& context, std::span<const Entry> entries,
                                        Touched* touched = nullptr);

/// Which sealed entries this block executes, so that they are to be opened before: those that pass
/// every filter and the bound on shares. Of no other is a share to be told. `tree` is the state's
/// before the block.
[[nodiscard]] Result<std::vector<uint32_t>> entries_to_open(tree::Tree& tree,
                                                            const BlockContext& context,
                                                            std::span<const Entry> entries);

/// Height 0: the built-in schema and then the charter's changes for this ledger, as one transaction
/// that may do all. `tree` is empty before. Fails if a change is refused: the charter is wrong.
[[nodiscard]] Result<Execution> genesis(tree::Tree& tree, const model::LedgerEntry& ledger,
                                        const Hash& network);

enum class GenesisError { bad_change, rejected };
ErrorText describe(GenesisError error);

}  // namespace tally::ledger
