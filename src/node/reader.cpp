#include "node/reader.hpp"

#include <charconv>

#include "ledger/execution.hpp"
#include "ledger/result_code.hpp"
#include "ledger/subject.hpp"
#include "node/reader_view.hpp"
#include "query/query.hpp"

namespace tally::node {

namespace bj = boost::json;

ErrorText describe(ReadError error) {
    switch (error) {
    case ReadError::unknown_ledger:
        return {"unknown_ledger", "this network has no such ledger",
                "`tally status` lists its ledgers"};
    case ReadError::unknown_block:
        return {"unknown_block", "this participant has no such block (yet)",
                "Ask again in a moment, for a lower block, or another participant"};
    case ReadError::unknown_subject:
        return {"unknown_subject", "there is no such subject that you may read",
                "Check its name; if the public may not see it, say who you are (--key FILE, or a "
                "Bearer token)"};
    case ReadError::unknown_transaction:
        return {"unknown_transaction", "this participant has not executed such a transaction",
                "It may still be under way: ask again, or ask another participant"};
    case ReadError::bad_subject:
        return {"bad_subject", "this does not name a subject",
                "Give its number, or a unique pair such as package/name=zlib1g"};
    case ReadError::not_permitted:
        return {"not_permitted", "you may not read this", "Identify yourself"};
    case ReadError::not_certified:
        return {"not_certified", "no certificate for this block is known yet",
                "Ask again in a moment"};
    }
    std::abort();
}

namespace {

/// By the names of now: of who left none is given.
bj::array signers_of(const model::Charter& charter, const model::BlockCertificate& certificate) {
    const auto& participants = charter.now().participants;
    bj::array names;
    for (const auto& part : certificate.parts) {
        if (part.signer.value < participants.size())
            names.emplace_back(std::string_view(participants[part.signer.value].name));
    }
    return names;
}

/// What others' signatures say of an own block: a certificate counts only if it is of an own
/// header, for a participant that diverged holds certificates of another chain.
struct Standing {
    bool certified = false;
    std::optional<Slot> carried;  ///< the slot that carries such a certificate
};

Result<bool> is_own(const ChainReader& stored, const StoredBlock& block,
                    const model::BlockCertificate& certificate) {
    if (certificate.height == block.header.height) return certificate.header == block.header.hash();
    TRY(above, stored.block(certificate.ledger, certificate.height));
    return above && above->header.hash() == certificate.header;
}

Result<Standing> standing_of(const ChainReader& stored, const StoredBlock& block) {
    const LedgerIndex ledger = block.header.ledger;
    const Height height = block.header.height;
    Standing standing;
    TRY(certificate, stored.certificate_from(ledger, height));
    if (!certificate) return standing;
    TRY(own, is_own(stored, block, *certificate));
    standing.certified = own;
    TRY(carried, stored.carried_from(ledger, height));
    if (!own || !carried) return standing;
    TRY(carried_certificate, stored.certificate(ledger, carried->first));
    if (!carried_certificate) return standing;
    TRY(carried_own, is_own(stored, block, *carried_certificate));
    if (carried_own) standing.carried = carried->second;
    return standing;
}

}  // namespace

Result<SubjectName> find_subject(const ReaderView& view, std::string_view text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        if (number > ledger::subject_max) return ReadError::bad_subject;
        const ledger::SubjectId subject{number};
        return SubjectName{ledger::collection_of(subject), {}, subject};
    }
    const size_t equals = text.find('=');
    if (equals == text.npos) return ReadError::bad_subject;
    const auto* predicate = view.schema->predicate(text.substr(0, equals));
    if (predicate == nullptr || !predicate->unique)
        return fail(ReadError::bad_subject, std::string(text.substr(0, equals)) + " is not unique");
    const auto* collection = view.schema->collection(predicate->collection);
    if (collection == nullptr || !view.permissions.may_read(collection->name, predicate->name))
        return ReadError::unknown_subject;
    TRY(filter, query::parse_filter(text.substr(text.find('/') + 1), *collection));
    TRY(found, ledger::find_unique(*view.state, *predicate, filter.value));
    return SubjectName{collection->id, SubjectName::Lookup{predicate->id, std::move(filter.value)},
                       found};
}

Reads::Reads(std::shared_ptr<const model::Charter> charter, const ports::KeyValue& key_value,
             OnDamage on_damage)
    : charter_(std::move(charter)),
      network_(model::network_id_of(charter_->body)),
      key_value_(key_value),
      on_damage_(std::move(on_damage)) {}

