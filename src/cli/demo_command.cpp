#include "cli/demo_command.hpp"

#include <csignal>
#include <filesystem>

#include "cli/demo.hpp"
#include "cli/folders.hpp"
#include "cli/signals.hpp"

namespace tally::cli {
namespace {

/// Beside the program, or where it was built from.
Result<std::string> records_file(const std::string& given) {
    if (!given.empty()) return given;
    const auto name = std::filesystem::path("examples") / "packages" / "packages.txt";
    const auto beside = std::filesystem::path(own_program()).parent_path().parent_path();
    for (const auto& root : {beside, std::filesystem::path(TALLY_SOURCE_DIR)}) {
        std::error_code failed;
        if (std::filesystem::exists(root / name, failed)) return (root / name).string();
    }
    return fail(FileError::unreadable, name.string() + " is not there: give --records FILE");
}

void stay(const Output& output, Demo& demo) {
    demo.say_how_to_try();
    hold_stop_signals();
    while (!stop_signal_within(500) && !output_is_gone()) continue;
    output.line("\nStopping the participants.");
}

}  // namespace

Result<Exit> run_demo(const DemoOptions& options, const Output& output) {
    TRY(file, records_file(options.records));
    TRY(records, look_at_records(file));
    TRY(folder, WorkFolder::make(options.folder, "tally-demo"));

    hold_stop_signals();
    std::signal(SIGPIPE, SIG_IGN);  // Who stops reading ends the demonstration, tidily.
    Demo demo(output, folder.path(), std::move(records));
    auto result = demo.run();
    if (!result.ok() && result.error().is(DemoError::interrupted)) {
        demo.stop();
        return std::move(result).error();
    }
    if (!result.ok()) {
        demo.show_logs();
        demo.stop();
        output.json_only(demo.report());
        const auto lines = demo.start_commands();
        if (!lines.empty()) {
            folder.keep();
            output.note("\nEverything is kept in " + folder.path() +
                        ". This goes on with the network:");
            for (const auto& line : lines) output.note("    " + line + " &");
        }
        (void)output.error(result.error());
        return Exit::rejected;
    }
    if (!options.check) stay(output, demo);
    demo.stop();
    output.json_only(demo.report());
    output.line("\nEvery step did what it should.");
    if (folder.temporary()) {
        output.line(folder.path() + " is removed. (--data DIR keeps it.)");
    } else {
        output.line("Everything is kept in " + folder.path() + ". To go on with the network:");
        for (const auto& line : demo.start_commands()) output.line("    " + line + " &");
    }
    return Exit::applied;
}

}  // namespace tally::cli
