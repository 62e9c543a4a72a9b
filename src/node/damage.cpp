#include "node/damage.hpp"

#include "ledger/keys.hpp"

namespace tally::node {
namespace {

std::string name_of(ledger::CollectionId id, const ledger::Schema* schema) {
    const auto* collection = schema == nullptr ? nullptr : schema->collection(id);
    return collection == nullptr ? "collection " + std::to_string(id.value) : collection->name;
}

std::string name_of(ledger::PredicateId id, const ledger::Schema* schema) {
    const auto* predicate = schema == nullptr ? nullptr : schema->predicate(id);
    if (predicate == nullptr) return "predicate " + std::to_string(id.value);
    return name_of(predicate->collection, schema) + "/" + predicate->name;
}

std::string text_of(ledger::SubjectId subject) {
    return std::to_string(subject.value);
}

}  // namespace

std::string describe_key(ByteView key, const ledger::Schema* schema) {
    using ledger::KeyKind;
    const auto predicate = [&] {
        return name_of(ledger::PredicateId{read_u32(key.subspan(1))}, schema);
    };
    const auto collection = [&] {
        return name_of(ledger::CollectionId{uint16_t(key[1] << 8 | key[2])}, schema);
    };
    const uint8_t kind = key.empty() ? 0 : key[0];
    if (const auto subject = ledger::subject_of_row_key(key))
        return name_of(ledger::collection_of(*subject), schema) + " " + text_of(*subject);
    if (kind == uint8_t(KeyKind::counter) && key.size() == 3) return "counter of " + collection();
    if (kind == uint8_t(KeyKind::sheet) && key.size() == 3) return "sheet of " + collection();
    if (kind == uint8_t(KeyKind::index) && key.size() > 13) {
        if (const auto subject = ledger::last_subject_of_key(key))
            return "index " + predicate() + " of " + text_of(*subject);
    }
    if (kind == uint8_t(KeyKind::unique) && key.size() > 5) return "unique value of " + predicate();
    if (const auto reverse = ledger::reverse_of_key(key))
        return "reference " + name_of(reverse->predicate, schema) + " of " +
               text_of(reverse->source) + " to " + text_of(reverse->target);
    if (const auto entry = ledger::transaction_of_key(key)) return "transaction " + entry->id.hex();
    if (equal(key, ledger::schema_version_key())) return "schema version";
    return "key " + to_hex(key);
}

std::string_view text_of(Altered::How how) {
    switch (how) {
    case Altered::How::changed: return "altered";
    case Altered::How::missing: return "missing";
    case Altered::How::added: return "not of this state";
    }
    std::abort();
}

}  // namespace tally::node
