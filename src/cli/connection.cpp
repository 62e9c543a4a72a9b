#include "cli/connection.hpp"

#include <chrono>

#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/usage.hpp"
#include "model/reader_token.hpp"

namespace tally::cli {

Result<Client> connect(const Connection& connection, std::optional<int> timeout_ms) {
    TRY(url, parse_url(connection.url));
    Client client(url);
    if (timeout_ms) client.set_timeout_ms(*timeout_ms);
    client.set_waits(true);
    if (connection.key.empty()) return client;
    TRY(key, read_identity_key(connection.key));
    TRY(status, client.get("/v1/status"));
    TRY(network, hash_from_hex(text_in(status.body, "network")));
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    client.set_token(
        model::sign_token(network, text_in(status.body, "participant"), uint64_t(now), key));
    return client;
}

Result<model::Charter> obtain_charter(const Trust& trust, Client& client, const Output& output) {
    if (!trust.charter.empty()) {
        TRY(charter, read_charter(trust.charter));
        const std::string network = model::network_id_of(charter.body).hex();
        if (!trust.network.empty() && trust.network != network)
            return fail(UsageError::wrong_network,
                        "--network is " + trust.network + ", the charter is that of " + network);
        return charter;
    }
    TRY(bytes, client.get_bytes("/v1/charter"));
    TRY(charter, model::decode_charter(bytes));
    const std::string network = model::network_id_of(charter.body).hex();
    if (trust.network.empty()) {
        output.note("Believing this participant that the network is " + network +
                    "; give --charter FILE to check against your own copy.");
    } else if (trust.network != network) {
        return fail(UsageError::wrong_network,
                    "--network is " + trust.network + ", the participant belongs to " + network);
    }
    return charter;
}

Result<std::string> ledger_of(const model::Charter& charter, const std::string& name) {
    if (!name.empty()) {
        if (!charter.ledger(name)) return fail(UsageError::no_such_ledger, name);
        return name;
    }
    if (charter.body.ledgers.size() != 1)
        return fail(UsageError::missing_argument, "the network has several ledgers: give --ledger");
    return std::string(charter.body.ledgers.front().name);
}

}  // namespace tally::cli
