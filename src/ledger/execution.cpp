#include "ledger/execution.hpp"

#include "ledger/keys.hpp"
#include "ledger/transaction.hpp"

namespace tally::ledger {
namespace {

[[nodiscard]] bool is_expired_at(const BlockContext& context, uint64_t expire_ms) {
    return context.time.value > 1000 * expire_ms;
}

[[nodiscard]] bool is_too_far_ahead(const BlockContext& context, uint64_t expire_ms) {
    return 1000 * expire_ms > context.time.value + 1000 * context.ahead_ms;
}

/// How many shares of sealed transactions a block has admitted. Of each lane its part, so that no
/// sequencer fills it alone; and of any lane at least one transaction.
class SharesBound {
public:
    /// False: no more of this lane are opened in this block.
    [[nodiscard]] bool admit(const model::SealedText& sealed, Participant lane) {
        const size_t shares = sealed.boxes.size();
        const size_t of_lane_max = limits::sealed_shares_per_block_max / shares;
        size_t& of_lane = of_lanes_[lane];
        if (of_lane > 0 && of_lane + shares > of_lane_max) return false;
        if (all_ + shares > limits::sealed_shares_per_block_max) return false;
        of_lane += shares;
        all_ += shares;
        return true;
    }

private:
    std::map<Participant, size_t> of_lanes_;
    size_t all_ = 0;
};

/// Executes the entries of one block over one workspace.
class BlockRun {
public:
    BlockRun(const StateView& state, tree::Tree& tree, const BlockContext& context,
             Touched* touched)
        : tree_(tree),
          context_(context),
          workspace_(state, tree, context.segments, touched, context.altered) {
        if (context.believe_the_disk) workspace_.believe_the_disk();
    }

    Result<Execution> run(std::span<const Entry> entries) {
        Execution execution;
        execution.state_before = tree_.root();
        CHECK(expire());
        for (uint32_t i = 0; i < entries.size(); ++i) {
            TRY(result, run_entry(i, entries[i]));
            execution.results.push_back(std::move(result));
        }
        CHECK(workspace_.close_segment());
        execution.trace = workspace_.take_trace();
        execution.digest = workspace_.digest();
        workspace_.note_touched();
        execution.writes = workspace_.take_writes();
        execution.state_after = tree_.root();
        return execution;
    }

private:
    [[nodiscard]] bool is_expired(uint64_t expire_ms) const {
        return is_expired_at(context_, expire_ms);
    }

    /// Ids whose time is over leave the state, each by a step of the block's own that finds it
    /// first among all ids; a last step finds one whose time is not over, or none.
    Result<void> expire() {
        std::vector<Bytes> expired;
        std::optional<Bytes> next;
        const auto each = [&](ByteView key, const tree::LeafValue&) {
            const auto entry = transaction_of_key(key);
            if (!entry || !is_expired(entry->expire_ms)) {
                next = copy_of(key);
                return false;
            }
            expired.push_back(copy_of(key));
            return expired.size() < limits::expired_ids_per_block_max;
        };
        const Bytes prefix = transactions_prefix();
        const KeyRange range{prefix, after_prefix(prefix)};
        CHECK(tree_.scan(range.from, range.to, each));
        workspace_.open_transaction(0, 0);
        for (const Bytes& key : expired) {
            workspace_.begin_step();
            CHECK(workspace_.first_is(range, key));
            CHECK(workspace_.erase(key));
            CHECK(place_small_step());
        }
        if (expired.size() < limits::expired_ids_per_block_max) {
            workspace_.begin_step();
            CHECK(workspace_.first_is(range, next));
            CHECK(place_small_step());
        }
        workspace_.close_transaction();
        return success();
    }

    /// Of few keys, so that it fits every segment, and a block's 257 of them the segments that they
    /// may span: a key of 41 bytes has at most 328 hashes beside its way.
    Result<void> place_small_step() {
        TRY(placed, workspace_.place_step());
        ENSURE(placed == Workspace::Placed::here);
        return success();
    }

