#include "sim/workload.hpp"

#include <algorithm>

#include "sim/random.hpp"
#include "sim/sealed_orders.hpp"
#include "sim/weather.hpp"

namespace tally::sim {
namespace {

std::array<uint8_t, 32> seed_of(std::string_view purpose, uint64_t number) {
    return Hasher().add(view_of(purpose)).add_u64(number).finish().bytes;
}

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

/// Collections `item` and `log`; every known user may do all.
void add_genesis(model::LedgerEntry& ledger, const Users& users) {
    auto& genesis = ledger.genesis;
    genesis.push_back({R"({"_id":"_collection$item","name":"item"})"});
    genesis.push_back(
        {R"({"_id":"_predicate$key","name":"item/key","type":"string","unique":true,"required":true})"});
    genesis.push_back(
        {R"({"_id":"_predicate$value","name":"item/value","type":"int","index":true})"});
    genesis.push_back(
        {R"({"_id":"_rule$all","id":"all","collection":"*","predicates":["*"],"ops":["read","write"]})"});
    genesis.push_back({R"({"_id":"_role$writer","id":"writer","rules":["_rule$all"]})"});
    for (size_t user = 0; user < Users::known; ++user) {
        genesis.push_back({R"({"_id":"_auth$u)" + std::to_string(user) + R"(","id":)" +
                           quoted(users.dids[user]) + R"(,"roles":["_role$writer"]})"});
    }
}

std::string changes_of(const Order& order) {
    const std::string value = std::to_string(order.value);
    if (order.wish == Wish::update)
        return R"([{"_id":["item/key",)" + quoted(order.key) + R"(],"value":)" + value + "}]";
    return R"([{"_id":"item$1","key":)" + quoted(order.key) + R"(,"value":)" + value + "}]";
}

Wish draw_wish(Random& random) {
    if (random.chance(0.5)) return Wish::insert;
    return Wish(random.below(uint64_t(Wish::misplaced) + 1));
}

/// In half of the networks a fifth of what changes something is sealed.
Sealing draw_sealing(const Scenario& scenario, const Order& order) {
    Random random(scenario.seed, stream_of("sealed", order.number));
    const bool seals = hash(scenario.seed, stream_of("seals"), 0) % 2 == 0;
    if (!seals || order.wish > Wish::unknown_signer || !random.chance(0.2)) return Sealing::none;
    if (random.chance(0.5)) return Sealing::right;
    return Sealing(random.between(uint64_t(Sealing::copied), uint64_t(Sealing::no_changes)));
}

}  // namespace

Users::Users() {
    for (size_t user = 0; user <= known; ++user) {
        const auto seed = seed_of("simulated user", user);
        auto curve = Secp256k1Secret::from_bytes(seed);
        if (user + 1 == known && curve.ok()) {
            secrets.emplace_back(*curve);
        } else {
            secrets.emplace_back(Ed25519Secret::from_seed(seed));
        }
        dids.push_back(model::public_key_of(secrets.back()).did());
    }
}

model::ParticipantEntry make_entry(Participant who, const Ed25519Public& identity,
                                   const Ed25519Public& signing, const X25519Public& opening) {
    model::ParticipantEntry entry;
    entry.name = {"participant-" + std::to_string(who.value)};
    entry.identity_key = identity;
    entry.signing_key = signing;
    entry.opening_key = opening;
    entry.addresses.push_back({"sim:" + std::to_string(who.value)});
    return entry;
}

model::Charter make_charter(const Scenario& scenario, const Users& users,
                            const std::vector<model::ParticipantEntry>& entries) {
    model::Charter charter;
    model::CharterBody& body = charter.body;
    body.name = {"simulated " + std::to_string(scenario.seed)};
    body.genesis_time = {Weather::genesis_us - 1'000'000};
    body.parameters.view_timer_us = scenario.view_timer_us;
    // Few envelopes make a batch here: often even one is coded.
    const uint64_t forwarding = hash(scenario.seed, stream_of("forwarding"), 0);
    body.parameters.coded_bytes_min = forwarding % 3 == 0 ? 4'096 : 64;
    // Often batches are dropped while others are still behind.
    Random random(scenario.seed, stream_of("retention"));
    if (random.chance(0.6)) {
        auto& parameters = body.parameters;
        parameters.retention_slots = random.between(8, 60);
        parameters.retention_us = random.below(4'000'000);
        parameters.whole_slots = random.between(1, parameters.retention_slots);
        parameters.whole_us = random.below(parameters.retention_us + 1);
    }
    // Some wait for what comes late, so that a block has what belongs before the next.
    Random holding(scenario.seed, stream_of("hold"));
    if (holding.chance(0.15)) {
        auto& parameters = body.parameters;
        parameters.hold_us = holding.between(parameters.late_after_us, 900'000);
        parameters.retention_us = std::max(parameters.retention_us, parameters.hold_us);
    }
    const uint32_t founders = scenario.founder_count();
    body.participants.assign(entries.begin(), entries.begin() + founders);
    for (const std::string_view name : ledger_names) {
        model::LedgerEntry ledger;
        ledger.name = {std::string(name)};
        for (uint8_t i = 0; i < founders; ++i) ledger.provers.push_back({i});
        if (body.ledgers.size() == 1 && forwarding % 5 == 0)
            ledger.forwarding = model::Forwarding::replicated;
        add_genesis(ledger, users);
        body.ledgers.push_back(ledger);
    }
    return charter;
}

Order draw_order(const Scenario& scenario, const Users& users, const Hash& network,
                 const model::SealingKeys& keys, uint32_t number, uint64_t at_us) {
    Random random(scenario.seed, stream_of("order", number));
    Order order;
    order.number = number;
    order.at_us = at_us;
    order.wish = draw_wish(random);
    order.ledger = {uint16_t(random.chance(0.8) ? 0 : 1)};
    // Few keys, so that they collide; an insert has one of its own.
    order.key =
        order.wish == Wish::insert || order.wish == Wish::bent || order.wish == Wish::misplaced
            ? "own-" + std::to_string(number)
            : "shared-" + std::to_string(random.below(6));
    order.value = int64_t(random.below(1'000));
    order.to = ParticipantSet{1} << random.below(scenario.participants);
    if (random.chance(0.3)) order.to |= ParticipantSet(random.below(1u << scenario.participants));
    // To whoever checks it when it comes from a client, and to liars.
    if (order.wish == Wish::misplaced)
        order.to = ParticipantSet((uint64_t{1} << scenario.participants) - 1);
    if (order.wish == Wish::garbage) {
        order.envelope = random.bytes(random.between(1, 300));
    } else {
        const bool known = order.wish != Wish::unknown_signer;
        const auto& secret = users.secrets[known ? random.below(Users::known) : Users::known];
        const uint64_t now_ms = (Weather::genesis_us + at_us) / 1'000;
        model::Payload payload;
        payload.network = network;
        payload.ledger = ledger_names[order.ledger.value];
        payload.nonce = std::to_string(number);
        payload.expire_ms = order.wish == Wish::too_late ? now_ms - 5'000 : now_ms + 500'000;
        payload.fuel = 10'000;
        payload.changes = changes_of(order);
        order.envelope = copy_of(view_of(model::sign_envelope(payload, secret)));
        order.sealing = draw_sealing(scenario, order);
        if (order.sealing != Sealing::none)
            seal_order(payload, secret, users.secrets[number % Users::known], keys, scenario.seed,
                       order);
        // Who copies its own takes effect itself.
        if (known && &secret == &users.secrets[number % Users::known]) order.copy.clear();
    }
    if (order.wish == Wish::bent) {
        order.bent_copy = order.envelope;
        // The middle of the signature: its last letter also has bits that must be zero.
        uint8_t& letter = order.bent_copy[order.bent_copy.size() - 20];
        letter = letter == 'A' ? 'B' : 'A';
    }
    order.id = model::transaction_id_of(order.envelope);
    return order;
}

}  // namespace tally::sim
