#include "cli/charter_draft.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "cli/address.hpp"
#include "cli/output.hpp"
#include "cli/toml_file.hpp"
#include "ledger/execution.hpp"
#include "model/json.hpp"

namespace tally::cli {
namespace {

constexpr size_t draft_bytes_max = 1024 * 1024;
constexpr size_t genesis_bytes_max = 16 * 1024 * 1024;
constexpr size_t charter_bytes_max = 512 * 1024 * 1024;  // All epochs, each of 255.
constexpr uint64_t number_max = INT64_MAX;               // What TOML can write.

Result<std::array<uint8_t, 32>> key_of(const toml::table& table, std::string_view key,
                                       std::string_view where) {
    TRY(text, text_of_key(table, key, where));
    const auto bytes = from_hex(text);
    if (!bytes.ok() || bytes->size() != 32)
        return wrong_value(table, key, where, "64 hexadecimal digits");
    std::array<uint8_t, 32> array;
    std::copy(bytes->begin(), bytes->end(), array.begin());
    return array;
}

struct NamedParameter {
    std::string_view name;
    uint64_t model::Parameters::*member;
};
constexpr NamedParameter named_parameters[] = {
    {"window_batches", &model::Parameters::window_batches},
    {"window_bytes", &model::Parameters::window_bytes},
    {"late_after_us", &model::Parameters::late_after_us},
    {"pause_after_blocks", &model::Parameters::pause_after_blocks},
    {"view_timer_us", &model::Parameters::view_timer_us},
    {"clock_behind_us_max", &model::Parameters::clock_behind_us_max},
    {"carried_certificates_max", &model::Parameters::carried_certificates_max},
    {"expire_ahead_ms", &model::Parameters::expire_ahead_ms},
    {"dispute_window_us", &model::Parameters::dispute_window_us},
    {"dispute_window_slots", &model::Parameters::dispute_window_slots},
    {"coded_bytes_min", &model::Parameters::coded_bytes_min},
    {"retention_us", &model::Parameters::retention_us},
    {"retention_slots", &model::Parameters::retention_slots},
    {"whole_us", &model::Parameters::whole_us},
    {"whole_slots", &model::Parameters::whole_slots},
    {"change_us", &model::Parameters::change_us},
    {"change_slots", &model::Parameters::change_slots},
};

}  // namespace

Result<void> read_parameters(const toml::table& table, model::Parameters& to) {
    for (const auto& [key, value] : table) {
        const std::string_view name = key.str();
        const auto* found =
            std::find_if(std::begin(named_parameters), std::end(named_parameters),
                         [&](const NamedParameter& parameter) { return parameter.name == name; });
        if (found == std::end(named_parameters))
            return fail(TomlError::unknown_key, "\"" + std::string(name) + "\" in [parameters]");
        // Each has its own range: model::check_charter_body().
        TRY(number, number_of_key_or(table, name, "[parameters]", {0, number_max}, 0));
        to.*(found->member) = number;
    }
    return success();
}

Result<model::ParticipantEntry> read_participant(const toml::table& table) {
    CHECK(only_keys(table, {"name", "address", "identity", "signing", "opening", "vote_weight"},
                    "[[participant]]"));
    model::ParticipantEntry entry;
    TRY(name, text_of_key(table, "name", "[[participant]]"));
    const std::string where = "participant " + name;
    TRY(address, text_of_key(table, "address", where));
    TRY(identity, key_of(table, "identity", where));
    if (const auto place = parse_address(address); !place || place->port == 0)
        return wrong_value(table, "address", where, "host:port");
    TRY(signing, key_of(table, "signing", where));
    TRY(opening, key_of(table, "opening", where));
    entry.name = name;
    entry.addresses.emplace_back(address);
    entry.identity_key = identity;
    entry.signing_key = signing;
    entry.opening_key = opening;
    TRY(weight, number_of_key_or(table, "vote_weight", where, {1, model::vote_weight_max}, 1));
    entry.vote_weight = weight;
    return entry;
}

namespace {

using Provers = model::Provers;

/// All, unless the ledger lists some.
Result<Provers> read_provers(const toml::table& table, const std::string& where,
                             const model::CharterBody& body) {
    constexpr std::string_view expected = "a list of participants' names";
    TRY(list, list_of_key(table, "provers", where, expected));
    Provers provers;
    if (list == nullptr) {
        for (size_t i = 0; i < body.participants.size(); ++i) provers.push_back({uint8_t(i)});
        return provers;
    }
    for (const auto& prover : *list) {
        const auto wanted = prover.value<std::string>();
        if (!prover.is_string()) return wrong_value(table, "provers", where, expected);
        size_t i = 0;
        while (i < body.participants.size() && body.participants[i].name != *wanted) ++i;
        if (i == body.participants.size())
            return fail(TomlError::bad_value,
                        "provers in " + where + ": no participant is named \"" + *wanted + "\"");
        provers.push_back({uint8_t(i)});
    }
    std::sort(provers.begin(), provers.end());
    if (std::adjacent_find(provers.begin(), provers.end()) != provers.end())
        return fail(TomlError::bad_value, "provers in " + where + " names a participant twice");
    return provers;
}

Result<model::LedgerEntry> read_ledger(const toml::table& table, const std::string& folder,
                                       const model::CharterBody& body) {
    CHECK(only_keys(table, {"name", "genesis", "provers", "forwarding"}, "[[ledger]]"));
    model::LedgerEntry entry;
    TRY(name, text_of_key(table, "name", "[[ledger]]"));
    entry.name = name;
    TRY(provers, read_provers(table, "ledger " + name, body));
    entry.provers = std::move(provers);
    TRY(forwarding, text_of_key_or(table, "forwarding", "ledger " + name, "coded"));
    if (forwarding != "coded" && forwarding != "replicated")
        return wrong_value(table, "forwarding", "ledger " + name, "\"coded\" or \"replicated\"");
    entry.forwarding =
        forwarding == "coded" ? model::Forwarding::coded : model::Forwarding::replicated;
    TRY(file, text_of_key(table, "genesis", "ledger " + name));
    TRY(text, read_file((std::filesystem::path(folder) / file).string(), genesis_bytes_max));
    auto json = model::parse_json(view_of(text));
    if (!json.ok()) return fail(TomlError::bad_value, file + ": " + json.error().message());
    if (!json->is_array()) return fail(TomlError::bad_value, file + " is not a JSON list");
    for (const auto& change : json->get_array())
        entry.genesis.emplace_back(boost::json::serialize(change));
    return entry;
}

/// A new tree has nothing to load.
class NoPages final : public tree::PageSource {
public:
    Result<Bytes> page(uint64_t, uint32_t) const override { return tree::TreeError::damaged; }
};

/// Nobody should sign a charter whose ledgers cannot begin.
Result<void> check_genesis(const model::CharterBody& body) {
    const Hash network = model::network_id_of(body);
    const NoPages none;
    for (const auto& ledger : body.ledgers) {
        tree::Tree tree(none);
        const auto executed = ledger::genesis(tree, ledger, network);
        if (!executed.ok())
            return fail(DraftError::bad_genesis, ledger.name + ": " + executed.error().message());
    }
    return success();
}

}  // namespace

ErrorText describe(DraftError error) {
    switch (error) {
    case DraftError::bad_genesis:
        return {"bad_genesis", "a ledger's first changes are refused",
                "Correct them before anyone signs"};
    }
    std::abort();
}

Result<model::CharterBody> parse_draft(std::string_view text, const std::string& folder,
                                       Micros genesis_time) {
    TRY(table, parse_toml(text, "the draft"));
    CHECK(only_keys(table, {"name", "parameters", "participant", "ledger"}, "the draft"));
    model::CharterBody body;
    TRY(name, text_of_key(table, "name", "the draft"));
    body.name = name;
    body.genesis_time = genesis_time;
    if (const auto* parameters = table.get("parameters")) {
        if (!parameters->is_table())
            return wrong_value(table, "parameters", "the draft", "a table: [parameters]");
        CHECK(read_parameters(*parameters->as_table(), body.parameters));
    }
    TRY(participants, list_of_key(table, "participant", "the draft", "[[participant]]"));
    for (size_t i = 0; participants != nullptr && i < participants->size(); ++i) {
        const auto* one = (*participants)[i].as_table();
        if (one == nullptr)
            return wrong_value(table, "participant", "the draft", "[[participant]]");
        TRY(entry, read_participant(*one));
        body.participants.push_back(std::move(entry));
    }
    TRY(ledgers, list_of_key(table, "ledger", "the draft", "[[ledger]]"));
    for (size_t i = 0; ledgers != nullptr && i < ledgers->size(); ++i) {
        const auto* one = (*ledgers)[i].as_table();
        if (one == nullptr) return wrong_value(table, "ledger", "the draft", "[[ledger]]");
        TRY(entry, read_ledger(*one, folder, body));
        body.ledgers.push_back(std::move(entry));
    }
    CHECK(model::check_charter_body(body));
    CHECK(check_genesis(body));
    return body;
}

Result<model::CharterBody> read_draft(const std::string& path, Micros genesis_time) {
    TRY(text, read_file(path, draft_bytes_max));
    return parse_draft(text, std::filesystem::path(path).parent_path().string(), genesis_time);
}

Result<model::Charter> read_charter(const std::string& path) {
    TRY(bytes, read_file(path, charter_bytes_max));
    return model::decode_charter(view_of(bytes));
}

Result<model::Charter> read_unsigned_charter(const std::string& path) {
    TRY(bytes, read_file(path, charter_bytes_max));
    TRY(charter, model::decode_unsigned_charter(view_of(bytes)));
    CHECK(check_genesis(charter.body));
    return charter;
}

namespace {
constexpr NumberRange http_connections{16, 65'536};
constexpr NumberRange rates{0, uint64_t{1} << 40};  ///< 0: no limit
constexpr NumberRange restore_rates{1'024, uint64_t{1} << 40};
}  // namespace

Result<NodeConfig> read_node_config(const std::string& path) {
    TRY(text, read_file(path, draft_bytes_max));
    TRY(table, parse_toml(text, path));
    CHECK(only_keys(table,
                    {"charter", "keys", "data", "listen", "http", "start_counter",
                     "http_connections_max", "log_level", "log_format",
                     "address_transactions_per_s_max", "signer_transactions_per_s_max",
                     "signer_bytes_per_s_max", "strangers_transactions_per_s_max",
                     "snapshot_after_slots", "scrub_hours", "restore_bytes_per_s", "join"},
                    path));
    NodeConfig config;
    const auto folder = std::filesystem::path(path).parent_path();
    const auto file = [&](std::string_view name) -> Result<std::string> {
        TRY(value, text_of_key(table, name, path));
        return (folder / value).string();
    };
    TRY(charter, file("charter"));
    TRY(keys, file("keys"));
    TRY(data, file("data"));
    config.charter = charter;
    config.keys = keys;
    config.data = data;
    const auto address = [&](const char* name, std::string otherwise) -> Result<std::string> {
        TRY(value, text_of_key_or(table, name, path, std::move(otherwise)));
        if (!value.empty() && !parse_address(value))
            return wrong_value(table, name, path, "host:port");
        return value;
    };
    TRY(listen, address("listen", {}));
    TRY(http, address("http", config.http));
    config.listen = listen;
    config.http = http;
    TRY(snapshot_after_slots, number_of_key_or(table, "snapshot_after_slots", path, {0, UINT32_MAX},
                                               config.snapshot_after_slots));
    config.snapshot_after_slots = snapshot_after_slots;
    TRY(level, text_of_key_or(table, "log_level", path, "info"));
    TRY(format, text_of_key_or(table, "log_format", path, "text"));
    const auto log_level = log_level_of(level);
    if (!log_level) return wrong_value(table, "log_level", path, "info, warning or error");
    const auto log_format = log_format_of(format);
    if (!log_format) return wrong_value(table, "log_format", path, "text or json");
    config.log = {*log_level, *log_format};
    const auto number = [&](const char* name, NumberRange range, auto& to) -> Result<void> {
        TRY(value, number_of_key_or(table, name, path, range, to));
        to = value;
        return success();
    };
    CHECK(number("http_connections_max", http_connections, config.http_connections_max));
    auto& quotas = config.quotas;
    CHECK(number("address_transactions_per_s_max", rates, quotas.address_transactions_per_s_max));
    CHECK(number("signer_transactions_per_s_max", rates, quotas.signer_transactions_per_s_max));
    CHECK(number("signer_bytes_per_s_max", rates, quotas.signer_bytes_per_s_max));
    CHECK(
        number("strangers_transactions_per_s_max", rates, quotas.strangers_transactions_per_s_max));
    CHECK(number("restore_bytes_per_s", restore_rates, config.restore_bytes_per_s));
    TRY(start_counter, text_of_key_or(table, "start_counter", path, {}));
    if (!start_counter.empty()) config.start_counter = (folder / start_counter).string();
    TRY(scrub_hours,
        number_of_key_or(table, "scrub_hours", path, {1, 24 * 365}, config.scrub_hours));
    config.scrub_hours = scrub_hours;
    TRY(join, text_of_key_or(table, "join", path, {}));
    if (!join.empty()) config.join = (folder / join).string();
    return config;
}

}  // namespace tally::cli