Result<std::optional<StoredBlock>> Reads::block_of(const ports::Reader& snapshot,
                                                   LedgerIndex ledger, Height height) const {
    auto block = ChainReader(snapshot).block(ledger, height);
    TRY(mark, ChainReader(snapshot).mark(ledger));
    auto checked =
        block.ok() && *block ? check_block(**block, mark ? mark->history : Height{}) : success();
    if (block.ok() && checked.ok() && *block) {
        const auto root = checked_root(ChainReader(snapshot), ledger, height);
        if (!root.ok()) checked = root.error();
    }
    if (block.ok() && checked.ok()) return block;
    const Error& error = block.ok() ? checked.error() : block.error();
    if (!is_own_damage(error)) return error;
    Damage damage;
    damage.kind = Damage::Kind::ledger;
    damage.ledger = ledger;
    damage.height = height;
    damage.detail = error.message();
    if (on_damage_) on_damage_(damage);
    return fail(StateViewError::altered, "block " + std::to_string(height.value));
}

Result<ReaderView> Reads::open(std::string_view ledger, std::optional<Height> at,
                               std::string_view reader) const {
    ReaderView view;
    const auto index = charter_->ledger(ledger);
    if (!index) return fail(ReadError::unknown_ledger, std::string(ledger));
    view.ledger = *index;
    view.snapshot = key_value_.snapshot();
    TRY(mark, ChainReader(*view.snapshot).mark(view.ledger));
    if (!mark) return fail(ReadError::unknown_block, "the ledger is being set up");
    view.height = at.value_or(mark->height);
    if (view.height > mark->height)
        return fail(ReadError::unknown_block, std::to_string(view.height.value) + " is above " +
                                                  std::to_string(mark->height.value));
    if (view.height < mark->history)
        return fail(ReadError::unknown_block, std::to_string(view.height.value) +
                                                  " is older than what is here: its history "
                                                  "begins at block " +
                                                  std::to_string(mark->history.value));
    // Permission is judged by the newest block: who may no longer read may not read the past
    // either.
    TRY(newest, open_checked_state(*view.snapshot, view.ledger, mark->height, on_damage_));
    if (newest == nullptr) return fail(StateViewError::altered, "the newest block is missing");
    TRY(permissions, ledger::Permissions::of_reader(*newest, reader));
    view.permissions = std::move(permissions);
    if (view.height == mark->height) {
        view.state = std::move(newest);
    } else {
        TRY(state, open_checked_state(*view.snapshot, view.ledger, view.height, on_damage_));
        if (state == nullptr)
            return fail(ReadError::unknown_block,
                        std::to_string(view.height.value) + " is not held here");
        view.state = std::move(state);
    }
    TRY(schema, ledger::Schema::load(*view.state));
    view.schema = std::move(schema);
    return view;
}

Result<bool> Reads::knows(std::string_view ledger, std::string_view did) const {
    const auto index = charter_->ledger(ledger);
    if (!index) return fail(ReadError::unknown_ledger, std::string(ledger));
    const auto snapshot = key_value_.snapshot();
    TRY(mark, ChainReader(*snapshot).mark(*index));
    if (!mark) return fail(ReadError::unknown_block, "the ledger is being set up");
    TRY(newest, open_checked_state(*snapshot, *index, mark->height, on_damage_));
    if (newest == nullptr) return fail(StateViewError::altered, "the newest block is missing");
    TRY(permissions, ledger::Permissions::of_identity(*newest, did));
    return permissions.has_value();
}

Result<void> Reads::check_reads_everything(std::string_view reader) const {
    for (const auto& ledger : charter_->body.ledgers) {
        TRY(view, open(ledger.name, {}, reader));
        if (!view.permissions.may_read_everything())
            return fail(ReadError::not_permitted,
                        "batches show every field of every ledger, and of " +
                            std::string(ledger.name) + " you may not read all");
    }
    return success();
}

Result<bj::object> Reads::subject(std::string_view ledger, std::string_view subject,
                                  std::optional<Height> at, std::string_view reader) const {
    TRY(view, open(ledger, at, reader));
    TRY(name, find_subject(view, subject));
    if (!name.subject) return ReadError::unknown_subject;
    TRY(found, ledger::subject_to_json(*view.state, *view.schema, *name.subject, view.permissions));
    if (!found) return ReadError::unknown_subject;
    return bj::object{
        {"ledger", ledger}, {"block", view.height.value}, {"subject", std::move(*found)}};
}

Result<bj::object> Reads::query(std::string_view ledger, const bj::value& query,
                                std::optional<Height> at, std::string_view reader) const {
    TRY(view, open(ledger, at, reader));
    TRY(numbered, with_numbers(view, query));
    TRY(parsed, query::parse_query(numbered, *view.schema));
    TRY(answer, query::run(*view.state, *view.schema, view.permissions, parsed));
    return bj::object{{"ledger", ledger},
                      {"block", view.height.value},
                      {"rows", std::move(answer.rows)},
                      {"more", answer.more},
                      {"scanned", answer.scanned}};
}

