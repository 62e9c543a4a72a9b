// What the machines ask for, and who is told.
#include "ledger/result_code.hpp"
#include "node/parts.hpp"

namespace tally::node {

template <class List>
void Node::Parts::take(List& list) {
    for (auto& effect : list.list) std::visit([&](auto& one) { take_one(one); }, effect);
    list.list.clear();
}
template void Node::Parts::take(ordering::Effects&);
template void Node::Parts::take(availability::Effects&);
template void Node::Parts::take(proving::Effects&);
template void Node::Parts::take(availability::RebuilderEffects&);

void Node::Parts::take_one(model::Save& save) {
    journal->append(uint8_t(save.record->index()), cbor::encode(*save.record));
    outbox.on_append();
    own_places.note(*save.record);
    latest_signed.see(*save.record);
}

void Node::Parts::take_one(model::Send& message) {
    const auto bytes = std::make_shared<const Bytes>(model::encode_message(*message.message));
    for (const Participant to : others) {
        if (message.to && *message.to != to) continue;
        outbox.put(Effect{SendPeer{to, bytes}});
    }
}

void Node::Parts::send(Participant to, const model::Message& message) {
    if (to == self.index) return;
    outbox.put(Effect{SendPeer{to, std::make_shared<const Bytes>(model::encode_message(message))}});
}

void Node::Parts::take_one(ordering::Decided& decided) {
    outbox.put(decided.decision);
}

void Node::Parts::take_one(availability::Certified& certified_batch) {
    const auto& certificate = certified_batch.certificate;
    lanes_left.on_known(certificate.lane, certificate.height, now.monotonic_us);
    ordering::Effects out;
    ordering->on_lane_certificate(certificate, now, out);
    take(out);
}

void Node::Parts::take_one(availability::BatchHeld& held) {
    const auto& batch = *held.batch;
    ports::WriteBatch writes;
    put_body(writes, {batch.header, batch.bytes});
    write(writes);
    batches_to_heal.erase({batch.header.lane, batch.header.height});
    begin_epoch_if_reached();
    PipelineOutput out;
    pipeline.on_batch(batch.header, batch.header_hash, batch.bytes, batch.is_void, out);
    take(out);
}

void Node::Parts::take_one(availability::CellsHeld& held) {
    ports::WriteBatch writes;
    put_cells(writes, held.cells);
    write(writes);
}

void Node::Parts::take_one(proving::BlockCertified& block) {
    const auto& certificate = block.certificate;
    // Not yet: the own attestation in it may still be lost with the journal's end, and a database
    // that held it would show a journal that lacks what it signed.
    outbox.put(std::make_shared<const model::BlockCertificate>(certificate));
    auto& highest = certified[certificate.ledger.value];
    if (certificate.height > highest) highest = certificate.height;
    raise_waiters(certificate.ledger);
    ordering::Effects out;
    ordering->on_block_certificate(certificate, now, out);
    take(out);
}

void Node::Parts::store_certificate(const model::BlockCertificate& certificate) {
    ports::WriteBatch writes;
    put_certificate(writes, certificate);
    write(writes);
}

void Node::Parts::take_one(proving::Disputed& disputed) {
    ordering::Effects out;
    ordering->on_dispute(disputed.dispute, now, out);
    take(out);
}

void Node::Parts::take_one(proving::Diverged& diverged) {
    log(Log::Level::error,
        "ledger " + charter->body.ledgers[diverged.ledger.value].name +
            ": the own result at height " + std::to_string(diverged.height.value) +
            " is not the certified one; nothing more is attested, and the ledger is "
            "executed again from the charter",
        "ledger_diverged",
        {{"ledger", charter->body.ledgers[diverged.ledger.value].name},
         {"height", std::to_string(diverged.height.value)}});
    waiters.on_undone(diverged.ledger, proving->agreed_height(diverged.ledger));
    forget_words(diverged.ledger);
    if (sync.owns(diverged.ledger)) return;  // Its state is being replaced.
    restart(diverged.ledger);
}

void Node::Parts::take(PipelineOutput& output) {
    for (auto& work : output.work) effects->push_back(StartWork{next_work++, std::move(work)});
    for (const auto& failure : output.failures) {
        ++counters["pipeline_failures"];
        log(Log::Level::error, failure, "ledger_failed");
    }
    if (output.wants_more) ask_batches_at_us = now.monotonic_us;
    if (output.cannot_store && !canaries.ignore_failed_write) halt(output.cannot_store->message());
    for (const Damage& damage : output.damages) on_stopped(damage);
    for (const auto& [slot, transaction, by] : output.false_words) {
        ++counters["false_words_on_boxes"];
        const std::string name(epochs.body_at(slot).participants[by.value].name);
        log(Log::Level::warning,
            name + " said that its box in the sealed transaction " + transaction.hex() +
                " is bad, and it is not",
            "false_word_on_box", {{"peer", name}, {"transaction", transaction.hex()}});
    }
    for (auto& block : output.executed) {
        if (block.header.height.value == 0)
            continue;  // Genesis is in the charter: nobody votes on it.
        ++counters["blocks_executed"];
        counters["transactions_executed"] += block.results.size();
        proving::Effects out;
        proving->on_executed(block.ledger, block.header, block.execution_digest, now, out);
        take(out);
        tell_waiters(block);
    }
    for (const auto& sealed : output.sealed) begin_to_open(sealed);
    begin_epoch_if_reached();
    forget_opening_keys();
    if (charter->now().parameters.hold_us > 0) want_slot();
}

/// After the block was compared: of one that is not the certified one nothing is told.
void Node::Parts::tell_waiters(const PipelineOutput::Executed& block) {
    const auto* certificate = proving->certificate(block.ledger, block.header.height);
    if (certificate != nullptr && certificate->header != block.header.hash()) return;
    raise_waiters(block.ledger);  // It may be what vouches for those below.
    Effects answers;
    for (const auto& result : block.results) {
        if (!waiters.wants(block.ledger, result.id)) continue;
        const bool is_duplicate = result.code == uint16_t(ledger::ResultCode::duplicate);
        // Neither says anything of the transaction that counts.
        if (is_duplicate || !(is_executed(result.code) || is_skipped(result.code))) continue;
        TransactionStatus status;
        status.transaction = result.id;
        status.known = true;
        status.level = Level::ordered;
        status.height = block.header.height;
        status.index = result.index;
        status.executed = true;
        status.code = result.code;
        status.explanation = result.explanation();
        for (const auto& [name, subject] : result.assigned)
            status.assigned.emplace_back(name, subject.value);
        raise_level(block.ledger, status);
        waiters.on_executed(block.ledger, status, answers);
    }
    for (auto& answer : answers) outbox.put(std::move(answer));
}

void Node::Parts::log(Log::Level level, std::string text, std::string_view event,
                      LogFields fields) {
    if (effects != nullptr)
        effects->push_back(Log{level, std::move(text), event, std::move(fields)});
}

void Node::Parts::write(const ports::WriteBatch& batch) {
    const auto written = key_value.write(batch);
    if (!written.ok() && !canaries.ignore_failed_write) halt(written.error().message());
}

void Node::Parts::halt(const std::string& why) {
    if (halted) return;
    halted = true;
    halt_reason = why;
    if (effects != nullptr) effects->push_back(Halt{halt_reason});
}

}  // namespace tally::node
