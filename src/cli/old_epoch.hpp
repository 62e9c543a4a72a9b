// What a stopped participant knows of the epoch it was in, and how its part in it ends
// (docs/protocol.md, section 5).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/key_file.hpp"
#include "io/rocks_key_value.hpp"

namespace tally::cli {

enum class RecoveryError {
    part_ended,
    knows_more,
    handed_over,
    other_decision,
    signed_another,
    other_keys,
    too_few,
    too_few_signed,
    not_the_next,
    old_journal,
    bad_statement,
    bad_promise,
    not_a_recovery,
};
ErrorText describe(RecoveryError error);

/// Signed and shown to nobody: a secret that needs no other place, and stays the same.
[[nodiscard]] Hash journal_key_of(const Signer& signer);

/// What a stopped participant knows. While this is kept the participant cannot start.
struct OldEpoch {
    std::unique_ptr<io::RocksDatabase> database;
    std::optional<model::CommitQC> last;  ///< of the last decision that it knows
    bool is_handed_over = false;          ///< which ends the epoch: the next begins by decision

    /// Of this slot, if it has it.
    [[nodiscard]] Result<std::optional<model::CommitQC>> commit_of(Slot slot) const;
};
/// Reads the journal of the charter's newest epoch into the database, and flushes that. Errors:
/// KeyValueError::locked while it runs; KeyValueError::damaged if the database holds what an
/// earlier recovery charter gave up.
[[nodiscard]] Result<OldEpoch> read_old_epoch(const model::Charter& charter, Participant self,
                                              const ParticipantKeys& keys,
                                              const std::string& data_folder);
/// If the journal is of an epoch that ended by decision, as the charter says: reads it into the
/// database, and flushes that, before the keys of that epoch are erased. Errors: as above.
[[nodiscard]] Result<void> read_ended_epoch(const model::Charter& charter,
                                            const ParticipantKeyFile& keys,
                                            const std::string& data_folder);
/// Of which epoch the journal is; nothing if there is none, or it is of another network.
[[nodiscard]] std::optional<Epoch> epoch_of_journal(const std::string& data_folder,
                                                    const Hash& network);
/// Puts the journal aside, so that the next epoch's begins; where it is now, or empty if there was
/// none.
[[nodiscard]] Result<std::string> set_journal_aside(const std::string& data_folder, Epoch epoch);

/// The recovery charter that the participant has signed to this epoch, if any.
[[nodiscard]] Result<std::optional<Hash>> signed_recovery(const std::string& data_folder,
                                                          Epoch epoch);
[[nodiscard]] Result<void> save_signed_recovery(const std::string& data_folder, Epoch epoch,
                                                const Hash& recovery);
/// Errors: RecoveryError::old_journal and CharterError::older_epoch if the journal is of another
/// epoch than the charter's newest.
[[nodiscard]] Result<void> check_journal_epoch(const std::string& data_folder,
                                               const model::Charter& charter);
/// Error RecoveryError::part_ended if it has signed one that begins a later epoch than the
/// charter's newest.
[[nodiscard]] Result<void> check_part_not_ended(const std::string& data_folder,
                                                const model::Charter& charter);

}  // namespace tally::cli
