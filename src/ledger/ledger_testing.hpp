// For tests: one ledger in memory, whose blocks are made of signed transactions.
#pragma once

#include <map>

#include "ledger/execution.hpp"
#include "ledger/result_code.hpp"
#include "ledger/state_witness.hpp"
#include "ledger/subject.hpp"
#include "model/envelope.hpp"

namespace tally::ledger::testing {

class MapState final : public StateView {
public:
    Result<std::optional<Bytes>> get(ByteView key) const override {
        const auto at = map.find(key);
        if (at == map.end()) return std::optional<Bytes>();
        return std::optional(at->second);
    }
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override {
        for (auto at = map.lower_bound(from);
             at != map.end() && (to.empty() || compare(at->first, to) < 0); ++at) {
            if (!each(at->first, at->second)) break;
        }
        return success();
    }
    void apply(const std::vector<Write>& writes) {
        for (const Write& write : writes) {
            if (write.value) {
                map.insert_or_assign(write.key, *write.value);
            } else {
                map.erase(write.key);
            }
        }
    }
    std::map<Bytes, Bytes, BytesLess> map;
};

using tree::NoPages;

/// The root that the state's contents have, computed from scratch.
inline Hash root_from_scratch(const MapState& state) {
    const NoPages pages;
    tree::Tree tree(pages);
    for (const auto& [key, value] : state.map) {
        const auto commitment = commitment_of(key, value);
        ENSURE(commitment.ok());
        ENSURE(tree.put(key, commitment->length, commitment->hash).ok());
    }
    return tree.root();
}

inline model::SecretKey secret_of(uint8_t number) {
    return Ed25519Secret::from_seed({number});
}
inline std::string did_of(uint8_t number) {
    return model::public_key_of(secret_of(number)).did();
}

/// The genesis of a ledger of packages: key 1 may do all, key 2 may write packages and nothing
/// else, anyone may read packages' names.
inline std::vector<std::string> package_genesis() {
    return {
        R"({"_id":"_collection$p","name":"package"})",
        R"({"_id":"_collection$d","name":"dependency"})",
        R"({"_id":"_predicate$1","name":"package/name","type":"string","unique":true,)"
        R"("required":true,"upsert":true})",
        R"({"_id":"_predicate$2","name":"package/version","type":"string"})",
        R"({"_id":"_predicate$3","name":"package/size","type":"int","index":true})",
        R"({"_id":"_predicate$4","name":"package/sha256","type":"bytes"})",
        R"({"_id":"_predicate$5","name":"package/essential","type":"bool"})",
        R"({"_id":"_predicate$6","name":"package/built","type":"instant"})",
        R"({"_id":"_predicate$7","name":"package/tags","type":"string","multi":true,"index":true})",
        R"({"_id":"_predicate$8","name":"package/depends","type":"ref","multi":true,)"
        R"("restrict":"dependency"})",
        R"({"_id":"_predicate$9","name":"dependency/target","type":"ref","restrict":"package"})",
        R"({"_id":"_predicate$10","name":"dependency/constraint","type":"string"})",
        R"({"_id":"_auth$owner","id":")" + did_of(1) +
            R"(","roles":[{"_id":"_role$owner","id":"owner","rules":[{"_id":"_rule$all",)"
            R"("collection":"*","predicates":["*"],"ops":["read","write"]}]}]})",
        R"({"_id":"_auth$keeper","id":")" + did_of(2) +
            R"(","roles":[{"id":"keeper","rules":[)"
            R"({"collection":"package","predicates":["*"],"ops":["read","write"]},)"
            R"({"collection":"dependency","predicates":["target"],"ops":["write"]}]}]})",
        R"({"_id":"_role$public","id":"public","rules":[)"
        R"({"collection":"package","predicates":["name"],"ops":["read"]}]})",
    };
}

struct Sent {
    std::string changes;
    uint8_t signer = 1;
    uint64_t fuel = 100'000;
    std::optional<uint64_t> expire_ms = {};
    std::string ledger = "packages";
    std::string nonce = {};  ///< empty: a fresh one
};

class Ledger {
public:
    static constexpr uint64_t start_ms = 1'700'000'000'000;

    explicit Ledger(const std::vector<std::string>& changes = package_genesis()) {
        crypto_start();
        model::LedgerEntry entry;
        entry.name = std::string("packages");
        for (const auto& change : changes) entry.genesis.emplace_back(change);
        auto made = genesis(tree, entry, network);
        if (!made.ok()) {
            genesis_error = made.error().message();
            return;
        }
        take(*made);
        genesis_execution = *std::move(made);
    }

    [[nodiscard]] std::string envelope_of(const Sent& sent) {
        model::Payload payload;
        payload.network = network;
        payload.ledger = sent.ledger;
        payload.nonce = sent.nonce.empty() ? "nonce " + std::to_string(++nonce) : sent.nonce;
        payload.expire_ms = sent.expire_ms.value_or(now_ms + 60'000);
        payload.fuel = sent.fuel;
        payload.changes = sent.changes;
        return model::sign_envelope(payload, secret_of(sent.signer));
    }

    /// Executes one block of these envelopes, a second after the last one.
    Execution run(const std::vector<std::string>& envelopes) {
        now_ms += 1'000;
        height = height.next();
        std::vector<model::CheckedEnvelope> checked;
        checked.reserve(envelopes.size());
        for (const auto& envelope : envelopes)
            checked.push_back(model::check_envelope(view_of(envelope), network, "packages"));
        std::vector<Entry> entries;
        for (size_t i = 0; i < envelopes.size(); ++i)
            entries.push_back({&checked[i], envelopes[i].size()});
        BlockContext context;
        context.height = height;
        context.time = {now_ms * 1'000};
        context.ahead_ms = 600'000;
        context.paused = paused;
        context.segments = segments;
        const auto from_witness = execute_from_witness(context, entries);
        auto executed = execute(state, tree, context, entries);
        ENSURE(executed.ok());
        ENSURE(is_same(*executed, from_witness));
        ENSURE(executed->results.size() == envelopes.size());
        take(*executed);
        return *std::move(executed);
    }
    Execution run_all(const std::vector<Sent>& sent) {
        std::vector<std::string> envelopes;
        for (const auto& one : sent) envelopes.push_back(envelope_of(one));
        return run(envelopes);
    }
    TransactionResult send(const Sent& sent) { return run_all({sent}).results.front(); }
    TransactionResult send(const std::string& changes, uint8_t signer = 1) {
        return send(Sent{changes, signer});
    }

    /// What was executed elsewhere on its state and tree.
    void accept(const Execution& execution) { take(execution); }

    /// Executes from no more than what a first execution touched; the ledger stays as it is.
    Execution execute_from_witness(const BlockContext& context, std::span<const Entry> entries) {
        const tree::Mark before = tree.mark();
        const Hash root = tree.root();
        Touched touched;
        ENSURE(execute(state, tree, context, entries, &touched).ok());
        tree.restore(before);
        const auto made = make_witness(state, tree, touched);
        ENSURE(made.ok());
        const Bytes bytes = cbor::encode(*made);
        witness_bytes = bytes.size();
        const auto witness = cbor::decode<StateWitness>(bytes);
        ENSURE(witness.ok());
        const auto view = WitnessView::open(root, *witness);
        ENSURE(view.ok());
        auto part = tree::Tree::open(root, witness->tree);
        ENSURE(part.ok());
        auto executed = execute(*view, *part, context, entries);
        ENSURE(executed.ok());
        return *std::move(executed);
    }
    static bool is_same(const Execution& a, const Execution& b) {
        const auto leaves = [](const Execution& execution) {
            std::vector<Bytes> all;
            for (const auto& result : execution.results) all.push_back(result.leaf());
            return all;
        };
        return leaves(a) == leaves(b) && a.writes == b.writes && a.trace == b.trace &&
               a.digest == b.digest && a.state_before == b.state_before &&
               a.state_after == b.state_after;
    }

    /// The code's name.
    static std::string code(const TransactionResult& result) {
        return std::string(describe_result(result.code)->code);
    }

    [[nodiscard]] std::shared_ptr<const Schema> schema() const { return *Schema::load(state); }

    std::optional<SubjectId> find(std::string_view full_name, const Value& value) const {
        const auto now = schema();
        return *find_unique(state, *now->predicate(full_name), value);
    }

    MapState state;
    NoPages pages;
    tree::Tree tree{pages};
    Hash network = sha256(view_of("a test's charter"));
    Height height;
    uint64_t now_ms = start_ms;
    uint64_t nonce = 0;
    bool paused = false;
    SegmentLimits segments;
    size_t witness_bytes = 0;  ///< of the last block
    std::string genesis_error;
    Execution genesis_execution;

private:
    void take(const Execution& execution) {
        state.apply(execution.writes);
        ENSURE(execution.state_after == tree.root());
    }
};

}  // namespace tally::ledger::testing