    /// Why the entry is not executed at all, in the order of the protocol's filters.
    Result<std::optional<uint16_t>> reason_to_skip(const model::CheckedEnvelope& envelope,
                                                   Participant lane) {
        using Reason = std::optional<uint16_t>;
        if (!envelope.valid()) return Reason(uint16_t(envelope.error));
        const uint64_t expire_ms = envelope.transaction->expire_ms;
        TRY(known, workspace_.get(transaction_key(expire_ms, envelope.once)));
        if (known != nullptr && !context_.execute_duplicates)
            return Reason(uint16_t(ResultCode::duplicate));
        if (is_expired(expire_ms)) return Reason(uint16_t(ResultCode::expired));
        if (is_too_far_ahead(context_, expire_ms))
            return Reason(uint16_t(ResultCode::too_far_ahead));
        if (context_.paused) return Reason(uint16_t(ResultCode::ledger_paused));
        const auto& sealed = envelope.transaction->sealed;
        if (sealed && sealed->epoch != context_.epoch)
            return Reason(uint16_t(ResultCode::sealed_lapsed));
        if (sealed && !shares_.admit(*sealed, lane))
            return Reason(uint16_t(ResultCode::sealed_full));
        return Reason();
    }

    Result<TransactionResult> run_entry(uint32_t index, const Entry& entry) {
        const model::CheckedEnvelope& envelope = *entry.envelope;
        TransactionResult result;
        result.index = index;
        result.id = envelope.id;
        // Bytes over the limit are known by their length and need not be carried.
        const bool carried = entry.envelope_bytes <= limits::envelope_bytes_max;
        workspace_.open_transaction(index + 1, carried ? entry.envelope_bytes : 0);

        workspace_.begin_step();
        TRY(skipped, reason_to_skip(envelope, entry.lane));
        if (skipped) {
            CHECK(place_small_step());
            workspace_.close_transaction();
            result.code = *skipped;
            result.detail = envelope.detail;
            return result;
        }
        ENSURE(!envelope.transaction->sealed || entry.opened != nullptr);
        return execute(entry, std::move(result));
    }

    Result<TransactionResult> execute(const Entry& entry, TransactionResult result) {
        const model::CheckedEnvelope& envelope = *entry.envelope;
        const model::Transaction& signed_by = *envelope.transaction;
        const model::Opened* opened = signed_by.sealed ? entry.opened : nullptr;
        Transaction transaction(workspace_, catalog_, signed_by.signature, {signed_by.fuel});
        std::shared_ptr<const Permissions> permissions;
        // The first step goes on where reason_to_skip() ended. The id is remembered whatever comes.
        const auto admit = [&]() -> Result<void> {
            Bytes key = transaction_key(signed_by.expire_ms, envelope.once);
            CHECK(workspace_.get(key));
            CHECK(workspace_.put(std::move(key), {}));
            workspace_.set_savepoint();
            TRY(found, catalog_.identity(signed_by.signer_did));
            if (found == nullptr)
                return transaction.reject(ResultCode::unknown_identity, {}, signed_by.signer_did);
            permissions = std::move(found);
            if (opened != nullptr && !opened->key)
                return transaction.reject(ResultCode::sealed_void);
            return success();
        };
        CHECK(transaction.step(0, admit));
        const auto& changes = opened != nullptr ? opened->changes : signed_by.changes;
        if (!transaction.rejection()) CHECK(transaction.apply(changes, *permissions));

        result.fuel = transaction.fuel_used();
        transaction.forget_what_changed();
        if (const auto& rejection = transaction.rejection()) {
            CHECK(workspace_.abort_transaction());
            result.code = uint16_t(rejection->code);
            result.arguments = rejection->arguments;
            result.detail = rejection->detail;
            return result;
        }
        workspace_.close_transaction();
        result.subjects = transaction.subjects();
        result.assigned = transaction.assigned();
        return result;
    }

