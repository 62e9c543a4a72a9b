// What is proved, in words and in JSON.
#include <boost/json/serialize.hpp>

#include "proving/verify/verify.hpp"

namespace tally::proving {
namespace {

/// RFC 3339 where the calendar reaches; signers may have signed any number.
std::string time_text(Micros time) {
    constexpr uint64_t year_10000_us = 253'402'300'800'000'000;
    if (time.value >= year_10000_us) return std::to_string(time.value) + " us";
    return ledger::instant_text({int64_t(time.value)});
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

std::string sentence(const ProvedTransaction& proved) {
    std::string out = "transaction " + proved.id.hex() + " was " +
                      (proved.applied() ? "applied" : "rejected") + ", number " +
                      std::to_string(proved.index) + " of its block\n";
    if (!proved.applied()) out += "  because " + proved.explanation + "\n";
    if (!proved.subjects.empty()) {
        out += "  subjects changed:";
        for (const auto subject : proved.subjects) out += " " + std::to_string(subject.value);
        out += "\n";
    }
    return out;
}

std::string sentence(const ProvedSubject& proved) {
    if (!proved.subject) return "no subject has " + proved.lookup + "\n";
    std::string out = proved.collection + " " + std::to_string(proved.subject->value);
    if (!proved.lookup.empty()) out += " (" + proved.lookup + ")";
    if (!proved.present) return out + " does not exist\n";
    out += " has\n";
    for (const auto& field : proved.fields)
        out += "  " + field.name + " = " + boost::json::serialize(field.value) + "\n";
    if (!proved.whole) out += "  and other fields, which this proof does not show\n";
    return out;
}

boost::json::object to_json(const ProvedTransaction& proved) {
    boost::json::array subjects;
    for (const auto subject : proved.subjects) subjects.push_back(subject.value);
    boost::json::object out{
        {"kind", "transaction"}, {"id", proved.id.hex()},
        {"index", proved.index}, {"result", proved.applied() ? "applied" : "rejected"},
        {"code", proved.code},   {"subjects", std::move(subjects)}};
    if (!proved.applied()) out["explanation"] = proved.explanation;
    return out;
}

boost::json::object to_json(const ProvedSubject& proved) {
    boost::json::object out{{"kind", "subject"},
                            {"collection", proved.collection},
                            {"present", proved.present},
                            {"whole", proved.whole}};
    if (proved.subject) out["subject"] = proved.subject->value;
    if (!proved.lookup.empty()) out["lookup"] = proved.lookup;
    boost::json::object fields;
    for (const auto& field : proved.fields) fields[field.name] = field.value;
    out["fields"] = std::move(fields);
    return out;
}

boost::json::array to_json(const std::vector<std::string>& names) {
    boost::json::array out;
    for (const auto& name : names) out.emplace_back(name);
    return out;
}

}  // namespace

std::string Verdict::text() const {
    std::string out = std::visit([](const auto& proved) { return sentence(proved); }, statement);
    out += "in block " + std::to_string(header.height.value) + " of " + ledger + " (" +
           network_name + "), " + time_text(header.time) + ", slot " +
           std::to_string(header.slot.value) + "\n";
    out += "certified: signed by " + joined(provers) + ", " + std::to_string(provers.size()) +
           " of " + std::to_string(prover_count) + " provers";
    if (certified_height != header.height)
        out += ", in block " + std::to_string(certified_height.value) + ", which follows it";
    out += "\n";
    if (finality == Finality::final_)
        out += "final: slot " + std::to_string(decided_slot.value) +
               " carries that certificate, decided by " + joined(deciders) + ", " +
               std::to_string(deciders.size()) + " of " + std::to_string(participant_count) +
               " participants\n";
    return out;
}

boost::json::object Verdict::json() const {
    boost::json::object out{
        {"level", name_of(finality)},
        {"network", network.hex()},
        {"network_name", network_name},
        {"ledger", ledger},
        {"block", header.height.value},
        {"header", header_hash.hex()},
        {"time", time_text(header.time)},
        {"slot", header.slot.value},
        {"state", header.state_after.hex()},
        {"certified_block", certified_height.value},
        {"provers", to_json(provers)},
        {"proved", std::visit([](const auto& proved) { return to_json(proved); }, statement)}};
    if (finality == Finality::final_) {
        out["decided_slot"] = decided_slot.value;
        out["deciders"] = to_json(deciders);
    }
    return out;
}

}  // namespace tally::proving
