// Recovery: from the journal and the database to where the node stood.
#include "node/checked_state.hpp"
#include "node/journal_network.hpp"
#include "node/parts.hpp"

namespace tally::node {

Node::Parts::Parts(Config config_in, const Signer& signer_in, const Verifier& verifier,
                   ports::Disk& disk_in, ports::KeyValue& key_value_in, const Canaries& canaries_in)
    : config(std::move(config_in)),
      canaries(canaries_in),
      charter(std::make_shared<const model::Charter>(config.charter)),
      network(model::network_id_of(charter->body)),
      epochs(*charter),
      signatories(epochs.current()),
      others(availability::asker_among(signatories, config.self).others),
      coder(std::make_shared<const availability::Coder>(epochs, canaries.coding)),
      signer(signer_in),
      disk(disk_in),
      key_value(key_value_in),
      pauses(epochs),
      rebuilder({{config.self, others},
                 signatories.epoch,
                 coder,
                 [this](Participant lane, const availability::LanePlace& place) {
                     return stored_cells(lane, place);
                 }}),
      pipeline({charter, network, coder, config.tree_nodes_in_memory_max, config.checked_bytes_max,
                canaries.wrong_root_at, canaries.execute_duplicates, canaries.believe_the_disk,
                config.opening_secrets, canaries.open_copies},
               key_value),
      sync({charter, signatories.quorum().liars_max, config.self}, key_value),
      quarantine(charter->body.ledgers.size()),
      outbox(canaries.ordering.send_before_save),
      tip_times(epochs.at(Slot{1}).places()),
      carried(charter->body.ledgers.size()),
      certified(charter->body.ledgers.size()),
      own_places(config.self),
      latest_signed(charter->places(), uint32_t(charter->body.ledgers.size())),
      audits({coder, config.audits.deadline_us, canaries.believe_audits}),
      peers(limits::participants_max),
      lanes_left(charter->places()) {
    // Nobody signs before it is known what was signed.
    self = {config.self, &signatories, nullptr, &verifier, &epochs};
    if (signatories.epoch.value > 0)
        latest_signed.begin_after(epochs.handover_slot(), signatories, verifier);

    ordering::Config ordering_config{self,
                                     network,
                                     charter->body.genesis_time,
                                     epochs.now().parameters,
                                     {},
                                     config.heartbeat_us,
                                     canaries.ordering,
                                     &epochs.now()};
    for (const auto& ledger : epochs.now().ledgers)
        ordering_config.provers.emplace_back(ledger.provers.begin(), ledger.provers.end());
    ordering = std::make_unique<ordering::Machine>(std::move(ordering_config));
    availability = std::make_unique<availability::Machine>(availability::Config{
        self, epochs.now().parameters, config.batch_delay_us, config.submitted_bytes_max, coder,
        [this](Participant lane, const availability::LanePlace& place) {
            return stored_cells(lane, place);
        },
        canaries.lanes});
    proving = std::make_unique<proving::Machine>(proving::Config{self, &epochs.now()});
    followed_time = charter->body.genesis_time;
}

std::optional<model::BatchCells> Node::Parts::stored_cells(
    Participant lane, const availability::LanePlace& place) const {
    auto cells = ChainReader(key_value).cells({lane, place.first});
    return cells.ok() ? std::move(*cells) : std::optional<model::BatchCells>();
}

/// One that is damaged is as good as none: what is dropped already is dropped once more.
Result<void> Node::Parts::open_retained() {
    auto stored = stored_retained(key_value);
    if (!stored.ok() && !is_own_damage(stored.error())) return stored.error();
    if (stored.ok()) retained = std::move(*stored);
    return success();
}

void Node::Parts::note_mark_altered(LedgerIndex ledger) {
    opening_notes.push_back("ledger " + std::string(charter->body.ledgers[ledger.value].name) +
                            ": where it stood was altered on this disk; it is made again");
}

Result<void> Node::Parts::open(model::Now at) {
    now = at;
    const auto has_mark = [&](size_t ledger) {
        const auto mark = ChainReader(key_value).mark({uint16_t(ledger)});
        return !mark.ok() || mark->has_value();
    };
    std::vector<bool> had_mark;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) had_mark.push_back(has_mark(i));
    CHECK(pipeline.open());
    CHECK(open_retained());
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        if (had_mark[i] && !has_mark(i)) note_mark_altered({uint16_t(i)});
    }
    if (auto resumed = resume_availability(); !resumed.ok()) {
        if (!is_own_damage(resumed.error())) return resumed;
        opening_notes.push_back(resumed.error().message() + ": batches are fetched again");
        ports::WriteBatch writes;
        put_held_slot(writes, Slot{});
        CHECK(key_value.write(writes));
    }

    CHECK(recover_earlier_epochs());
    std::optional<Error> refused;
    // A guest, which signs nothing, may come to be proposed under another number.
    const Participant owner =
        config.guest.empty() ? self.index : Participant{limits::participants_max};
    auto opened = store::Journal::open(
        disk, {journal_network(network, signatories.epoch), owner, config.journal_key},
        [&](uint8_t kind, ByteView payload, const store::JournalPosition& position) {
            if (refused) return;
            auto record = cbor::decode<model::Record>(payload);
            if (!record.ok() || record->index() != kind) {
                refused = fail(store::StoreError::journal_newer,
                               "a record of an unknown kind at " + position.text());
                return;
            }
            if (auto recovered = recover_record(*record); !recovered.ok())
                refused = recovered.error();
        });
    if (!opened.ok()) return std::move(opened).error();
    if (refused) return *refused;
    if (halted) return fail(ports::KeyValueError::io_failed, halt_reason);
    journal = std::move(*opened);
    if (journal->first_segment() > 1) own_places.set_pruned();
    CHECK(check_marks());
    begin_epoch_if_reached();
    return success();
}

