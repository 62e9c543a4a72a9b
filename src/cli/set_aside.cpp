#include "cli/set_aside.hpp"

#include <filesystem>

namespace tally::cli {

Result<void> set_aside(const std::string& folder, const Error& why, std::string_view event,
                       const std::string& what_next, const std::function<void(LogLine)>& log) {
    std::string aside;
    std::error_code failed;
    uint32_t number = 1;
    for (;; ++number) {
        aside = folder + ".damaged-" + std::to_string(number);
        if (!std::filesystem::exists(aside, failed)) break;
    }
    if (number > set_asides_max) {
        Error again = why;
        again.detail += "; it was put aside " + std::to_string(set_asides_max) +
                        " times already: the disk is not to be trusted. Once it is, remove " +
                        folder + ".damaged-1 to -" + std::to_string(set_asides_max);
        return again;
    }
    std::filesystem::rename(folder, aside, failed);
    if (failed) return why;
    log({LogLevel::error,
         "process",
         std::string(event),
         {{"folder", aside}},
         why.message() + "; it is put aside as " + aside + ", " + what_next});
    return success();
}

}  // namespace tally::cli
