#include "cli/import_command.hpp"

#include <cstdio>

#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/usage.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr size_t index_bytes_max = 512 * 1024 * 1024;

bj::object report_json(const ImportReport& report) {
    bj::array refusals;
    for (const auto& refusal : report.refusals) refusals.emplace_back(refusal);
    return {{"packages", report.packages},         {"dependencies", report.dependencies},
            {"transactions", report.transactions}, {"applied", report.applied},
            {"rejected", report.rejected},         {"unknown", report.unknown},
            {"seconds", report.seconds},           {"refusals", std::move(refusals)}};
}

}  // namespace

Result<std::vector<PackageRecord>> read_packages(const std::string& path) {
    TRY(text, read_file(path, index_bytes_max));
    return parse_packages(text);
}

std::string import_summary(const ImportReport& report) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f", report.seconds);
    return std::to_string(report.packages) + " packages with " +
           std::to_string(report.dependencies) +
           " dependencies: " + std::to_string(report.applied) + " transactions applied, " +
           std::to_string(report.rejected) + " rejected, " + std::to_string(report.unknown) +
           " unknown, in " + seconds + " s";
}

Result<Exit> run_import(const ImportOptions& options, const Output& output) {
    ImportPlan plan;
    TRY(charter, read_charter(options.charter));
    if (!charter.ledger(options.ledger)) return fail(UsageError::no_such_ledger, options.ledger);
    plan.network = model::network_id_of(charter.body);
    plan.ledger = options.ledger;
    plan.in_flight = options.in_flight;
    for (const auto& text : options.urls) {
        TRY(url, parse_url(text));
        plan.participants.push_back(url);
    }
    for (const auto& path : options.keys) {
        TRY(key, read_identity_key(path));
        plan.signers.push_back(std::move(key));
    }
    TRY(records, read_packages(options.file));
    TRY(report, import_packages(plan, records, output));
    output.json_only(report_json(report));
    output.line(import_summary(report));
    for (const auto& refusal : report.refusals) output.line("  " + refusal);
    return report.rejected > 0  ? Exit::rejected
           : report.unknown > 0 ? Exit::unknown
                                : Exit::applied;
}

}  // namespace tally::cli