/// The newest slot up to `from` whose decision lies here as it was decided; nothing if that is far
/// below, or there is none.
std::optional<std::pair<Slot, model::Cut>> Node::Parts::decided_cut(Slot from) const {
    constexpr int looked_at_max = 64;
    Slot slot = from;
    for (int i = 0; i < looked_at_max && slot.value > 0; ++i, --slot.value) {
        if (!is_decided(slot)) continue;
        const auto decision = ChainReader(key_value).decision(slot);
        if (decision.ok() && *decision) return std::pair(slot, (*decision)->decision.block.cut);
    }
    return {};
}

Slot Node::Parts::highest_passed() const {
    Slot highest;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i)
        highest = std::max(highest, pipeline.passed({uint16_t(i)}));
    return highest;
}

/// The lane's decided tip of the newest slot before `slot` at which that was below `height`, which
/// is the tip at `slot`. Slot zero, where no lane has a tip, if there is none that can be believed.
std::pair<Slot, model::CutEntry> Node::Parts::tip_below(Participant lane, Slot slot,
                                                        LaneHeight height) const {
    const ChainReader stored(key_value);
    std::pair<Slot, model::CutEntry> found;
    for (Slot above = slot; above.value - found.first.value > 1;) {
        const Slot middle{found.first.value + (above.value - found.first.value) / 2};
        const auto decision = stored.decision(middle);
        const bool is_here = decision.ok() && *decision &&
                             lane.value < (*decision)->decision.block.cut.size() &&
                             (*decision)->decision.block.cut[lane.value].height < height;
        if (is_here) {
            found = {middle, (*decision)->decision.block.cut[lane.value]};
        } else {
            above = middle;
        }
    }
    if (found.first.value > 0 && !is_decided(found.first)) return {};
    return found;
}

