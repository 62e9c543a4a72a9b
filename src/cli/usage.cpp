#include "cli/usage.hpp"

#include "crypto/hash.hpp"

namespace tally::cli {

ErrorText describe(UsageError error) {
    switch (error) {
    case UsageError::missing_argument:
        return {"usage", "an argument is missing", "Run the command with --help"};
    case UsageError::bad_argument:
        return {"usage", "an argument is not usable", "Run the command with --help"};
    case UsageError::bad_command_line:
        return {"usage", "the command cannot be understood", "Run it with --help"};
    case UsageError::no_such_participant:
        return {"no_such_participant", "the charter names no such participant",
                "`tally charter show` lists them"};
    case UsageError::no_such_ledger:
        return {"no_such_ledger", "the charter names no such ledger",
                "`tally charter show` lists them"};
    case UsageError::wrong_network:
        return {"wrong_network", "this concerns another network",
                "Give the charter of the participant's network, or another --url"};
    case UsageError::bad_transaction_id:
        return {"bad_transaction_id", "a transaction id is 64 lower-case hexadecimal digits",
                "`tally tx submit` and `tally tx sign` print it"};
    case UsageError::not_a_founder:
        return {"not_a_founder", "these keys belong to no participant of the charter",
                "Compare `tally keys show` with `tally charter show`"};
    case UsageError::not_loopback:
        return {"not_loopback",
                "HTTP may listen on a loopback address only: this version serves HTTP "
                "without TLS",
                "Set http to 127.0.0.1:PORT or [::1]:PORT, and put a TLS proxy in front"};
    }
    std::abort();
}

Result<void> check_transaction_id(const std::string& text) {
    if (!hash_from_hex(text).ok())
        return fail(UsageError::bad_transaction_id, "not \"" + text + "\"");
    return success();
}

}  // namespace tally::cli
