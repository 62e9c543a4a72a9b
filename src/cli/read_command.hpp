// `tally get`, `query`, `blocks` and `status`: what participants say. A proof (cli/proof_command)
// is what needs no trust in them.
#pragma once

#include <optional>
#include <vector>

#include "cli/connection.hpp"

namespace tally::cli {

struct Get {
    std::string ledger, subject;
    std::optional<uint64_t> at;
    Connection connection;
};
struct QueryOptions {
    std::string ledger, collection;
    std::vector<std::string> filters;  ///< name>=lib
    std::string order;
    bool descending = false;
    uint64_t limit = 20;
    std::vector<std::string> select;
    std::optional<uint64_t> at;
    Connection connection;
};
struct Blocks {
    std::string ledger;
    std::optional<uint64_t> from;  ///< none: the newest `count`
    uint64_t count = 10;
    Connection connection;
};
struct StatusOptions {
    std::vector<std::string> all;  ///< participants to compare; empty: the one at --url
    Connection connection;
};

[[nodiscard]] Result<Exit> get_subject(const Get& options, const Output& output);
[[nodiscard]] Result<Exit> run_query(const QueryOptions& options, const Output& output);
[[nodiscard]] Result<Exit> show_blocks(const Blocks& options, const Output& output);
[[nodiscard]] Result<Exit> show_status(const StatusOptions& options, const Output& output);

}  // namespace tally::cli
