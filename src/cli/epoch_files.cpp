#include "cli/epoch_files.hpp"

#include <filesystem>
#include <tuple>

#include "cli/charter_draft.hpp"
#include "cli/output.hpp"

namespace tally::cli {
namespace {

/// Not everybody has the same votes for it.
bool is_same(const model::Beginning& a, const model::Beginning& b) {
    if (a.index() != b.index()) return false;
    if (const auto* handover = std::get_if<model::Handover>(&a)) {
        const auto& other = std::get<model::Handover>(b);
        return handover->next == other.next && handover->last.body == other.last.body;
    }
    return std::get<model::Recovery>(a).body == std::get<model::Recovery>(b).body;
}

}  // namespace

ErrorText describe(EpochError error) {
    switch (error) {
    case EpochError::other_network:
        return {"charter_of_other_network",
                "the data folder is of another network than the configured charter",
                "Give the charter of the network that the data is of, or another data folder"};
    case EpochError::other_epochs:
        return {"charter_of_other_epochs",
                "the configured charter and the one in the data folder name different epochs",
                "Compare both with other operators: `tally charter show` says how each epoch "
                "began. Put aside whichever they do not have"};
    case EpochError::keys_unwritable:
        return {"keys_unwritable", "the key file cannot be written",
                "The old epoch's keys must be replaced in it: see to its permissions and to room "
                "on its disk, and start again"};
    }
    std::abort();
}

void EpochFiles::say(LogLevel level, std::string_view event, std::string text) const {
    log_({level, "process", event, {}, std::move(text)});
}

Result<model::Charter> EpochFiles::charter() const {
    TRY(configured, read_charter(charter_file_));
    std::error_code failed;
    if (!std::filesystem::exists(kept_charter(), failed)) return configured;
    TRY(kept, read_charter(kept_charter()));
    if (kept.body != configured.body) return fail(EpochError::other_network, data_folder_);
    const bool kept_is_newer = kept.beginnings.size() > configured.beginnings.size();
    const auto& [older, newer] =
        kept_is_newer ? std::tie(configured, kept) : std::tie(kept, configured);
    for (size_t i = 0; i < older.beginnings.size(); ++i) {
        if (!is_same(older.beginnings[i], newer.beginnings[i]))
            return fail(EpochError::other_epochs, "epoch " + std::to_string(i + 1));
    }
    return newer;
}

Result<ParticipantKeyFile> EpochFiles::keys(const model::Charter& charter) const {
    TRY(keys, read_participant_keys(keys_file_));
    if (!keys.next) return keys;
    const auto identity = keys.keys().identity.public_key();
    for (const auto& entry : charter.now().participants) {
        if (entry.is_vacant() || entry.identity_key != identity) continue;
        if (entry.signing_key == keys.keys().signing.public_key()) return keys;
        if (entry.signing_key != keys.next->public_keys().signing_key) return keys;
        // What was sealed for the epoch before may be opened only now.
        ParticipantKeyFile entered = keys;
        entered.keep_past_opening();
        entered.signing = keys.next->signing;
        entered.opening = keys.next->opening;
        entered.next.reset();
        const auto written = write_participant_keys(keys_file_, entered, true);
        if (!written.ok()) return fail(EpochError::keys_unwritable, written.error().message());
        return entered;
    }
    return keys;
}

Result<void> EpochFiles::keep(const model::Charter& charter) const {
    const Bytes bytes = cbor::encode(charter);
    CHECK(write_file(kept_charter(), text_of(bytes)));
    const auto configured = write_file(charter_file_, text_of(bytes));
    if (!configured.ok())
        say(LogLevel::warning, "charter_unwritable",
            "the configured charter does not name the new epoch, and cannot be written: " +
                configured.error().message() + ". Commands that check against it need " +
                kept_charter());
    return success();
}

void EpochFiles::forget_past_openings() const {
    auto keys = read_participant_keys(keys_file_);
    if (!keys.ok() || keys->past_openings.empty()) return;
    keys->past_openings.clear();
    if (const auto written = write_participant_keys(keys_file_, *keys, true); !written.ok())
        say(LogLevel::warning, "keys_unwritable",
            "the opening keys of earlier epochs are not needed any more, and cannot be erased: " +
                written.error().message());
}

model::HeldKeys EpochFiles::next_keys(const ParticipantKeyFile& keys) const {
    const auto held = [&](const EpochSecrets& secrets) {
        const auto named = secrets.public_keys();
        const auto identity = keys.keys().identity.public_key();
        return model::HeldKeys{named, Ed25519Secret::from_seed(secrets.signing)
                                          .sign(model::possession_statement(identity, named))};
    };
    if (keys.next) return held(*keys.next);
    ParticipantKeyFile with_next = keys;
    with_next.next = EpochSecrets{random_secret(), random_secret()};
    if (const auto written = write_participant_keys(keys_file_, with_next, true); !written.ok()) {
        say(LogLevel::warning, "keys_unwritable",
            "the next epoch is entered with the keys of this one, for new ones cannot be kept: " +
                written.error().message());
        return held({keys.signing, keys.opening});
    }
    return held(*with_next.next);
}

}  // namespace tally::cli
