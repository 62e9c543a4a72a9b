#include "sim/served.hpp"

#include "ledger/row.hpp"
#include "ledger/snapshot.hpp"
#include "sim/workload.hpp"

namespace tally::sim {
namespace {

constexpr const char* rule = "nothing altered is served";
constexpr uint64_t reads_of_each = 40;
constexpr int values_of_each_read = 6;

/// The root of the tree that these values make; nothing if they make none.
template <class State>
std::optional<Hash> root_of(const State& state) {
    const tree::NoPages none;
    tree::Tree tree(none);
    for (const auto& [key, value] : state) {
        const auto commitment = ledger::commitment_of(key, value);
        if (!commitment.ok() || !tree.put(key, commitment->length, commitment->hash).ok())
            return {};
    }
    return tree.root();
}

}  // namespace

void ChunksChecker::on_sent(Participant from, Participant to, ByteView message,
                            const SavedSignatures&) {
    static const uint8_t chunk_kind = uint8_t(model::Message(model::StateChunk{}).index());
    if (kind_of_message(message) != chunk_kind) return;
    const auto decoded = model::decode_message(message);
    if (!decoded.ok()) return findings_.add(rule, name_of(from) + " sent no message");
    const auto& sent = std::get<model::StateChunk>(*decoded);
    const auto chunk = ledger::decode_snapshot_chunk(sent.chunk);
    if (!chunk.ok() || !ledger::check_snapshot_chunk(sent.header.state_after, *chunk).ok())
        findings_.add(rule, name_of(from) + " to " + name_of(to) + ", a chunk of the state at " +
                                std::string(ledger_names[sent.header.ledger.value]) + "/" +
                                std::to_string(sent.header.height.value));
}

void Readers::plan() {
    for (uint8_t i = 0; i < scenario_.participants; ++i) {
        const Participant who{i};
        if (!world_.is_honest(who) || scenario_.diverges_at(who) > 0) continue;
        for (uint64_t number = 0; number < reads_of_each; ++number) {
            const Random random(scenario_.seed, stream_of("reader", i, number));
            world_.at(Random(random).below(scenario_.unquiet_us),
                      [this, who, random] { read(who, random); });
        }
    }
}

void Readers::read(Participant who, Random random) {
    (void)random.next();  // It said when.
    if (world_.process(who) == nullptr) return;
    const auto& database = world_.key_value(who);
    const LedgerIndex ledger{uint16_t(random.below(ledger_count))};
    const auto mark = node::ChainReader(database).mark(ledger);
    if (!mark.ok() || !*mark || (*mark)->height < (*mark)->history) return;
    const Height height{random.between((*mark)->history.value, (*mark)->height.value)};
    const auto& chain = blocks_.chain(ledger);
    const auto block = chain.find(height);
    if (block == chain.end()) return;
    const auto state = node::open_checked_state(
        database, ledger, height, [&](const node::Damage& damage) { world_.notice(who, damage); });
    if (!state.ok() || *state == nullptr) return;
    const std::string where = name_of(who) + " at " + std::string(ledger_names[ledger.value]) +
                              "/" + std::to_string(height.value);
    const auto truth = truths_.find({ledger, height});
    if (truth == truths_.end() || random.chance(0.5))
        return read_whole(**state, where, block->second.header);
    read_values(**state, where, truth->second, random);
}

void Readers::read_whole(const node::CheckedState& state, const std::string& where,
                         const model::LedgerHeader& header) {
    State found;
    const auto scanned = state.scan({}, {}, [&](ByteView key, ByteView value) {
        found.emplace(copy_of(key), copy_of(value));
        return true;
    });
    if (!scanned.ok()) return;
    if (root_of(found) != header.state_after) return findings_.add(rule, where + ", to a reader");
    truths_.emplace(std::pair(header.ledger, header.height), std::move(found));
}

void Readers::read_values(const node::CheckedState& state, const std::string& where,
                          const State& truth, Random& random) {
    for (int i = 0; i < values_of_each_read; ++i) {
        auto place = truth.begin();
        std::advance(place, ptrdiff_t(random.below(truth.size())));
        Bytes key = place->first;
        const bool is_changed = random.chance(0.2);
        if (is_changed) key.back() ^= 1;
        const auto known = truth.find(key);
        const auto value = state.get(key);
        if (!value.ok()) continue;
        const bool is_true =
            known == truth.end() ? !value->has_value() : *value && equal(**value, known->second);
        if (!is_true) return findings_.add(rule, where + ", key " + to_hex(key));
    }
}

}  // namespace tally::sim
