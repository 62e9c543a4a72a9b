// Usage errors: what is wrong with a command's arguments beyond what the grammar can tell.
#pragma once

#include "base/result.hpp"

namespace tally::cli {

enum class UsageError {
    missing_argument,
    bad_argument,
    no_such_participant,
    no_such_ledger,
    not_a_founder,
    not_loopback,
};
ErrorText describe(UsageError error);

}  // namespace tally::cli