Result<bj::object> Reads::transaction(std::string_view ledger, const Hash& id) const {
    const auto index = charter_->ledger(ledger);
    if (!index) return fail(ReadError::unknown_ledger, std::string(ledger));
    const auto snapshot = key_value_.snapshot();
    const ChainReader stored(*snapshot);
    TRY(place, stored.transaction(*index, id));
    if (!place) return fail(ReadError::unknown_transaction, id.hex());
    TRY(block, block_of(*snapshot, *index, place->height));
    if (!block || place->index >= block->results.size() ||
        block->results[place->index].transaction != id)
        return fail(StateViewError::altered, "where the transaction is");
    TRY(result, ledger::decode_result_leaf(block->results[place->index].leaf));
    TRY(standing, standing_of(stored, *block));
    bj::array subjects;
    for (const auto subject : result.subjects) subjects.emplace_back(subject.value);
    const std::string_view level = standing.carried     ? "final"
                                   : standing.certified ? "certified"
                                                        : "ordered";
    const auto text = ledger::describe_result(result.code);
    std::string explanation;
    if (!result.applied()) {
        TRY(state, open_checked_state(*snapshot, *index, block->header.height, on_damage_));
        if (state == nullptr) return fail(StateViewError::altered, "a block is missing");
        TRY(schema, ledger::Schema::load(*state));
        explanation = result.explanation(schema.get());
    }
    bj::object json{{"transaction", id.hex()},
                    {"ledger", ledger},
                    {"level", level},
                    {"height", place->height.value},
                    {"index", place->index},
                    {"slot", block->header.slot.value},
                    {"time_us", block->header.time.value},
                    {"outcome", result.applied() ? "applied" : "rejected"},
                    {"applied", result.applied()},
                    {"code", result.code},
                    {"result", text ? text->code : std::string_view("unknown")},
                    {"explanation", std::move(explanation)},
                    {"fuel", result.fuel},
                    {"subjects", std::move(subjects)}};
    const auto opening = std::find_if(block->openings.begin(), block->openings.end(),
                                      [&](const auto& one) { return one.index == place->index; });
    if (opening != block->openings.end())
        json["sealing_key"] = opening->key ? bj::value(to_hex(*opening->key)) : bj::value();
    return json;
}

Result<bj::object> Reads::block(std::string_view ledger, std::optional<Height> height) const {
    const auto index = charter_->ledger(ledger);
    if (!index) return fail(ReadError::unknown_ledger, std::string(ledger));
    const auto snapshot = key_value_.snapshot();
    const ChainReader stored(*snapshot);
    if (!height) {
        TRY(mark, stored.mark(*index));
        if (!mark) return fail(ReadError::unknown_block, "the ledger is being set up");
        height = mark->height;
    }
    TRY(block, block_of(*snapshot, *index, *height));
    if (!block) return fail(ReadError::unknown_block, std::to_string(height->value));
    const auto& header = block->header;
    if (block->results.size() != header.results_count)
        return fail(ReadError::unknown_block, "of block " + std::to_string(height->value) +
                                                  " only the header is here: its state was loaded");
    bj::array transactions;
    for (const auto& result : block->results)
        transactions.push_back({{"transaction", result.transaction.hex()}, {"code", result.code}});
    bj::object json{{"ledger", ledger},
                    {"height", header.height.value},
                    {"header", header.hash().hex()},
                    {"parent", header.parent.hex()},
                    {"slot", header.slot.value},
                    {"time_us", header.time.value},
                    {"state", header.state_after.hex()},
                    {"segments", header.segments},
                    {"transaction_count", block->results.size()},
                    {"transactions", std::move(transactions)}};
    TRY(certificate, stored.certificate(*index, *height));
    if (certificate && certificate->header == header.hash())
        json["signed_by"] = signers_of(*charter_, *certificate);
    TRY(standing, standing_of(stored, *block));
    json["level"] = height->value == 0   ? "charter"
                    : standing.carried   ? "final"
                    : standing.certified ? "certified"
                                         : "ordered";
    if (standing.carried) json["carried_in_slot"] = standing.carried->value;
    return json;
}

Result<bj::array> Reads::blocks(std::string_view ledger, Height from, uint32_t count) const {
    bj::array list;
    if (const auto index = charter_->ledger(ledger)) {
        TRY(mark, ChainReader(key_value_).mark(*index));
        if (mark && mark->history.value > 0) from = std::max(from, mark->history.next());
    }
    for (Height height = from; list.size() < count; height = height.next()) {
        auto one = block(ledger, height);
        if (!one.ok()) {
            if (one.error().is(ReadError::unknown_block)) break;
            return std::move(one).error();
        }
        one->erase("transactions");
        list.push_back(std::move(*one));
    }
    return list;
}

}  // namespace tally::node
