#include "cli/import_command.hpp"

#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/signals.hpp"
#include "cli/usage.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr size_t refusals_shown_max = 10;

bj::object report_json(const ImportReport& report) {
    bj::array refusals;
    for (const auto& refusal : report.refusals)
        refusals.push_back(
            {{"record", refusal.record}, {"line", refusal.line}, {"reason", refusal.reason}});
    bj::object json{
        {"complete", report.is_complete()},
        {"records", report.records},
        {"packages", {{"loaded", report.packages_loaded}, {"there", report.packages_there}}},
        {"dependencies",
         {{"loaded", report.dependencies_loaded}, {"there", report.dependencies_there}}},
        {"refused", report.refused},
        {"unknown", report.unknown},
        {"transactions", report.transactions},
        {"seconds", report.seconds},
        {"refusals", std::move(refusals)},
        {"refusals_left_out", report.refused - report.refusals.size()}};
    if (report.error) json["ended_early"] = report.error->message();
    return json;
}

std::string rate_of(const ImportReport& report) {
    const double rate = report.seconds > 0 ? double(report.transactions) / report.seconds : 0;
    return std::to_string(uint64_t(rate)) + " transactions a second";
}

void tell(const ImportReport& report, const Output& output) {
    output.line(import_summary(report));
    for (size_t i = 0; i < std::min(report.refusals.size(), refusals_shown_max); ++i) {
        const auto& refusal = report.refusals[i];
        output.line("  line " + std::to_string(refusal.line) +
                    (refusal.record.empty() ? "" : ", " + refusal.record) + ": " + refusal.reason);
    }
    if (report.refused > refusals_shown_max)
        output.line("  and " + std::to_string(report.refused - refusals_shown_max) +
                    " more (--report FILE has them)");
    if (report.unknown > 0)
        output.line("What is not known yet is settled by running the same command again.");
}

Result<ImportPlan> plan_of(const ImportOptions& options) {
    ImportPlan plan;
    TRY(charter, read_charter(options.charter));
    if (!charter.ledger(options.ledger)) return fail(UsageError::no_such_ledger, options.ledger);
    plan.network = model::network_id_of(charter.body);
    plan.file = options.file;
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
    return plan;
}

}  // namespace

std::string import_summary(const ImportReport& report) {
    std::string text = std::to_string(report.packages_loaded) + " packages and " +
                       std::to_string(report.dependencies_loaded) + " dependencies loaded in " +
                       lasting(report.seconds) + " (" + rate_of(report) + ")";
    if (report.packages_there + report.dependencies_there > 0)
        text += "; already there: " + std::to_string(report.packages_there) + " packages and " +
                std::to_string(report.dependencies_there) + " dependencies";
    if (report.refused > 0) text += "; refused: " + std::to_string(report.refused) + " records";
    if (report.unknown > 0) text += "; not known yet: " + std::to_string(report.unknown);
    return text;
}

Result<Exit> run_import_schema(const ImportSchemaOptions& options, const Output& output) {
    std::vector<std::string> dids;
    for (const auto& path : options.keys) {
        TRY(key, read_identity_key(path));
        dids.push_back(model::public_key_of(key).did());
    }
    output.value(packages_genesis(dids));
    return Exit::applied;
}

Result<Exit> run_import(const ImportOptions& options, const Output& output) {
    TRY(plan, plan_of(options));
    hold_stop_signals();
    plan.stopped = [] { return stop_signal_within(0); };
    TRY(report, import_packages(plan, output));
    const auto json = report_json(report);
    if (!options.report.empty()) CHECK(write_file(options.report, pretty(json) + "\n"));
    output.json_only(json);
    tell(report, output);
    if (report.error) {
        const Exit exit = output.error(*report.error);
        output.note("What is loaded stays loaded: the same command goes on from there.");
        return report.error->is(ImportError::stopped) ? Exit::unknown : exit;
    }
    return report.refused > 0 ? Exit::rejected : report.unknown > 0 ? Exit::unknown : Exit::applied;
}

}  // namespace tally::cli
