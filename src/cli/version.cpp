#include "cli/version.hpp"

namespace tally::cli {

std::string build_version() {
    return TALLY_VERSION;
}

}  // namespace tally::cli
