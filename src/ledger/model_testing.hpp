// For tests: random transactions on a ledger of packages, of which many are refused.
#pragma once

#include <random>

#include "ledger/ledger_testing.hpp"

namespace tally::ledger::testing {

constexpr uint64_t package_base = 16ull << 40, dependency_base = 17ull << 40;

/// One change as generated: each part is either absent or has a spelling.
struct Op {
    bool is_package = true;
    enum class Id { temporary, number, pair } id = Id::temporary;
    uint32_t temporary = 0;
    uint64_t number = 0;
    std::string pair_name;
    std::string action;               ///< empty: inferred
    std::optional<std::string> name;  ///< "null" retracts
    std::optional<std::string> size;  ///< JSON
    std::optional<std::vector<std::string>> tags;
    enum class Target { none, null, temporary, number, pair } target = Target::none;
    uint32_t target_temporary = 0;
    uint64_t target_number = 0;
    std::string target_name;
};
using Ops = std::vector<Op>;

inline std::string json_of(const Op& op) {
    const std::string collection = op.is_package ? "package" : "dependency";
    std::string text = R"({"_id":)";
    switch (op.id) {
    case Op::Id::temporary:
        text += '"' + collection + '$' + std::to_string(op.temporary) + '"';
        break;
    case Op::Id::number: text += std::to_string(op.number); break;
    case Op::Id::pair: text += R"(["package/name",")" + op.pair_name + R"("])"; break;
    }
    if (!op.action.empty()) text += R"(,"_action":")" + op.action + '"';
    if (op.name) text += R"(,"name":)" + (*op.name == "null" ? "null" : '"' + *op.name + '"');
    if (op.size) text += R"(,"size":)" + *op.size;
    if (op.tags) {
        text += R"(,"tags":[)";
        for (size_t i = 0; i < op.tags->size(); ++i)
            text += (i == 0 ? "\"" : ",\"") + (*op.tags)[i] + '"';
        text += ']';
    }
    switch (op.target) {
    case Op::Target::none: break;
    case Op::Target::null: text += R"(,"target":null)"; break;
    case Op::Target::temporary:
        text += R"(,"target":"package$)" + std::to_string(op.target_temporary) + '"';
        break;
    case Op::Target::number: text += R"(,"target":)" + std::to_string(op.target_number); break;
    case Op::Target::pair:
        text += R"(,"target":["package/name",")" + op.target_name + R"("])";
        break;
    }
    return text + '}';
}

/// Few names and numbers, so that they collide.
class Generator {
public:
    explicit Generator(uint64_t seed) : random_(seed) {}

    Ops transaction() {
        Ops ops(1 + below(3));
        for (size_t i = 0; i < ops.size(); ++i) ops[i] = op(uint32_t(i));
        return ops;
    }
    uint64_t below(uint64_t bound) { return random_() % bound; }

private:
    bool one_in(uint64_t n) { return below(n) == 0; }
    std::string name() { return std::string(1, char('a' + below(9))); }
    uint64_t package() { return package_base + 1 + below(one_in(8) ? 30 : 10); }

    Op op(uint32_t index) {
        Op op;
        op.is_package = !one_in(3);
        op.temporary = one_in(15) ? 0 : index;
        op.id = one_in(2) ? Op::Id::temporary : one_in(2) ? Op::Id::number : Op::Id::pair;
        op.number = op.is_package ? package() : dependency_base + 1 + below(6);
        op.pair_name = name();
        if (op.id == Op::Id::pair) op.is_package = true;
        constexpr const char* actions[] = {"insert", "update", "upsert", "delete"};
        if (one_in(4)) op.action = actions[below(4)];
        if (op.action == "delete" && !one_in(10)) return op;
        if (op.is_package || one_in(20)) add_package_fields(op);
        if (!op.is_package || one_in(40)) add_target(op);
        return op;
    }

    void add_package_fields(Op& op) {
        if (!one_in(3)) op.name = one_in(12) ? "null" : name();
        if (one_in(2))
            op.size = one_in(30) ? "true" : one_in(4) ? "null" : std::to_string(below(5));
        if (one_in(2)) {
            op.tags.emplace();
            for (uint64_t n = below(4); n > 0; --n) op.tags->push_back(name());
        }
    }

    void add_target(Op& op) {
        op.target = one_in(2) ? Op::Target::number : Op::Target(below(5));
        op.target_temporary = uint32_t(below(5));
        op.target_number = one_in(10) ? dependency_base + 1 : package();
        op.target_name = name();
    }

    std::mt19937_64 random_;  // house: allow randomness, the same for every seed; in tests only
};

inline std::string json_of(const Ops& ops) {
    std::string text = "[";
    for (const Op& op : ops) text += (text.size() == 1 ? "" : ",") + json_of(op);
    return text + "]";
}

}  // namespace tally::ledger::testing