/// Goes on from the newest cut of which the database holds every batch that is needed. A lane whose
/// tip is not here as it was decided goes on from its tip before that: what is above is in the
/// journal, or fetched again.
Result<void> Node::Parts::resume_availability() {
    constexpr int tips_back_max = 16;
    const auto held = ChainReader(key_value).held_slot();
    if (!held.ok() && !is_own_damage(held.error())) return held.error();
    if (held.ok() && held->value == 0) return success();
    auto newest = held.ok() ? decided_cut(*held) : std::nullopt;
    // Who passed a slot had its batches. Were one not here after all, it would be missed and
    // fetched when it is needed.
    if (!newest) newest = decided_cut(highest_passed());
    if (!newest) return fail(ports::KeyValueError::damaged, "what is executed is not here");
    auto& [newest_slot, cut] = *newest;
    std::vector<uint64_t> total_bytes(cut.size());
    for (size_t i = 0; i < cut.size(); ++i) {
        const Participant lane{uint8_t(i)};
        const LaneHeight wanted = cut[i].height;
        Slot slot = newest_slot;
        for (int tries = 0; cut[i].height.value > 0; ++tries) {
            TRY(found, total_bytes_of(lane, cut[i]));
            total_bytes[i] = found.value_or(0);
            if (found) break;
            std::tie(slot, cut[i]) = tries < tips_back_max ? tip_below(lane, slot, cut[i].height)
                                                           : std::pair<Slot, model::CutEntry>();
        }
        // Below what is kept there is nothing to go on from, nor to fetch: the tip itself is.
        const LaneHeight kept = retained.cells.of(lane);
        if (cut[i].height < wanted && cut[i].height < kept) {
            cut[i] = {{kept.value - 1}, {}, {}};
            total_bytes[i] = 0;
        }
        if (cut[i].height == wanted) continue;
        opening_notes.push_back("lane " + std::string(charter->now().participants[i].name) +
                                ": its last executed batch is missing or altered on this disk; "
                                "what comes after batch " +
                                std::to_string(cut[i].height.value) + " is fetched again");
    }
    availability->resume_from(cut, total_bytes);
    return success();
}

Result<void> Node::Parts::recover_record(const model::Record& record) {
    own_places.note(record);
    latest_signed.see(record);
    if (const auto* lost = std::get_if<model::LostJournal>(&record)) {
        signing = Signing::lost;
        lost_why = lost->why;
    } else if (const auto* started = std::get_if<model::Started>(&record)) {
        starts = started->count;
    }
    const bool is_vote = std::holds_alternative<model::PrepareVoteRecord>(record) ||
                         std::holds_alternative<model::Signed<model::Report>>(record);
    if (!is_vote || !canaries.forget_votes_on_restart) ordering->recover(record);
    proving->recover(record);
    const auto [held, cells] = availability->recover(record);
    // The database may have lost what it had not flushed.
    const ChainReader stored(key_value);
    if (cells) {
        const auto known = stored.cells({cells->header.lane, cells->header.height});
        if (!known.ok() && !is_own_damage(known.error())) return known.error();
        if (!known.ok() || !*known || **known != *cells) {
            ports::WriteBatch writes;
            put_cells(writes, *cells);
            CHECK(key_value.write(writes));
        }
    }
    if (held) {
        const auto body = stored.body({held->header.lane, held->header.height});
        if (!body.ok() && !is_own_damage(body.error())) return body.error();
        if (!body.ok() || !*body || (*body)->header != held->header ||
            (*body)->bytes != held->bytes) {
            ports::WriteBatch writes;
            put_body(writes, {held->header, held->bytes});
            CHECK(key_value.write(writes));
        }
    }
    if (const auto* decision = std::get_if<model::Decision>(&record)) {
        CHECK(recover_decision(*decision));
    } else if (const auto* certificate = std::get_if<model::BlockCertificate>(&record)) {
        ports::WriteBatch writes;
        put_certificate(writes, *certificate);
        CHECK(key_value.write(writes));
        auto& highest = certified[certificate->ledger.value];
        if (certificate->height > highest) highest = certificate->height;
    }
    return success();
}

/// What lies in the database is compared, not believed: what is stored beside a decision no
/// signature covers, and all later slots would follow from it.
Result<void> Node::Parts::recover_decision(const model::Decision& decision) {
    const auto& block = decision.block;
    if (block.slot != followed.next()) return success();
    const auto known = ChainReader(key_value).decision(block.slot);
    if (!known.ok() && !is_own_damage(known.error())) return known.error();
    StoredDecision derived = stored_with(decision);
    const bool is_stored = known.ok() && *known && **known == derived;
    if (!is_stored) {
        note_decision_altered(block.slot, !known.ok() || *known);
        store_decision(std::move(derived));
        return success();
    }
    take_stored(derived);
    return success();
}

/// A crash takes away the newest ones alone.
void Node::Parts::note_decision_altered(Slot slot, bool is_there) {
    constexpr size_t notes_max = 100;
    if (!is_there) {
        const auto next = ChainReader(key_value).decision(slot.next());
        if (next.ok() && !*next) return;
    }
    ++counters["damages_found"];
    if (opening_notes.size() < notes_max)
        opening_notes.push_back("the decision of slot " + std::to_string(slot.value) + " was " +
                                (is_there ? "altered" : "missing") +
                                " on this disk; it is put back from the journal");
}

