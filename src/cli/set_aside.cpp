#include "cli/set_aside.hpp"

#include <filesystem>

#include "cli/lost_journal.hpp"

namespace tally::cli {
namespace {

namespace fs = std::filesystem;

/// The name that it gets. Error: it was put aside too often.
Result<std::string> name_aside(const std::string& folder, const Error& why) {
    std::error_code failed;
    for (uint32_t number = 1; number <= set_asides_max; ++number) {
        std::string aside = folder + ".damaged-" + std::to_string(number);
        if (!fs::exists(aside, failed)) return aside;
    }
    return Error{
        "disk_untrusted", "data was damaged and put aside too often: the disk is not to be trusted",
        "Check or replace the disk, then remove the folders that were put aside, and "
        "start again",
        folder + ".damaged-1 to -" + std::to_string(set_asides_max) + "; now: " + why.message()};
}

void tell(const SayLine& log, std::string_view event, const std::string& aside, const Error& why,
          const std::string& next) {
    log({LogLevel::error,
         "process",
         std::string(event),
         {{"folder", aside}},
         why.message() + "; it is put aside as " + aside + ", " + next});
}

}  // namespace

Result<void> set_database_aside(const std::string& data_folder, const Error& why,
                                const SayLine& log) {
    const std::string folder = data_folder + "/database";
    TRY(aside, name_aside(folder, why));
    std::error_code failed;
    fs::rename(folder, aside, failed);
    if (failed) return why;
    tell(log, "database_set_aside", aside, why, "and made again from the journal and the others");
    return success();
}

Result<void> set_damaged_journal_aside(const std::string& data_folder, const Error& why,
                                       const SayLine& log) {
    const std::string folder = data_folder + "/journal", next = data_folder + "/journal.next";
    TRY(aside, name_aside(folder, why));
    // A crash in between leaves no journal, beside a database that shows that there was one.
    CHECK(mark_journal_lost(next, why.message()));
    std::error_code failed;
    fs::rename(folder, aside, failed);
    if (!failed) fs::rename(next, folder, failed);
    if (failed) return why;
    tell(log, "journal_set_aside", aside, why,
         "and counts as lost: this participant signs nothing in this epoch. If a true copy is "
         "found, put it in its place");
    return success();
}

}  // namespace tally::cli
