#include "sim/state_checker.hpp"

#include "ledger/result_code.hpp"

namespace tally::sim {
namespace {

/// Codes below 10 are skips: the transaction was not executed there.
bool was_executed(uint16_t code) {
    return code == 0 || (code >= 10 && code < 100);
}

std::string place_text(LedgerIndex ledger, Height height) {
    return std::string(ledger_names[ledger.value]) + "/" + std::to_string(height.value);
}

}  // namespace

void BlocksChecker::on_stored(Participant participant, const ports::WriteBatch& batch) {
    const bool diverges = scenario_.diverges_at(participant) > 0;
    for (const auto& write : batch.writes()) {
        if (write.map != ports::Map::blocks || !write.value) continue;
        const auto block = cbor::decode<node::StoredBlock>(*write.value);
        if (block.ok() && !diverges) on_block(participant, *block);
        const auto certificate = cbor::decode<model::BlockCertificate>(*write.value);
        if (certificate.ok()) on_certificate(participant, *certificate);
    }
}

void BlocksChecker::on_signed(Participant participant, ByteView statement, const Signature&) {
    const auto said = read_said(statement);
    if (said && said->kind == model::Statement::dispute && scenario_.diverges_at(participant) == 0)
        findings_.add("nobody disputes without reason", name_of(participant));
}

void BlocksChecker::on_certificate(Participant participant,
                                   const model::BlockCertificate& certificate) {
    const std::string where =
        name_of(participant) + " at " + place_text(certificate.ledger, certificate.height);
    bool is_enough = false;
    std::string found;
    for (const auto& set : epochs_.all()) {
        std::set<Participant> provers;
        for (const auto& part : certificate.parts) {
            const model::Attestation said{certificate.ledger, certificate.height,
                                          certificate.attempt, certificate.header, part.tag};
            if (!model::check_signature(set, verifier_, said, part.signer, part.signature))
                continue;
            provers.insert(part.signer);
            found += ", " + name_of(part.signer) + " in epoch " + std::to_string(set.epoch.value);
        }
        // All participants prove the ledgers of the workload.
        is_enough = is_enough || 2 * provers.size() > set.count();
    }
    if (!is_enough) findings_.add("more than half certify", where + found);
    const auto [known, is_new] =
        certified_.try_emplace({certificate.ledger, certificate.height}, certificate.header);
    if (!is_new && known->second != certificate.header)
        findings_.add("one header is certified", where);
    const auto& blocks = chain(certificate.ledger);
    const auto block = blocks.find(certificate.height);
    if (block != blocks.end() && block->second.header.hash() != certificate.header)
        findings_.add("what is certified was executed", where);
}

namespace {

/// In words, for whoever looks for the reason.
std::string difference_of(const node::StoredBlock& first, const node::StoredBlock& other) {
    const auto& a = first.header;
    const auto& b = other.header;
    std::string text;
    const auto compare = [&](bool same, const char* name) {
        if (!same) text += std::string(text.empty() ? "" : ", ") + name;
    };
    compare(a.parent == b.parent, "parent");
    compare(a.slot == b.slot && a.time == b.time, "slot");
    compare(a.manifest_root == b.manifest_root, "manifest");
    compare(a.list_root == b.list_root, "list");
    compare(a.results_root == b.results_root, "results");
    compare(a.state_before == b.state_before, "state before");
    compare(a.state_after == b.state_after, "state after");
    compare(a.trace_root == b.trace_root, "trace");
    for (size_t i = 0; i < std::min(first.manifest.size(), other.manifest.size()); ++i) {
        if (first.manifest[i] == other.manifest[i]) continue;
        const auto& entry = first.manifest[i];
        text += "; batch " + std::to_string(entry.height.value) + " of lane " +
                std::to_string(entry.lane.value) + (entry.is_void ? " is void" : " is not void");
        break;
    }
    return text;
}

}  // namespace

void BlocksChecker::on_block(Participant participant, const node::StoredBlock& block) {
    const model::LedgerHeader& header = block.header;
    if (header.ledger.value >= ledger_count)
        return findings_.add("headers are equal", "a block of no ledger");
    const std::string where =
        name_of(participant) + " at " + place_text(header.ledger, header.height);
    auto& chain = chains_[header.ledger];
    const auto [found, is_new] = chain.try_emplace(header.height, block);
    if (!is_new) {
        if (found->second.header.hash() != header.hash())
            findings_.add("headers are equal", where + " another header than elsewhere: " +
                                                   difference_of(found->second, block));
        return;
    }
    const auto before = found == chain.begin() ? chain.end() : std::prev(found);
    if (header.height.value > 0) {
        if (before == chain.end() || before->first.next() != header.height)
            return findings_.add("heights have no gaps", where);
        if (header.parent != before->second.header.hash() ||
            header.state_before != before->second.header.state_after)
            findings_.add("headers are chained", where);
    }
    uint32_t index = 0;
    for (const auto& result : block.results) {
        const uint32_t at = index++;
        if (!was_executed(result.code)) continue;
        const auto [place, is_first] =
            executed_.try_emplace({header.ledger, result.transaction}, Place{header.height, at});
        if (!is_first)
            findings_.add("a transaction takes effect once",
                          where + " and at " + place_text(header.ledger, place->second.first) +
                              ": transaction " + short_hex(result.transaction));
    }
}

std::optional<BlocksChecker::Place> BlocksChecker::place_of(LedgerIndex ledger,
                                                            const Hash& id) const {
    const auto found = executed_.find({ledger, id});
    if (found == executed_.end()) return {};
    return found->second;
}

std::optional<uint16_t> BlocksChecker::code_at(LedgerIndex ledger, Place place) const {
    const auto& blocks = chain(ledger);
    const auto block = blocks.find(place.first);
    if (block == blocks.end() || place.second >= block->second.results.size()) return {};
    return block->second.results[place.second].code;
}

void BlocksChecker::give_up_after(Slot last) {
    for (auto& [ledger, chain] : chains_)
        std::erase_if(chain, [&](const auto& block) { return block.second.header.slot > last; });
    const auto is_gone = [&](LedgerIndex ledger, Height height) {
        return !chain(ledger).contains(height);
    };
    std::erase_if(executed_,
                  [&](const auto& one) { return is_gone(one.first.first, one.second.first); });
    std::erase_if(certified_,
                  [&](const auto& one) { return is_gone(one.first.first, one.first.second); });
}

void ClientsChecker::give_up() {
    std::erase_if(told_, [&](const auto& one) {
        const LedgerIndex ledger = asked_.at(one.first).first;
        return one.second.status.executed &&
               !blocks_.chain(ledger).contains(one.second.status.height);
    });
}

void ClientsChecker::on_reply(Participant by, uint64_t request, const node::Response& response) {
    const auto* result = std::get_if<Result<node::TransactionStatus>>(&response);
    const auto asked = asked_.find(request);
    if (!result || !result->ok() || asked == asked_.end()) return;
    const node::TransactionStatus& status = result->value();
    if (status.transaction != asked->second.second)
        return findings_.add("replies answer the request", name_of(by));
    if (status.level >= node::Level::certified && status.executed) ++certified_;
    Told& told = told_[request];
    if (told.status.known && told.status.level > status.level) return;
    told = {by, status};
}

void ClientsChecker::at_end() {
    for (const auto& [request, told] : told_) {
        if (!told.status.executed) continue;
        const auto& [ledger, transaction] = asked_.at(request);
        const auto place = blocks_.place_of(ledger, transaction);
        const std::string what = name_of(told.by) + " said transaction " + short_hex(transaction) +
                                 " is at " + place_text(ledger, told.status.height);
        if (!was_executed(told.status.code)) {
            // A skip: the block said so, whatever became of the transaction elsewhere.
            if (blocks_.code_at(ledger, {told.status.height, told.status.index}) !=
                told.status.code)
                findings_.add("what was acknowledged stays", what + ", skipped");
            continue;
        }
        if (!place || place->first != told.status.height || place->second != told.status.index ||
            blocks_.code_at(ledger, *place) != told.status.code)
            findings_.add("what was acknowledged stays",
                          what + (place ? ", it is elsewhere" : ", it is nowhere"));
    }
}

std::vector<Arrival> ClientsChecker::arrivals() const {
    std::vector<Arrival> all;
    for (const auto& [transaction, first] : came_) {
        const auto& [ledger, id] = transaction;
        if (const auto place = blocks_.place_of(ledger, id))
            all.push_back({ledger, first.first, first.second, place->first, place->second});
    }
    return all;
}

}  // namespace tally::sim