/// A decision is durable before it is followed. So a ledger that stands beyond was not there, and
/// would wait, and leave out what comes meanwhile; unless this is the true journal of a participant
/// that went on without it, and put it back.
Result<void> Node::Parts::check_marks() {
    if (is_journal_lost()) return success();
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        const Slot slot = pipeline.mark(ledger).slot;
        if (slot <= followed || is_decided(slot)) continue;
        CHECK(erase_ledger(key_value, ledger));
        CHECK(pipeline.reopen(ledger));
        note_mark_altered(ledger);
    }
    return success();
}

/// What is compared and attested at the start must lie here as it was executed: this participant
/// would dispute a true certificate for the sake of an altered block.
Result<void> Node::Parts::check_newest(LedgerIndex ledger) {
    const ChainReader stored(key_value);
    const LedgerMark& mark = pipeline.mark(ledger);
    if (!pipeline.has_genesis(ledger)) return success();
    TRY(certified_height, stored.last_certified(ledger, mark.height));
    const Height from = std::min(certified_height.value_or(mark.height),
                                 std::min(carried[ledger.value], mark.height));
    mend_certificates(ledger, from);
    std::optional<Hash> parent;
    Height height = std::max(from, mark.history);
    for (bool fits = true; fits && height <= mark.height; height = height.next()) {
        const auto block = stored.block(ledger, height);
        if (!block.ok() && !is_own_damage(block.error())) return block.error();
        fits = block.ok() && *block && (*block)->header.ledger == ledger &&
               (*block)->header.height == height && check_block(**block, mark.history).ok() &&
               (!parent || (*block)->header.parent == *parent);
        parent.reset();
        if (fits) parent = (*block)->header.hash();
    }
    if (parent == mark.header) return success();
    Damage damage;
    damage.kind = Damage::Kind::ledger;
    damage.ledger = ledger;
    damage.height = mark.height;
    damage.detail = "its newest blocks do not lead to where it stood";
    begin_quarantine(damage);
    remake(ledger);
    return success();
}

/// Headers are chained, so the highest block that has a certificate answers for all below it.
Result<void> Node::Parts::compare_stored() {
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i)
        CHECK(compare_stored(LedgerIndex{uint16_t(i)}));
    return success();
}

Result<void> Node::Parts::compare_stored(LedgerIndex ledger) {
    const ChainReader stored(key_value);
    const LedgerMark& mark = pipeline.mark(ledger);
    std::optional<Hash> own;
    std::optional<model::BlockCertificate> certificate;
    TRY(height, stored.last_certified(ledger, mark.height));
    if (height && *height >= mark.history) {
        TRY(found, stored.certificate(ledger, *height));
        certificate = std::move(found);
        TRY(block, stored.block(ledger, *height));
        if (!block) return fail(ports::KeyValueError::damaged, "an executed block is missing");
        own = block->header.hash();
    }
    proving::Effects out;
    proving->on_stored(ledger, mark.height, own, certificate, out);
    take(out);
    return success();
}

/// A block may have been executed and written before a crash lost its attestation: the machine is
/// told again of every executed block whose certificate is not carried yet, and signs what it has
/// not signed.
Result<void> Node::Parts::attest_again(model::Now at) {
    now = at;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i)
        CHECK(attest_again(LedgerIndex{uint16_t(i)}));
    return success();
}

Result<void> Node::Parts::attest_again(LedgerIndex ledger) {
    // Once it is whole, or what it executed gives way to what it loads.
    if (quarantine.is_quarantined(ledger) || sync.owns(ledger)) return success();
    CHECK(check_newest(ledger));
    if (quarantine.is_quarantined(ledger) || sync.owns(ledger)) return success();
    const ChainReader stored(key_value);
    const LedgerMark& mark = pipeline.mark(ledger);
    // What was loaded was not executed here, and is not attested.
    for (Height height = std::max(carried[ledger.value], mark.history).next();
         height <= mark.height; height = height.next()) {
        TRY(block, stored.block(ledger, height));
        if (!block) return fail(ports::KeyValueError::damaged, "an executed block is missing");
        proving::Effects out;
        proving->on_executed(ledger, block->header, block->execution_digest, now, out);
        take(out);
    }
    return success();
}

}  // namespace tally::node
