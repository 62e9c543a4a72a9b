// Key files: JSON, readable by their owner only.
//
//     {"tally": "participant-keys/1", "identity": seed, "signing": seed, "opening": secret,
//      "next_signing": seed, "next_opening": secret,   of the next epoch; may be missing
//      "past_openings": [secret]}   of earlier epochs, until nothing is sealed for them any more
//     {"tally": "identity-key/1", "alg": "EdDSA" or "ES256K", "secret": 32 bytes}
//
// all as 64 hexadecimal digits.
#pragma once

#include <boost/json/object.hpp>

#include "cli/participant.hpp"
#include "model/envelope.hpp"

namespace tally::cli {

/// The secret halves of model::EpochKeys.
struct EpochSecrets {
    std::array<uint8_t, 32> signing{}, opening{};
    [[nodiscard]] model::EpochKeys public_keys() const;
};
struct ParticipantKeyFile {
    std::array<uint8_t, 32> identity{}, signing{}, opening{};
    std::optional<EpochSecrets> next = {};
    std::vector<std::array<uint8_t, 32>> past_openings = {};  ///< newest first, a few
    /// The opening key is of an epoch that is over.
    void keep_past_opening();
    [[nodiscard]] ParticipantKeys keys() const;
    /// The public halves, as a charter's draft has them.
    [[nodiscard]] boost::json::object public_json() const;
};
[[nodiscard]] ParticipantKeyFile new_participant_keys();
[[nodiscard]] Result<ParticipantKeyFile> read_participant_keys(const std::string& path);
[[nodiscard]] Result<void> write_participant_keys(const std::string& path,
                                                  const ParticipantKeyFile& keys,
                                                  bool replace = false);

/// Which participant these keys belong to, in the charter's newest epoch. All three must be the
/// charter's.
[[nodiscard]] Result<Participant> participant_of(const model::Charter& charter,
                                                 const ParticipantKeyFile& file);

/// A user's key; a participant's file gives its identity key.
[[nodiscard]] Result<model::SecretKey> read_identity_key(const std::string& path);
/// Writes the file; `algorithm` is EdDSA or ES256K.
[[nodiscard]] Result<model::SecretKey> new_identity_key(const std::string& path,
                                                        std::string_view algorithm);
[[nodiscard]] std::array<uint8_t, 32> random_secret();

}  // namespace tally::cli
