#include "cli/limits_command.hpp"

#include <boost/json/array.hpp>
#include <vector>

#include "api/api.hpp"
#include "api/quotas.hpp"
#include "base/limits.hpp"
#include "cli/input_queue.hpp"
#include "cli/read_queue.hpp"
#include "cli/table.hpp"
#include "io/http_server.hpp"
#include "io/peer_net.hpp"
#include "ledger/schema.hpp"
#include "model/charter.hpp"
#include "model/cut_limits.hpp"
#include "model/reader_token.hpp"
#include "node/node.hpp"
#include "proving/verify/proof_file.hpp"
#include "query/query.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

struct Limit {
    std::string what, at_most;
};

std::string counted(uint64_t number) {
    std::string text = std::to_string(number);
    for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

std::string sized(uint64_t bytes) {
    constexpr uint64_t kib = 1024, mib = kib * kib, gib = kib * mib;
    if (bytes % gib == 0) return counted(bytes / gib) + " GiB";
    if (bytes % mib == 0) return counted(bytes / mib) + " MiB";
    if (bytes % kib == 0) return counted(bytes / kib) + " KiB";
    return counted(bytes) + " bytes";
}

std::string timed(uint64_t ms) {
    constexpr uint64_t second = 1'000, minute = 60 * second, hour = 60 * minute;
    if (ms % hour == 0) return counted(ms / hour) + " h";
    if (ms % minute == 0) return counted(ms / minute) + " min";
    if (ms % second == 0) return counted(ms / second) + " s";
    return counted(ms) + " ms";
}

/// Of what a network and its ledgers hold.
void add_network(std::vector<Limit>& to) {
    const model::Parameters parameters;
    to.push_back({"participants of a network", counted(limits::participants_max)});
    to.push_back({"ledgers of a network", counted(limits::ledgers_max)});
    to.push_back({"a ledger's name; other names",
                  sized(limits::ledger_name_bytes_max) + "; " + sized(limits::name_bytes_max)});
    to.push_back({"a transaction's envelope", sized(limits::envelope_bytes_max)});
    to.push_back(
        {"changes in a transaction, with nested ones", counted(limits::transaction_changes_max)});
    to.push_back({"shares of sealed transactions in a block, one for each and each participant",
                  counted(limits::sealed_shares_per_block_max)});
    to.push_back({"a nonce", sized(limits::nonce_bytes_max)});
    to.push_back({"a transaction's life, from signing to `expire`",
                  timed(parameters.expire_ahead_ms) + " by default; " +
                      timed(limits::expire_ahead_ms_max) + " (`expire_ahead_ms` of the charter)"});
    to.push_back({"a subject's fields together", sized(limits::value_bytes_max)});
    to.push_back({"collections of a ledger; predicates of a collection",
                  counted(ledger::collection_max) + "; " + counted(ledger::sheet_predicates_max)});
    to.push_back({"nesting of JSON; of CBOR",
                  counted(limits::json_depth_max) + "; " + counted(limits::cbor_depth_max)});
    to.push_back({"a batch of transactions",
                  sized(limits::batch_bytes_max) + ", " +
                      counted(limits::batch_bytes_max / model::envelope_bytes_min) + " envelopes"});
    to.push_back({"a proof file", sized(proving::proof_file_bytes_max)});
    to.push_back({"a reader's token; its life",
                  sized(model::token_bytes_max) + "; " + timed(model::token_seconds_max * 1'000)});
}

/// Of what peers may send and leave waiting.
void add_peers(std::vector<Limit>& to) {
    const InputQueue::Limits queue;
    const io::PeerNetSetup net{};
    to.push_back({"a message between participants", sized(limits::peer_message_bytes_max)});
    to.push_back({"messages of one peer that wait for the step",
                  sized(queue.peer_bytes_max) + ", " + counted(queue.peer_messages_max)});
    to.push_back({"messages that wait to be sent to one peer",
                  sized(net.queue_bytes_max) + ", " + counted(net.queue_messages_max)});
    to.push_back(
        {"connections to the peer port that have proved nothing; for how long",
         counted(net.half_open_max) + "; " + timed(uint64_t(net.timing.handshake_ms_max))});
}

/// Of what clients may ask for.
void add_clients(std::vector<Limit>& to) {
    const InputQueue::Limits queue;
    const io::HttpServerLimits http;
    const api::QuotaRates rates;
    const node::Config config;
    to.push_back({"an HTTP request's header; its body",
                  sized(http.header_bytes_max) + "; " + sized(http.body_bytes_max)});
    to.push_back({"for a whole HTTP request to arrive; for its answer to be read",
                  timed(uint64_t(http.idle_ms_max)) + "; " + timed(uint64_t(http.write_ms_max))});
    to.push_back({"HTTP connections (`http_connections_max`)", counted(http.connections_max)});
    to.push_back({"answers that clients have not read, together", sized(http.unsent_bytes_max)});
    to.push_back({"HTTP requests' bodies on their way, together", sized(http.arriving_bytes_max)});
    to.push_back({"reads that wait, of one address; together; a query",
                  counted(ReadQueue::waiting_of_one_max) + "; " + counted(ReadQueue::waiting_max) +
                      "; " + sized(api::Api::query_bytes_max)});
    to.push_back({"requests that wait for the step, together",
                  sized(queue.requests_bytes_max) + ", " + counted(queue.requests_max)});
    to.push_back(
        {"transactions that wait for a batch, together", sized(config.submitted_bytes_max)});
    to.push_back({"transactions from one address (`address_transactions_per_s_max`)",
                  counted(rates.address_transactions_per_s_max) + " a second"});
    to.push_back(
        {"transactions of one signer (`signer_transactions_per_s_max`, "
         "`signer_bytes_per_s_max`)",
         counted(rates.signer_transactions_per_s_max) + ", " + sized(rates.signer_bytes_per_s_max) +
             " a second"});
    to.push_back(
        {"transactions of all signers together whom the ledger does not know "
         "(`strangers_transactions_per_s_max`)",
         counted(rates.strangers_transactions_per_s_max) + " a second"});
    to.push_back({"addresses, and signers, that are told apart for this",
                  counted(api::Quotas::clients_max) + " each"});
    to.push_back({"rows of one answer; entries looked at for it",
                  counted(limits::query_rows_max) + ", " + sized(query::answer_bytes_max) + "; " +
                      counted(limits::query_scanned_max)});
}

}  // namespace

Result<Exit> show_limits(const LimitsOptions& options, const Output& output) {
    std::vector<Limit> all;
    add_network(all);
    add_peers(all);
    add_clients(all);
    bj::array json;
    std::vector<std::vector<std::string>> rows{{"what", "at most"}};
    std::string markdown = "| | At most |\n|---|---|";
    for (const auto& limit : all) {
        json.push_back({{"what", limit.what}, {"at_most", limit.at_most}});
        rows.push_back({limit.what, limit.at_most});
        markdown += "\n| " + limit.what + " | " + limit.at_most + " |";
    }
    output.json_only(json);
    constexpr size_t cell_max = 120;
    output.line(options.markdown ? markdown : table(rows, cell_max));
    return Exit::applied;
}

}  // namespace tally::cli
