// Reader tokens: how a reader shows who it is (docs/protocol.md, section 9).
//
// A compact JWS, as an HTTP Bearer token, whose payload is {"network", "participant", "iat",
// "exp"}: times in seconds since the Unix epoch, at most five minutes apart; `participant` is the
// name of the one it is shown to, so that no participant can use it at another.
#pragma once

#include "model/envelope.hpp"

namespace tally::model {

enum class TokenError {
    not_a_token,
    bad_signature,
    wrong_network,
    wrong_participant,
    not_now,
    too_long
};
ErrorText describe(TokenError error);

constexpr uint64_t token_seconds_max = 300;
constexpr uint64_t token_clock_skew_seconds = 30;
constexpr size_t token_bytes_max = 2'048;

/// The reader's did:key, if the token is valid here and now.
[[nodiscard]] Result<std::string> check_token(std::string_view token, const Hash& network,
                                              std::string_view participant, uint64_t now_seconds);

/// The reader's side: a token valid from `now_seconds` on, as long as one may be. Nothing is
/// checked.
[[nodiscard]] std::string sign_token(const Hash& network, std::string_view participant,
                                     uint64_t now_seconds, const SecretKey& secret);

}  // namespace tally::model