    tree::Tree& tree_;
    const BlockContext& context_;
    Workspace workspace_;
    Catalog catalog_{workspace_};
    SharesBound shares_;
};

}  // namespace

Result<Execution> execute(const StateView& state, tree::Tree& tree, const BlockContext& context,
                          std::span<const Entry> entries, Touched* touched) {
    return BlockRun(state, tree, context, touched).run(entries);
}

/// What BlockRun does with them, for a block whose state is known: nothing that a transaction does
/// changes whether a later one passes the filters, but that its own copies do not.
Result<std::vector<uint32_t>> entries_to_open(tree::Tree& tree, const BlockContext& context,
                                              std::span<const Entry> entries) {
    std::vector<uint32_t> found;
    std::set<Bytes, BytesLess> admitted;
    SharesBound shares;
    for (uint32_t i = 0; i < entries.size(); ++i) {
        const model::CheckedEnvelope& envelope = *entries[i].envelope;
        if (!envelope.valid() || !envelope.transaction->sealed || context.paused) continue;
        const uint64_t expire_ms = envelope.transaction->expire_ms;
        if (is_expired_at(context, expire_ms) || is_too_far_ahead(context, expire_ms)) continue;
        Bytes key = transaction_key(expire_ms, envelope.once);
        TRY(known, tree.get(key));
        if (envelope.transaction->sealed->epoch != context.epoch) continue;
        if ((known || admitted.contains(key)) && !context.execute_duplicates) continue;
        if (!shares.admit(*envelope.transaction->sealed, entries[i].lane)) continue;
        admitted.insert(std::move(key));
        found.push_back(i);
    }
    return found;
}

Bytes TransactionResult::leaf() const {
    cbor::Writer writer;
    writer.array(6);
    writer.uint(index);
    writer.bytes(id.view());
    writer.uint(code);
    writer.array(arguments.size());
    for (const uint64_t argument : arguments) writer.uint(argument);
    writer.array(subjects.size());
    for (const SubjectId subject : subjects) writer.uint(subject.value);
    writer.uint(fuel);
    return writer.take();
}

Result<TransactionResult> decode_result_leaf(ByteView leaf) {
    using cbor::CborError;
    cbor::Reader reader(leaf);
    TransactionResult result;
    TRY(parts, reader.array(6));
    if (parts != 6) return CborError::bad_value;
    CHECK(cbor::read(reader, result.index));
    CHECK(cbor::read(reader, result.id));
    CHECK(cbor::read(reader, result.code));
    TRY(arguments, reader.array(8));
    for (uint64_t i = 0; i < arguments; ++i) {
        TRY(argument, reader.uint());
        result.arguments.push_back(argument);
    }
    reader.close();
    TRY(subjects, reader.array(limits::transaction_changes_max));
    for (uint64_t i = 0; i < subjects; ++i) {
        TRY(subject, reader.uint());
        result.subjects.push_back({subject});
    }
    reader.close();
    CHECK(cbor::read(reader, result.fuel));
    reader.close();
    CHECK(reader.finish());
    return result;
}

std::string TransactionResult::explanation(const Schema* schema) const {
    const auto text = describe_result(code);
    if (!text || detail.empty()) return explain(code, arguments, schema);
    std::string where;
    if (!arguments.empty() && code >= uint16_t(ResultCode::bad_subject) &&
        code != uint16_t(ResultCode::still_referenced))
        where = "change " + std::to_string(arguments.front() + 1) + ", ";
    return Error{text->code, text->cause, text->next, where + detail}.message();
}

Hash Execution::results_root() const {
    std::vector<Hash> leaves;
    leaves.reserve(results.size());
    for (const auto& result : results) leaves.push_back(merkle_leaf(result.leaf()));
    return merkle_root(leaves);
}

Hash TraceLeaf::hash() const {
    return tagged_hash(Tag::trace_leaf, cbor::encode(*this));
}

Hash Execution::trace_root() const {
    std::vector<Hash> leaves;
    leaves.reserve(trace.size());
    for (const auto& leaf : trace) leaves.push_back(leaf.hash());
    return merkle_root(leaves);
}

Hash Execution::execution_commitment() const {
    return tagged_hash(Tag::execution_digest_commitment, digest.view());
}

}  // namespace tally::ledger
