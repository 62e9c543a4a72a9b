#include "model/reader_token.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tally::model {
namespace {

namespace bj = boost::json;

Result<bj::object> object_of(std::string_view part) {
    TRY(bytes, from_base64url(part));
    TRY(value, parse_json(bytes));
    if (!value.is_object()) return fail(TokenError::not_a_token, "not a JSON object");
    return std::move(value.get_object());
}

Result<std::string> text_field(const bj::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_string())
        return fail(TokenError::not_a_token, std::string(name) + " is missing");
    return std::string(value->get_string());
}

Result<uint64_t> number_field(const bj::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0)
        return fail(TokenError::not_a_token, std::string(name) + " is missing");
    return uint64_t(value->get_int64());
}

bool verifies(const PublicKey& key, std::string_view algorithm, ByteView message,
              const Signature& signature) {
    switch (key.type) {
    case KeyType::ed25519: {
        Ed25519Public raw;
        std::copy(key.bytes.begin(), key.bytes.end(), raw.begin());
        return algorithm == "EdDSA" && ed25519_verify(raw, message, signature);
    }
    case KeyType::secp256k1:
        return algorithm == "ES256K" && es256k_verify(key.bytes, message, signature);
    }
    std::abort();
}

}  // namespace

ErrorText describe(TokenError error) {
    switch (error) {
    case TokenError::not_a_token:
        return {"not_a_token", "the Bearer token is not a reader token",
                "Make one with `tally keys token`"};
    case TokenError::bad_signature:
        return {"token_bad_signature", "the Bearer token's signature is not valid",
                "Sign it again, with the key that it names"};
    case TokenError::wrong_network:
        return {"token_wrong_network", "the Bearer token is for another network",
                "Make one for this network: `tally keys token`"};
    case TokenError::wrong_participant:
        return {"token_wrong_participant", "the Bearer token is for another participant",
                "Make one for this participant"};
    case TokenError::not_now:
        return {"token_not_now", "the Bearer token is not valid at this time",
                "Make a new one; check the clock"};
    case TokenError::too_long:
        return {"token_too_long", "the Bearer token is valid for more than five minutes",
                "Set exp at most 300 seconds after iat"};
    }
    std::abort();
}

Result<std::string> check_token(std::string_view token, const Hash& network,
                                std::string_view participant, uint64_t now_seconds) {
    if (token.size() > token_bytes_max) return TokenError::not_a_token;
    const size_t first = token.find('.');
    const size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos)
        return fail(TokenError::not_a_token, "not a compact JWS");
    TRY(header, object_of(token.substr(0, first)));
    TRY(payload, object_of(token.substr(first + 1, second - first - 1)));
    TRY(signature_bytes, from_base64url(token.substr(second + 1)));
    TRY(algorithm, text_field(header, "alg"));
    TRY(did, text_field(header, "kid"));
    TRY(key, public_key_from_did(did));
    Signature signature;
    if (signature_bytes.size() != signature.size()) return TokenError::bad_signature;
    std::copy(signature_bytes.begin(), signature_bytes.end(), signature.begin());
    if (!verifies(key, algorithm, view_of(token.substr(0, second)), signature))
        return TokenError::bad_signature;

    if (header.size() != 2 || payload.size() != 4)
        return fail(TokenError::not_a_token, "unknown fields");
    TRY(named_network, text_field(payload, "network"));
    TRY(named_participant, text_field(payload, "participant"));
    TRY(issued, number_field(payload, "iat"));
    TRY(expires, number_field(payload, "exp"));
    if (named_network != network.hex()) return TokenError::wrong_network;
    if (named_participant != participant)
        return fail(TokenError::wrong_participant, named_participant);
    if (expires < issued || expires - issued > token_seconds_max) return TokenError::too_long;
    if (issued > now_seconds + token_clock_skew_seconds || expires < now_seconds)
        return TokenError::not_now;
    return did;
}

std::string sign_token(const Hash& network, std::string_view participant, uint64_t now_seconds,
                       const SecretKey& secret) {
    const bj::object payload{{"network", network.hex()},
                             {"participant", participant},
                             {"iat", now_seconds},
                             {"exp", now_seconds + token_seconds_max}};
    return sign_payload(bj::serialize(payload), secret);
}

}  // namespace tally::model
