// Connection: how a command reaches a participant, as whom, and which charter it trusts.
#pragma once

#include "cli/client.hpp"
#include "cli/output.hpp"

namespace tally::cli {

constexpr const char* url_default = "http://127.0.0.1:7080";

struct Connection {
    std::string url = url_default;
    std::string key;  ///< a key file to read as; empty: the role `public`
};
/// Does not dial yet, unless a key is given: then the participant is asked for its name, which the
/// reader's token carries.
/// `timeout_ms`: of this and every later call; none: the client's own.
[[nodiscard]] Result<Client> connect(const Connection& connection,
                                     std::optional<int> timeout_ms = {});

/// What the user knows of the network beforehand.
struct Trust {
    std::string charter;  ///< its file; or
    std::string network;  ///< its id; or neither: the participant is believed
};
/// The charter to check everything against. Without a file it is fetched from the participant, and
/// must have the network id if one is given; else a note says that the participant was believed.
[[nodiscard]] Result<model::Charter> obtain_charter(const Trust& trust, Client& client,
                                                    const Output& output);
/// `name`, or the charter's only ledger if it is empty.
[[nodiscard]] Result<std::string> ledger_of(const model::Charter& charter, const std::string& name);

}  // namespace tally::cli
