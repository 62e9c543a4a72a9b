// EpochFiles: what a participant's own files hold from epoch to epoch: the charter, which grows
// with each, and the keys, of which the old ones are erased (docs/protocol.md, section 5).
//
// The newest charter is kept in the data folder; the configured file is brought up to date as well
// where it can be, for the commands that check against it.
#pragma once

#include "cli/key_file.hpp"
#include "cli/operator_log.hpp"
#include "cli/participant.hpp"
#include "model/charter.hpp"

namespace tally::cli {

enum class EpochError { other_network, other_epochs, keys_unwritable };
ErrorText describe(EpochError error);

class EpochFiles {
public:
    using Log = std::function<void(LogLine line)>;
    EpochFiles(std::string charter_file, std::string keys_file, std::string data_folder, Log log)
        : charter_file_(std::move(charter_file)),
          keys_file_(std::move(keys_file)),
          data_folder_(std::move(data_folder)),
          log_(std::move(log)) {}

    /// The one of the two charters that names more epochs.
    [[nodiscard]] Result<model::Charter> charter() const;
    /// The keys of the charter's newest epoch, where this identity takes part; a change of them
    /// that a crash cut short is ended. Others as they lie there.
    [[nodiscard]] Result<ParticipantKeyFile> keys(const model::Charter& charter) const;
    /// Keeps this charter, whose newest epoch has just begun.
    [[nodiscard]] Result<void> keep(const model::Charter& charter) const;
    /// With which keys the next epoch is to be entered: new ones, if they can be kept, else those
    /// of now.
    [[nodiscard]] model::HeldKeys next_keys(const ParticipantKeyFile& keys) const;
    /// Nothing is sealed for earlier epochs any more.
    void forget_past_openings() const;

private:
    [[nodiscard]] std::string kept_charter() const { return data_folder_ + "/charter"; }
    void say(LogLevel level, std::string_view event, std::string text) const;

    std::string charter_file_, keys_file_, data_folder_;
    Log log_;
};

}  // namespace tally::cli
