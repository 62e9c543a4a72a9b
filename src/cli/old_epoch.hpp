// What a stopped participant knows of the epoch it was in, and how its part in it ends
// (docs/protocol.md, section 5).
#pragma once

#include <optional>
#include <string>

#include "cli/key_file.hpp"

namespace tally::cli {

enum class RecoveryError {
    part_ended,
    knows_more,
    other_decision,
    signed_another,
    other_keys,
    too_few,
    bad_statement,
    not_a_recovery,
};
ErrorText describe(RecoveryError error);

/// Signed and shown to nobody: a secret that needs no other place, and stays the same.
[[nodiscard]] Hash journal_key_of(const Signer& signer);

/// Reads the journal of the charter's newest epoch into the database, and flushes that; the last
/// decision of which the participant knows. Error KeyValueError::locked while it runs.
[[nodiscard]] Result<std::optional<model::CommitQC>> read_old_epoch(const model::Charter& charter,
                                                                    Participant self,
                                                                    const ParticipantKeys& keys,
                                                                    const std::string& data_folder);
/// The commit certificate of this slot, if the participant has it.
[[nodiscard]] Result<std::optional<model::CommitQC>> commit_of(const model::Charter& charter,
                                                               const std::string& data_folder,
                                                               Slot slot);
/// Puts the journal aside, so that the next epoch's begins; where it is now, or empty if there was
/// none.
[[nodiscard]] Result<std::string> set_journal_aside(const std::string& data_folder, Epoch epoch);

/// The recovery charter that the participant has signed to this epoch, if any.
[[nodiscard]] Result<std::optional<Hash>> signed_recovery(const std::string& data_folder,
                                                          Epoch epoch);
[[nodiscard]] Result<void> save_signed_recovery(const std::string& data_folder, Epoch epoch,
                                                const Hash& recovery);
/// Error RecoveryError::part_ended if it has signed one that begins a later epoch than the
/// charter's newest.
[[nodiscard]] Result<void> check_part_not_ended(const std::string& data_folder,
                                                const model::Charter& charter);

}  // namespace tally::cli
