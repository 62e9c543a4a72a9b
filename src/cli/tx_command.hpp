// `tally tx`: sign transactions, submit them and check what became of them, ask by id.
#pragma once

#include "cli/connection.hpp"

namespace tally::cli {

struct TxSign {
    std::string changes;  ///< JSON, @FILE, or - for standard input
    std::string key;
    std::string ledger;
    std::string nonce;  ///< empty: a random one
    uint64_t expire_in_s = 300;
    uint64_t expire_ms = 0;  ///< in its place, if not zero
    uint64_t fuel = fuel_default;
    bool sealed = false;  ///< hidden until its order is decided
    Trust trust;
    Connection connection;
};
struct TxSubmit {
    TxSign sign;
    std::string signed_file;        ///< in place of changes and key: FILE, or -
    std::vector<std::string> also;  ///< participants that get a copy: it takes effect once
    std::string wait = "certified";
    uint64_t timeout_ms = 10'000;
    bool unverified = false;  ///< believe the participant
};
struct TxShow {
    std::string ledger, id;
    std::string wait;  ///< empty: what is known now
    uint64_t timeout_ms = 10'000;
    Connection connection;
};

/// Prints the envelope, a compact JWS.
[[nodiscard]] Result<Exit> tx_sign(const TxSign& options, const Output& output);
/// Waits, then fetches the proof of inclusion and result, and checks it against the charter.
[[nodiscard]] Result<Exit> tx_submit(const TxSubmit& options, const Output& output);
[[nodiscard]] Result<Exit> tx_show(const TxShow& options, const Output& output);

/// The id that a compact JWS has as a transaction, whether it is valid or not.
[[nodiscard]] Hash transaction_id_of(const std::string& envelope);

}  // namespace tally::cli
