#include "cli/scrub_command.hpp"

#include <boost/json/parse.hpp>
#include <chrono>
#include <thread>

#include "cli/charter_draft.hpp"
#include "cli/connection.hpp"
#include "cli/control_socket.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr int ask_every_ms = 200;

Result<bj::object> ask_about_scrub(const std::string& data_folder, const std::string& request) {
    TRY(answer, ask_participant(data_folder, request));
    boost::system::error_code failed;
    bj::value parsed = bj::parse(answer.line, failed);
    if (failed || !parsed.is_object()) return ControlError::broken;
    if (const auto* error = parsed.get_object().if_contains("error"))
        return fail(ControlError::broken, "it says " + compact(*error));
    return std::move(parsed.get_object());
}

std::string in_megabytes(uint64_t bytes) {
    return std::to_string(bytes / 1'000'000) + "." + std::to_string(bytes / 100'000 % 10) + " MB";
}

void tell(const bj::object& scrub, const Output& output) {
    const uint64_t bytes = number_in(scrub, "last_bytes");
    const double seconds = double(number_in(scrub, "last_ms")) / 1000;
    const uint64_t found = number_in(scrub, "last_found");
    std::string rate;
    if (seconds >= 0.001)
        rate = " (" + in_megabytes(uint64_t(double(bytes) / seconds)) + " a second)";
    output.line("read " + in_megabytes(bytes) + " in " + lasting(seconds) + rate + "; " +
                (found == 0 ? std::string("nothing was altered")
                            : std::to_string(found) + " altered: `tally status` names them"));
    output.json_only(scrub);
}

}  // namespace

Result<Exit> run_scrub(const ScrubOptions& options, const Output& output) {
    TRY(config, read_node_config(options.config));
    TRY(before, ask_about_scrub(config.data, "scrub_status"));
    TRY(scrub, ask_about_scrub(config.data, "scrub"));
    if (options.no_wait) {
        output.line("begun; `tally status` shows how far it is");
        output.json_only(scrub);
        return Exit::applied;
    }
    Progress progress("scrub, MB", number_in(before, "last_bytes") / 1'000'000, output.json());
    while (number_in(scrub, "passes") <= number_in(before, "passes")) {
        progress.set(number_in(scrub, "bytes") / 1'000'000);
        std::this_thread::sleep_for(std::chrono::milliseconds(ask_every_ms));
        TRY(now, ask_about_scrub(config.data, "scrub_status"));
        scrub = std::move(now);
    }
    progress.finish();
    tell(scrub, output);
    return number_in(scrub, "last_found") == 0 ? Exit::applied : Exit::rejected;
}

}  // namespace tally::cli
