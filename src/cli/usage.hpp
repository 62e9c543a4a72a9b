// Usage errors: what is wrong with a command's arguments beyond what the grammar can tell.
#pragma once

#include "base/result.hpp"

namespace tally::cli {

enum class UsageError {
    missing_argument,
    bad_argument,
    bad_command_line,
    no_such_participant,
    no_such_ledger,
    wrong_network,
    bad_transaction_id,
    not_a_founder,
    not_loopback,
};
ErrorText describe(UsageError error);

/// 64 lower-case hexadecimal digits.
[[nodiscard]] Result<void> check_transaction_id(const std::string& text);

}  // namespace tally::cli
