// What `tally doctor` finds when it reads what a stopped participant has stored.
#pragma once

#include "cli/doctor_checks.hpp"
#include "cli/key_file.hpp"
#include "model/charter.hpp"

namespace tally::cli {

/// Reads the journal as a start would, and each file of the database; makes and changes nothing.
/// Not while a process has them open: its scrubber reads them.
[[nodiscard]] Findings examine_stored(const std::string& data, const model::Charter& charter,
                                      Participant self, const ParticipantKeyFile& keys);

}  // namespace tally::cli
