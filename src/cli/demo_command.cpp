#include "cli/demo_command.hpp"

#include <cstdlib>
#include <filesystem>

#include "cli/demo.hpp"
#include "cli/import_command.hpp"
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

Result<std::string> temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tally-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return fail(FileError::unwritable, name);
    return name;
}

void stay(const Output& output, Demo& demo) {
    demo.say_how_to_try();
    hold_stop_signals();
    while (!stop_signal_within(1'000)) continue;
    output.line("\nStopping the participants.");
}

}  // namespace

Result<Exit> run_demo(const DemoOptions& options, const Output& output) {
    TRY(file, records_file(options.records));
    TRY(records, read_packages(file));
    std::string folder = options.folder;
    if (folder.empty()) {
        TRY(made, temporary_folder());
        folder = made;
    }
    const bool remove = options.folder.empty();

    hold_stop_signals();
    Demo demo(output, folder, std::move(records));
    const auto result = demo.run();
    if (!result.ok()) {
        demo.show_logs();
        demo.stop();
        output.json_only(demo.report());
        output.note("\nEverything is kept in " + folder + ".");
        (void)output.error(result.error());
        return Exit::rejected;
    }
    if (!options.check) stay(output, demo);
    demo.stop();
    output.json_only(demo.report());
    output.line("\nEvery step did what it should.");
    if (remove) {
        std::error_code failed;
        std::filesystem::remove_all(folder, failed);
        output.line(folder + " is removed. (--data DIR keeps it.)");
    } else {
        output.line("Everything is kept in " + folder + ".");
    }
    return Exit::applied;
}

}  // namespace tally::cli
