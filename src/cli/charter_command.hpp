// `tally charter`: write a charter from its draft, sign it, show it.
#pragma once

#include <string>

#include "cli/output.hpp"

namespace tally::cli {

struct CharterNew {
    std::string draft, out;
};
struct CharterSign {
    std::string file, keys;
};
struct CharterShow {
    std::string file;
};

[[nodiscard]] Result<Exit> charter_new(const CharterNew& options, const Output& output);
[[nodiscard]] Result<Exit> charter_sign(const CharterSign& options, const Output& output);
[[nodiscard]] Result<Exit> charter_show(const CharterShow& options, const Output& output);

}  // namespace tally::cli
