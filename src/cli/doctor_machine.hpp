// What `tally doctor` measures of the machine. Nothing stays behind.
#pragma once

#include "base/result.hpp"
#include "cli/doctor_checks.hpp"

namespace tally::cli {

[[nodiscard]] ClockReading read_clock();
/// The folder, or the nearest above it that is there.
[[nodiscard]] std::string nearest_folder(const std::string& folder);
/// Space of the folder, how long its syncs take, and who owns what is in it.
[[nodiscard]] Findings examine_folder(const std::string& data);
/// What is kept there: a journal, a database, both or neither.
[[nodiscard]] Finding examine_data(const std::string& data, bool runs);
/// Of this process; a participant that is started like it has as many.
[[nodiscard]] uint64_t own_descriptors_max();
[[nodiscard]] Result<FileReading> read_file_state(const std::string& path);

}  // namespace tally::cli
