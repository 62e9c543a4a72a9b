// `tally keys`: make keys, show their public halves, sign tokens for readers.
#pragma once

#include <optional>
#include <string>

#include "cli/output.hpp"

namespace tally::cli {

struct KeysNew {
    std::string file;
    std::string algorithm = "EdDSA";
    bool participant = false;  ///< identity, signing and opening keys in one file
};
struct KeysShow {
    std::string file;
};
struct KeysToken {
    std::string file;
    std::string network;  ///< 64 hexadecimal digits; or
    std::string charter;  ///< its file
    std::string participant;
};

[[nodiscard]] Result<Exit> keys_new(const KeysNew& options, const Output& output);
[[nodiscard]] Result<Exit> keys_show(const KeysShow& options, const Output& output);
[[nodiscard]] Result<Exit> keys_token(const KeysToken& options, const Output& output);

}  // namespace tally::cli
