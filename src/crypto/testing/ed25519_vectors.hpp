// For tests only: the vectors to which every Ed25519 verifier is held
// (tests/golden/ed25519-vectors.json, made by scripts/make-ed25519-vectors).
//
// Whoever includes this links Boost::json and defines TALLY_SOURCE_DIR.
#pragma once

#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>

#include "crypto/keys.hpp"

namespace tally {

struct Ed25519Vector {
    std::string name;
    std::string separates;  ///< which verifiers it tells apart
    std::string form;       ///< of the message: "bytes", "envelope" or "token"
    Bytes message;
    Ed25519Public key{};
    Signature signature{};
    bool valid = false;         ///< the verdict that every verifier must give
    bool cofactorless = false;  ///< what the equation alone says, on points as they may be read
    bool cofactored = false;    ///< what the one with cofactor says

    /// The compact JWS, if the message is what one signs.
    [[nodiscard]] std::string jws() const {
        return std::string(text_of(message)) + '.' + to_base64url(signature);
    }
};

/// When the tokens among the messages are shown, in seconds since the epoch of Unix.
constexpr uint64_t ed25519_vectors_now_s = 1'700'000'000;

/// All of them, or those with a message of one form.
inline std::vector<Ed25519Vector> ed25519_vectors(std::string_view form = {}) {
    std::ifstream file(TALLY_SOURCE_DIR "/tests/golden/ed25519-vectors.json");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto json = boost::json::parse(text);
    ENSURE(json.at("now").as_int64() == int64_t{ed25519_vectors_now_s});
    std::vector<Ed25519Vector> vectors;
    for (const auto& from : json.at("vectors").as_array()) {
        const auto string = [&](const char* key) { return std::string(from.at(key).as_string()); };
        const auto bytes = [&](const char* key) { return *from_hex(string(key)); };
        Ed25519Vector one{string("name"),
                          string("separates"),
                          string("form"),
                          bytes("message"),
                          {},
                          {},
                          from.at("valid").as_bool(),
                          from.at("cofactorless").as_bool(),
                          from.at("cofactored").as_bool()};
        const Bytes key = bytes("key"), signature = bytes("signature");
        ENSURE(key.size() == one.key.size() && signature.size() == one.signature.size());
        std::copy(key.begin(), key.end(), one.key.begin());
        std::copy(signature.begin(), signature.end(), one.signature.begin());
        if (form.empty() || one.form == form) vectors.push_back(std::move(one));
    }
    ENSURE(!vectors.empty());
    return vectors;
}

}  // namespace tally
