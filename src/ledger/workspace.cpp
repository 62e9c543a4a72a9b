#include "ledger/workspace.hpp"

#include <algorithm>

#include "ledger/result_code.hpp"

namespace tally::ledger {

Workspace::Workspace(const StateView& state, tree::Tree& tree, const SegmentLimits& limits,
                     Touched* touched, std::optional<Altered>* altered)
    : state_(state), tree_(tree), limits_(limits), touched_(touched), altered_(altered) {
    begin_segment();
}

// --- keys ---

Workspace::Place& Workspace::place_of(ByteView key) {
    const auto at = cells_.find(key);
    if (at != cells_.end()) return *at;
    return *cells_.emplace(copy_of(key), Cell{}).first;
}

/// What the key adds to a witness of the open segment: the hashes beside its way, itself and its
/// value.
Result<size_t> Workspace::measure(Place& place) {
    auto& [key, cell] = place;
    if (cell.segment_measured != segment_) {
        TRY(way, tree_.way(key));
        if (touched_ != nullptr && !way.leaf.empty()) touched_->insert(copy_of(way.leaf));
        // The tree still has what the block found: it is brought up to date with keys that were
        // touched alone.
        if (cell.segment_measured == 0) cell.leaf = way.value;
        const size_t value_bytes = way.value ? way.value->length : 0;
        cell.witness_bytes = uint32_t(32 * way.inner_nodes + key.size() + value_bytes);
        cell.segment_measured = segment_;
    }
    return size_t(cell.witness_bytes);
}

/// Comes before the value is read, so that a step that is too large can be shown without it.
Result<void> Workspace::touch(Place& place) {
    if (place.second.step == step_) return success();
    TRY(bytes, measure(place));
    if (step_touched_.size() == limits_.keys ||
        step_witness_bytes_ + bytes > limits_.witness_bytes) {
        overflowed_ = true;
        return ResultCode::step_too_large;
    }
    place.second.step = step_;
    step_touched_.push_back(&place);
    step_witness_bytes_ += bytes;
    return success();
}

Error Workspace::altered(const Place& place, Altered::How how) {
    if (altered_ != nullptr) *altered_ = Altered{place.first, how};
    return fail(StateViewError::altered);
}

/// Requires that the place was touched once: then its leaf is at hand, and the check costs no more
/// than the commitment, which is wanted for whatever is read.
Result<void> Workspace::know(Place& place) {
    auto& [key, cell] = place;
    if (cell.known) return success();
    ENSURE(cell.segment_measured > 0);
    auto value = state_.get(key);
    if (is_believing_ && value.ok()) {
        cell.value = *std::move(value);
        cell.known = true;
        return success();
    }
    if (!value.ok()) {
        if (!value.error().is(StateViewError::altered)) return std::move(value).error();
        return altered(place, cell.leaf ? Altered::How::missing : Altered::How::added);
    }
    if (!*value && cell.leaf) return altered(place, Altered::How::missing);
    if (*value) {
        if (!cell.leaf) return altered(place, Altered::How::added);
        const auto made = commitment_of(key, **value);
        if (!made.ok() || *made != Commitment{cell.leaf->length, cell.leaf->hash})
            return altered(place, Altered::How::changed);
        cell.commitment = *made;
    }
    cell.value = *std::move(value);
    cell.known = true;
    return success();
}

Result<const Commitment*> Workspace::commitment(Place& place) {
    Cell& cell = place.second;
    if (!cell.commitment) {
        TRY(made, commitment_of(place.first, *cell.value));
        cell.commitment = made;
    }
    return &*cell.commitment;
}

Result<void> Workspace::note_read(Place& place) {
    CHECK(touch(place));
    CHECK(know(place));
    if (noted_ != nullptr) noted_->push_back(&place);
    if (place.second.step_read == step_) return success();
    place.second.step_read = step_;
    Read read{&place, {}};
    if (place.second.value) {
        TRY(made, commitment(place));
        read.hash = made->hash;
    }
    step_reads_.push_back(read);
    return success();
}

Result<const Bytes*> Workspace::get(ByteView key) {
    Place& place = place_of(key);
    CHECK(note_read(place));
    return place.second.value ? &*place.second.value : nullptr;
}

Result<void> Workspace::read_again(Place& place) {
    return note_read(place);
}

Result<std::optional<std::pair<Bytes, Bytes>>> Workspace::first_in(const KeyRange& range) {
    std::optional<Bytes> found;
    for (auto at = cells_.lower_bound(range.from);
         at != cells_.end() && compare(at->first, range.to) < 0; ++at) {
        if (!at->second.known || !at->second.value) continue;
        found = at->first;
        break;
    }
    // No further than that: what was not looked at, no witness need show. The tree tells the keys,
    // since the state's own list of them may have been altered.
    const auto each = [&](ByteView key, const tree::LeafValue&) {
        const auto at = cells_.find(key);
        const bool erased = at != cells_.end() && at->second.known && !at->second.value;
        if (!erased) found = copy_of(key);
        return erased;
    };
    const Bytes to = found.value_or(range.to);
    CHECK(tree_.scan(range.from, to, each));
    TRY(value, first_is(range, found));
    if (!found) return std::optional<std::pair<Bytes, Bytes>>();
    if (value == nullptr) return StateError::missing_row;  // The view contradicts itself.
    return std::optional(std::pair(*std::move(found), *value));
}

Result<const Bytes*> Workspace::first_is(const KeyRange& range, const std::optional<Bytes>& key) {
    // Both places are looked at, even if the step has no room for them. The range's ends are no
    // keys.
    Place& from = place_of(range.from);
    Place& last = place_of(key ? *key : range.to);
    from.second.known = true;
    CHECK(note_read(from));
    if (key) return get(*key);
    last.second.known = true;
    CHECK(touch(last));
    return static_cast<const Bytes*>(nullptr);
}

void Workspace::change(Place& place, std::optional<Bytes> value,
                       std::optional<Commitment> commitment) {
    Cell& cell = place.second;
    undo_.push_back({&place, std::move(cell.value), cell.commitment, cell.known, cell.written});
    cell.value = std::move(value);
    cell.commitment = commitment;
    cell.known = true;
    cell.written = true;
    if (!cell.in_tree_queue) {
        cell.in_tree_queue = true;
        tree_queue_.push_back(&place);
    }
}

Result<void> Workspace::put(Bytes key, Bytes value, std::optional<Commitment> commitment) {
    Place& place = place_of(key);
    CHECK(touch(place));
    step_bytes_written_ += key.size() + value.size();
    change(place, std::move(value), commitment);
    return success();
}

Result<void> Workspace::erase(ByteView key) {
    Place& place = place_of(key);
    CHECK(touch(place));
    step_bytes_written_ += key.size();
    change(place, std::nullopt, std::nullopt);
    return success();
}

// --- undo ---

/// Exchanges the cell's present with what is kept, so that doing it twice changes nothing.
void Workspace::swap(Undo& undo) {
    Cell& cell = undo.place->second;
    std::swap(cell.value, undo.value);
    std::swap(cell.commitment, undo.commitment);
    std::swap(cell.known, undo.known);
    std::swap(cell.written, undo.written);
    if (!cell.in_tree_queue) {
        cell.in_tree_queue = true;
        tree_queue_.push_back(undo.place);
    }
}

/// From undo_[from − 1] down to undo_[to].
void Workspace::unwind(size_t from, size_t to) {
    while (from > to) swap(undo_[--from]);
}

/// From undo_[from] up to undo_[to − 1].
void Workspace::rewind(size_t from, size_t to) {
    while (from < to) swap(undo_[from++]);
}

// --- steps ---

void Workspace::begin_step() {
    ++step_;
    step_touched_.clear();
    step_reads_.clear();
    step_bytes_written_ = 0;
    step_witness_bytes_ = 0;
    step_undo_ = undo_.size();
    step_carried_ = carried_.size();
    overflowed_ = false;
}

/// Whether the step may be part of the open segment.
Result<bool> Workspace::fits() {
    if (is_segment_empty()) return true;
    if (overflowed_) return false;
    const bool new_in_segment = number_ > 0 && !segment_has_open_;
    if (new_in_segment && (segment_transactions_ + 1 > limits_.transactions ||
                           segment_envelope_bytes_ + envelope_bytes_ > limits_.envelope_bytes))
        return false;
    size_t keys = segment_keys_;
    size_t witness_bytes = segment_witness_bytes_;
    for (Place* place : step_touched_) {
        if (place->second.segment == segment_) continue;
        TRY(bytes, measure(*place));
        ++keys;
        witness_bytes += bytes;
    }
    return keys <= limits_.keys && witness_bytes <= limits_.witness_bytes;
}

void Workspace::add_to_segment() {
    ENSURE(open_);
    if (!segment_has_open_) {
        segment_has_open_ = true;
        ++segments_spanned_;
        if (number_ > 0) ++segment_transactions_;
        segment_envelope_bytes_ += envelope_bytes_;
    }
    for (Place* place : step_touched_) {
        if (place->second.segment == segment_) continue;
        place->second.segment = segment_;
        ++segment_keys_;
        segment_witness_bytes_ += place->second.witness_bytes;
    }
    for (const Read& read : step_reads_) {
        Cell& cell = read.place->second;
        if (cell.segment_read == segment_) continue;
        cell.segment_read = segment_;
        read_digest_.add_u16(uint16_t(read.place->first.size()))
            .add(read.place->first)
            .add_u8(read.hash ? 1 : 0);
        if (read.hash) read_digest_.add(*read.hash);
    }
}

Result<Workspace::Placed> Workspace::place_step() {
    TRY(fits_here, fits());
    if (!fits_here) {
        if (segments_spanned_ == limits_.per_transaction) return Placed::too_many;
        CHECK(close(true));
        // Every key is measured again, in the tree as it is now.
        size_t witness_bytes = 0;
        for (Place* place : step_touched_) {
            TRY(bytes, measure(*place));
            witness_bytes += bytes;
        }
        if (overflowed_ || witness_bytes > limits_.witness_bytes) {
            unwind(undo_.size(), step_undo_);
            undo_.resize(step_undo_);
            carried_.resize(step_carried_);
            return Placed::again;
        }
    }
    add_to_segment();
    ++steps_placed_;
    return Placed::here;
}

// --- transactions ---

void Workspace::open_transaction(uint32_t number, size_t envelope_bytes) {
    ENSURE(!open_);
    open_ = true;
    number_ = number;
    envelope_bytes_ = envelope_bytes;
    steps_placed_ = 0;
    segments_spanned_ = 0;
    segment_has_open_ = false;
    fuel_ = 0;
    savepoint_.reset();
    root_before_.reset();
    carried_.clear();
    undo_.clear();
}

void Workspace::set_savepoint() {
    savepoint_ = undo_.size();
}

void Workspace::close_transaction() {
    ENSURE(open_);
    open_ = false;
    segment_has_open_ = false;  // The next one has no step here yet.
    undo_.clear();
    carried_.clear();
}

Result<void> Workspace::abort_transaction() {
    unwind(undo_.size(), savepoint_.value_or(0));
    const bool spans_segments = segments_spanned_ > 1;
    close_transaction();
    // The state jumped back to before an earlier segment: what follows starts from a root of its
    // own.
    if (spans_segments) return close(false);
    return success();
}

// --- segments ---

void Workspace::begin_segment() {
    ++segment_;
    segment_keys_ = 0;
    segment_transactions_ = 0;
    segment_witness_bytes_ = 0;
    segment_envelope_bytes_ = 0;
    segment_has_open_ = false;
    read_digest_ = Hasher(Tag::read_digest);
}

/// Brings the tree to what the cells hold now.
Result<void> Workspace::flush() {
    for (Place* place : tree_queue_) {
        place->second.in_tree_queue = false;
        // Taken back before anything was known of it: the tree never saw it, or has the old value.
        CHECK(know(*place));
        if (place->second.value) {
            TRY(made, commitment(*place));
            CHECK(tree_.put(place->first, made->length, made->hash));
        } else {
            CHECK(tree_.erase(place->first));
        }
    }
    tree_queue_.clear();
    return success();
}

/// `before_step`: a step is done but not placed; the segment ends where that step began.
Result<void> Workspace::close(bool before_step) {
    const size_t now = undo_.size();
    const size_t end = before_step ? step_undo_ : now;
    const bool is_open = open_ && steps_placed_ > 0;
    unwind(now, end);
    if (is_open && !root_before_) {
        const size_t start = std::min(savepoint_.value_or(0), end);
        unwind(end, start);
        CHECK(flush());
        root_before_ = tree_.root();
        rewind(start, end);
    }
    CHECK(flush());

    const Hash read_digest = read_digest_.finish();
    TraceLeaf leaf;
    leaf.state_root = tree_.root();
    leaf.root_before = is_open ? *root_before_ : leaf.state_root;
    leaf.transaction = open_ ? number_ : number_ + 1;
    leaf.step = is_open ? steps_placed_ : 0;
    leaf.fuel = is_open ? fuel_ : 0;
    if (is_open) {
        const size_t carried = before_step ? step_carried_ : carried_.size();
        leaf.running = tagged_hash(Tag::running_digest, ByteView(carried_).first(carried));
    }
    leaf.read_digest_hash = tagged_hash(Tag::read_digest_commitment, read_digest.view());
    trace_.push_back(leaf);
    read_digests_.push_back(read_digest);
    rewind(end, now);
    begin_segment();
    return success();
}

Result<void> Workspace::close_segment() {
    ENSURE(!open_);
    return close(false);
}

Hash Workspace::digest() const {
    Hasher hasher(Tag::execution_digest);
    hasher.add_u32(uint32_t(read_digests_.size()));
    for (const Hash& digest : read_digests_) hasher.add(digest);
    return hasher.finish();
}

void Workspace::note_touched() const {
    if (touched_ == nullptr) return;
    for (const auto& [key, cell] : cells_) touched_->insert(key);
}

std::vector<Write> Workspace::take_writes() {
    std::vector<Write> writes;
    for (auto& [key, cell] : cells_) {
        if (cell.written) writes.push_back({key, std::move(cell.value)});
    }
    return writes;
}

// --- View ---

Result<std::optional<Bytes>> Workspace::View::get(ByteView key) const {
    TRY(value, workspace_.get(key));
    if (value == nullptr) return std::optional<Bytes>();
    return std::optional(*value);
}

Result<void> Workspace::View::scan(ByteView, ByteView, const Each&) const {
    // Nothing that execution shares with readers scans: ranges go through first_in().
    std::abort();
}

}  // namespace tally::ledger
