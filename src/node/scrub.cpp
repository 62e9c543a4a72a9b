#include "node/scrub.hpp"

#include <algorithm>

#include "ledger/execution.hpp"
#include "node/checked_state.hpp"
#include "node/execute_block.hpp"
#include "node/stored_decision.hpp"
#include "ordering/decision.hpp"

namespace tally::node {
namespace {

/// What a look at one place of a tree, or a signature, adds to a slice: as much as reading so many
/// bytes. It is no part of what is said to have been read.
constexpr uint64_t lookup_cost = 8'192;
constexpr uint64_t entry_bytes = 64;

std::optional<ByteView> view_of_value(const store::StoredVersion& version) {
    if (!version.is_version || !version.value) return {};
    return ByteView(*version.value);
}

}  // namespace

void ScrubWork::run() {
    while (!full() && place_.phase != Phase::over) {
        switch (place_.phase) {
        case Phase::blocks: blocks(); break;
        case Phase::versions: versions(); break;
        case Phase::decisions: decisions(); break;
        case Phase::bodies: bodies(); break;
        case Phase::files: files(); break;
        case Phase::journal: journal(); break;
        case Phase::over: break;
        }
    }
}

void ScrubWork::note(Damage damage) {
    damage.ledger = place_.ledger;
    damages_.push_back(std::move(damage));
}

void ScrubWork::note_ledger(Height height, std::string detail) {
    Damage damage;
    damage.kind = Damage::Kind::ledger;
    damage.height = height;
    damage.detail = std::move(detail);
    note(std::move(damage));
}

void ScrubWork::enter(Phase phase) {
    const LedgerIndex ledger = place_.ledger;
    place_ = {};
    place_.phase = phase;
    if (phase == Phase::versions) place_.ledger = ledger;
    if (phase == Phase::decisions) place_.at = 1;
    if (phase == Phase::bodies) enter_lane(0);
    // What is written meanwhile has another name: a pass ends, however busy the database is.
    if (phase != Phase::files) return;
    const auto all = task_.snapshot->files();
    if (!all.empty()) place_.last_file = all.back();
}

void ScrubWork::next_ledger() {
    const auto next = uint16_t(place_.ledger.value + 1);
    if (next == task_.charter->body.ledgers.size()) return enter(Phase::decisions);
    enter(Phase::blocks);
    place_.ledger = {next};
}

// --- a ledger's blocks, and what each wrote ---

void ScrubWork::blocks() {
    const auto done = block();
    if (done.ok()) return;
    // One complaint is enough: all of the ledger is made again for it.
    note_ledger({place_.at}, done.error().message());
    next_ledger();
}

/// One block, or the rest of one. Errors are damage that is no single value's.
Result<void> ScrubWork::block() {
    const ChainReader stored(*task_.snapshot);
    TRY(mark, stored.mark(place_.ledger));
    if (!mark) {  // It is being set up or loaded.
        next_ledger();
        return success();
    }
    const bool is_first = place_.hash.is_zero();
    const bool is_begun = !place_.key.empty();
    const Height expected = is_first ? mark->history : Height{place_.at};
    TRY(height, stored.next_block(place_.ledger, expected));
    if (!height && expected == mark->height.next()) {
        enter(Phase::versions);
        return success();
    }
    place_.at = expected.value;
    if (height != expected) return fail(StateViewError::altered, "a block is missing");
    TRY(block, stored.block(place_.ledger, *height));
    TRY(root, stored.root(place_.ledger, *height));
    if (!block || !root) return fail(StateViewError::altered, "a block's tree is missing");
    if (!is_begun) CHECK(compare(*block, *root, *mark));
    CHECK(written(*root));
    if (!place_.key.empty()) return success();  // More of this block in the next slice.
    place_.hash = block->header.hash();
    place_.at = height->value + 1;
    return success();
}

/// The block with the one before it, its tree, its lists, its certificate and the index.
Result<void> ScrubWork::compare(const StoredBlock& block, const tree::RootRef& root,
                                const LedgerMark& mark) {
    const auto& header = block.header;
    const Height height{place_.at};
    bytes_ += entry_bytes + cbor::encode(block).size();
    if (header.ledger != place_.ledger || header.height != height)
        return fail(StateViewError::altered, "another block is in its place");
    if (!place_.hash.is_zero() && header.parent != place_.hash)
        return fail(StateViewError::altered, "its parent is another");
    if (root.hash != header.state_after)
        return fail(StateViewError::altered, "its tree has another root");
    CHECK(check_block(block, mark.history));
    const auto certificate = ChainReader(*task_.snapshot).certificate(place_.ledger, height);
    const auto epoch =
        certificate.ok() && *certificate
            ? model::epoch_of_certificate(task_.epochs, header.slot, *task_.verifier, **certificate)
            : std::nullopt;
    const bool is_signed = certificate.ok() && (!*certificate || epoch);
    if (!is_signed) {
        LogDamage damage;
        damage.certificate.emplace(place_.ledger, height);
        log_damages_.push_back(std::move(damage));
    } else if (*certificate) {
        if ((*certificate)->header != header.hash())
            return fail(StateViewError::altered, "it is not the certified block");
        if (!is_header_only(block, mark.history) &&
            !has_attested_digest(block, **certificate, *epoch))
            return fail(StateViewError::altered, "its execution digest is another");
    }
    check_index(block);
    return success();
}

/// The digest is as it was attested, if this participant is among those whom the certificate shows.
bool ScrubWork::has_attested_digest(const StoredBlock& block,
                                    const model::BlockCertificate& certificate, Epoch epoch) const {
    const auto entry_in = [&](const model::CharterBody& body) {
        return task_.self.value < body.participants.size() ? body.participants[task_.self.value]
                                                           : model::ParticipantEntry{};
    };
    // The number may have been another's.
    if (entry_in(task_.epochs.body_of(epoch)).identity_key !=
        entry_in(task_.epochs.now()).identity_key)
        return true;
    const auto own = std::find_if(certificate.parts.begin(), certificate.parts.end(),
                                  [&](const auto& part) { return part.signer == task_.self; });
    return own == certificate.parts.end() ||
           own->tag == model::attestation_tag(certificate.ledger, certificate.height, task_.self,
                                              block.execution_digest);
}

/// What the block wrote of its tree, and the values there.
Result<void> ScrubWork::written(const tree::RootRef& root) {
    const Height height{place_.at};
    const store::TreePages pages(*task_.snapshot, place_.ledger);
    const store::VersionedView values(*task_.snapshot, place_.ledger, height);
    tree::Tree tree(pages, root);
    Bytes from = std::exchange(place_.key, {});
    std::optional<Error> error;
    CHECK(tree.scan_written(height.value, from, [&](ByteView key, const tree::LeafValue& leaf) {
        if (full()) {
            place_.key = copy_of(key);
            return false;
        }
        const auto version = store::newest_version(*task_.snapshot, place_.ledger, height, key);
        if (!version.ok()) {
            error = version.error();
            return false;
        }
        bytes_ += entry_bytes + key.size() + leaf.length;
        const auto how =
            ledger::difference(key, leaf, *version ? view_of_value(**version) : std::nullopt);
        if (!how) return true;
        Damage damage;
        damage.height = height;
        damage.key = copy_of(key);
        damage.how = *how;
        note(std::move(damage));
        return true;
    }));
    if (error) return *std::move(error);
    return success();
}

/// Where each of its transactions was executed follows from the block.
void ScrubWork::check_index(const StoredBlock& block) {
    const ChainReader stored(*task_.snapshot);
    for (uint32_t i = 0; i < block.results.size(); ++i) {
        const auto& result = block.results[i];
        if (!is_executed(result.code)) continue;
        const auto place = stored.transaction(place_.ledger, result.transaction);
        bytes_ += entry_bytes;
        const bool same = place.ok() && *place && (*place)->ledger == place_.ledger &&
                          (*place)->height == block.header.height && (*place)->index == i &&
                          (*place)->code == result.code;
        if (same) continue;
        LogDamage damage;
        damage.transaction.emplace(
            result.transaction,
            TransactionPlace{place_.ledger, block.header.height, i, result.code});
        log_damages_.push_back(std::move(damage));
    }
}

// --- a ledger's versions ---

/// Where a block wrote another value than lies there, blocks() saw that.
bool ScrubWork::is_named_by_blocks(const store::TreePages& pages, ByteView key,
                                   const store::StoredVersion& version) const {
    const auto root = ChainReader(*task_.snapshot).root(place_.ledger, version.height);
    if (!root.ok() || !*root) return false;
    const auto way = tree::Tree(pages, **root).way(key);
    return way.ok() && way->value && way->leaf_height == version.height.value &&
           ledger::difference(key, way->value, view_of_value(version));
}

/// Each version must hold until the next one of its key, and the newest until now. That each is
/// what its block wrote, blocks() sees.
void ScrubWork::versions() {
    const ChainReader stored(*task_.snapshot);
    const auto mark = stored.mark(place_.ledger);
    if (!mark.ok() || !*mark) return next_ledger();
    const Height newest = (*mark)->height;
    const store::TreePages pages(*task_.snapshot, place_.ledger);
    std::optional<tree::Tree> now;
    std::optional<Error> error;
    bool stopped = false;
    const auto leaf_at = [&](Height height,
                             ByteView key) -> Result<std::optional<tree::LeafValue>> {
        if (height == newest && now) return now->get(key);
        TRY(root, stored.root(place_.ledger, height));
        if (!root) return std::optional<tree::LeafValue>();
        cost_ += lookup_cost;
        if (height == newest) return now.emplace(pages, *root).get(key);
        return tree::lookup(pages, *root, key);
    };
    const auto each = [&](ByteView key, const store::StoredVersion& version) {
        // `at` is one above the version that was looked at last; 0: none of this key.
        const bool same_key = place_.at > 0 && equal(key, place_.key);
        if (same_key && version.height.value + 1 >= place_.at) return true;
        if (full()) {
            stopped = true;
            return false;
        }
        const Height until = same_key ? Height{place_.at - 2} : newest;
        place_.key = copy_of(key);
        place_.at = version.height.value + 1;
        bytes_ += entry_bytes + key.size() + (version.value ? version.value->size() : 0);
        if (key.empty() || version.height > newest) {
            error = fail(StateViewError::altered, "a version of no block");
            return false;
        }
        const auto leaf = leaf_at(until, key);
        if (!leaf.ok()) {
            error = leaf.error();
            return false;
        }
        const auto how = ledger::difference(key, *leaf, view_of_value(version));
        if (!how) return true;
        if (is_named_by_blocks(pages, key, version)) return true;
        Damage damage;
        damage.height = until;
        damage.key = copy_of(key);
        damage.how = *how;
        note(std::move(damage));
        return true;
    };
    const Bytes from = place_.key;
    auto scanned = store::scan_versions(*task_.snapshot, place_.ledger, from, each);
    if (scanned.ok() && error) scanned = *error;
    if (!scanned.ok()) note_ledger(newest, scanned.error().message());
    if (!stopped) next_ledger();
}

// --- what all ledgers share ---

void ScrubWork::decisions() {
    const Slot slot{place_.at};
    if (slot > task_.decided) return enter(Phase::bodies);
    const ChainReader stored(*task_.snapshot);
    const auto& body = task_.charter->body;
    auto before = slot.value == 1
                      ? Result<std::optional<StoredDecision>>(std::optional<StoredDecision>())
                      : stored.decision({slot.value - 1});
    const auto decision = stored.decision(slot);
    const bool has_before = slot.value == 1 || (before.ok() && *before);
    place_.at = slot.value + 1;
    cost_ += lookup_cost;
    if (has_before) {
        const model::Block previous =
            slot.value == 1
                ? ordering::genesis_block(body.genesis_time, task_.epochs.at(slot).places(),
                                          uint32_t(body.ledgers.size()))
                : (*before)->decision.block;
        const bool decided =
            decision.ok() && *decision &&
            ordering::check_decision(task_.epochs.at(slot), *task_.verifier, previous,
                                     (*decision)->decision)
                .ok() &&
            is_as_decided(task_.epochs, slot.value == 1 ? nullptr : &**before, **decision);
        if (decided) return check_carried((*decision)->decision);
    } else if (decision.ok() && *decision) {
        return;  // Its predecessor was named.
    }
    LogDamage damage;
    damage.decision = slot;
    log_damages_.push_back(std::move(damage));
}

/// The certificates that a decision carries lie by themselves as well, with the slot that did.
void ScrubWork::check_carried(const model::Decision& decision) {
    const ChainReader stored(*task_.snapshot);
    bytes_ += cbor::encode(decision).size();
    for (const auto& carried : decision.block.carried) {
        const auto certificate = stored.certificate(carried.ledger, carried.height);
        const auto place = stored.carried_from(carried.ledger, carried.height);
        bytes_ += 2 * entry_bytes;
        const bool is_there = certificate.ok() && *certificate && place.ok() && *place &&
                              (*certificate)->header == carried.header &&
                              **place == std::pair(carried.height, decision.block.slot);
        if (is_there) continue;
        LogDamage damage;
        damage.carried = decision.block.slot;
        log_damages_.push_back(std::move(damage));
        return;
    }
}

/// From a lane's tip downwards, at the newest slot of which all batches are here: what was decided
/// after it may still be fetched.
void ScrubWork::enter_lane(uint8_t lane) {
    place_.lane = {lane};
    const ChainReader stored(*task_.snapshot);
    const auto held = stored.held_slot();
    const Slot here = std::max(task_.passed, held.ok() ? *held : task_.decided);
    const auto decision = stored.decision(std::min(here, task_.decided));
    if (!decision.ok() || !*decision || lane >= (*decision)->decision.block.cut.size())
        return enter(Phase::files);
    const auto& tip = (*decision)->decision.block.cut[lane];
    place_.at = tip.height.value;
    place_.hash = tip.header;
}

void ScrubWork::bodies() {
    const auto next_lane = [&] {
        const auto next = uint8_t(place_.lane.value + 1);
        if (next >= task_.charter->places()) return enter(Phase::files);
        enter_lane(next);
    };
    const auto& floors = task_.floors;
    const LaneHeight floor =
        place_.lane.value < floors.size() ? floors[place_.lane.value] : LaneHeight{};
    if (place_.at == 0 || place_.at < floor.value) return next_lane();
    const BatchPlace place{place_.lane, {place_.at}};
    const auto body = ChainReader(*task_.snapshot).body(place);
    bytes_ += entry_bytes + (body.ok() && *body ? (*body)->bytes.size() : 0);
    const bool is_right = body.ok() && *body && (*body)->header.hash() == place_.hash;
    const auto batch = is_right ? task_.coder->rebuild((*body)->header, (*body)->bytes) : nullptr;
    std::optional<Hash> parent;
    if (batch != nullptr) {
        check_cells(*batch);
        parent = (*body)->header.parent;
    } else if (body.ok() && !*body) {
        parent = parent_by_cells(place);
    }
    if (parent) {
        place_.at -= 1;
        place_.hash = *parent;
        return;
    }
    LogDamage damage;
    damage.batch = place;
    damage.batch_header = place_.hash;
    log_damages_.push_back(std::move(damage));
    // What comes before is known once this one is right again.
    next_lane();
}

/// Of a batch of which only the own cells are kept, if they are right: the one before it.
std::optional<Hash> ScrubWork::parent_by_cells(BatchPlace place) {
    const auto cells = ChainReader(*task_.snapshot).cells(place);
    if (!cells.ok() || !*cells) return {};
    const auto& header = (*cells)->header;
    bytes_ += (*cells)->cells.bytes.size();
    if (header.hash() != place_.hash || !task_.coder->shape_of(header.da).is_coded() ||
        !task_.coder->cells_verify(header.da, task_.self, (*cells)->cells))
        return {};
    return header.parent;
}

/// The cells that others ask for. Of a void batch there may be none that are right.
void ScrubWork::check_cells(const availability::HeldBatch& batch) {
    const auto& header = batch.header;
    if (!task_.coder->shape_of(header.da).is_coded()) return;
    const BatchPlace place{header.lane, header.height};
    const auto cells = ChainReader(*task_.snapshot).cells(place);
    bytes_ += cells.ok() && *cells ? (*cells)->cells.bytes.size() : 0;
    const bool is_other = cells.ok() && (!*cells || (*cells)->header != header);
    const bool is_right = !is_other && cells.ok() &&
                          task_.coder->cells_verify(header.da, task_.self, (*cells)->cells);
    if (is_right || (batch.is_void && is_other)) return;
    LogDamage damage;
    damage.cells = place;
    log_damages_.push_back(std::move(damage));
}

/// What nothing refers to any more lies there as well, until the database writes it elsewhere; one
/// that it cannot read then stops it.
void ScrubWork::files() {
    const auto all = task_.snapshot->files();
    const auto next =
        std::upper_bound(all.begin(), all.end(), std::string(tally::text_of(place_.key)));
    if (next == all.end() || *next > place_.last_file) return enter(Phase::journal);
    place_.key = copy_of(view_of(*next));
    const auto read = task_.snapshot->check_file(*next);
    if (read.ok()) {
        cost_ += *read;
        return;
    }
    if (!read.error().is(ports::KeyValueError::damaged)) return;  // The next pass tries again.
    LogDamage damage;
    damage.file = read.error().message();
    log_damages_.push_back(std::move(damage));
    enter(Phase::journal);
}

/// Segments that are closed are durable whole, whatever the last one is.
void ScrubWork::journal() {
    const uint32_t end = task_.journal_segments_end;
    const auto read = store::check_records(*task_.disk, place_.journal, end, task_.bytes_max);
    if (!read.ok()) {
        LogDamage damage;
        damage.journal = read.error().message();
        log_damages_.push_back(std::move(damage));
        return enter(Phase::over);
    }
    bytes_ += *read;
    if (place_.journal.segment == end) enter(Phase::over);
}

}  // namespace tally::node
