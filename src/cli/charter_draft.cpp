#include "cli/charter_draft.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <initializer_list>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "cli/output.hpp"
#include "ledger/execution.hpp"
#include "model/json.hpp"

namespace tally::cli {
namespace {

constexpr size_t draft_bytes_max = 1024 * 1024;
constexpr size_t genesis_bytes_max = 16 * 1024 * 1024;
constexpr size_t charter_bytes_max = 64 * 1024 * 1024;

Result<toml::table> parse_toml(std::string_view text, std::string_view what) {
    auto parsed = toml::parse(text);
    if (parsed.failed())
        return fail(DraftError::not_toml,
                    std::string(what) + ": " + std::string(parsed.error().description()) +
                        " in line " + std::to_string(parsed.error().source().begin.line));
    return std::move(parsed).table();
}

Result<void> only_keys(const toml::table& table, std::initializer_list<std::string_view> known,
                       std::string_view where) {
    for (const auto& [key, value] : table) {
        if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
        std::string names;
        for (const auto name : known) names += (names.empty() ? "" : ", ") + std::string(name);
        return fail(DraftError::unknown_key, "\"" + std::string(key.str()) + "\" in " +
                                                 std::string(where) + "; known are " + names);
    }
    return success();
}

Result<std::string> text_of_key(const toml::table& table, std::string_view key,
                                std::string_view where) {
    const auto value = table[key].value<std::string>();
    if (!value || value->empty())
        return fail(DraftError::bad_value,
                    std::string(key) + " in " + std::string(where) + " must be a text");
    return *value;
}

Result<std::array<uint8_t, 32>> key_of(const toml::table& table, std::string_view key,
                                       std::string_view where) {
    TRY(text, text_of_key(table, key, where));
    const auto bytes = from_hex(text);
    if (!bytes.ok() || bytes->size() != 32)
        return fail(DraftError::bad_value, std::string(key) + " in " + std::string(where) +
                                               " must be 64 hexadecimal digits");
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
};

Result<void> read_parameters(const toml::table& table, model::Parameters& to) {
    for (const auto& [key, value] : table) {
        const std::string_view name = key.str();
        const auto* found =
            std::find_if(std::begin(named_parameters), std::end(named_parameters),
                         [&](const NamedParameter& parameter) { return parameter.name == name; });
        if (found == std::end(named_parameters))
            return fail(DraftError::unknown_key,
                        "\"" + std::string(key.str()) + "\" in [parameters]");
        const auto number = value.value<int64_t>();
        if (!number || *number < 0)
            return fail(DraftError::bad_value, std::string(key.str()) + " must be a number");
        to.*(found->member) = uint64_t(*number);
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
    TRY(signing, key_of(table, "signing", where));
    TRY(opening, key_of(table, "opening", where));
    entry.name = name;
    entry.addresses.emplace_back(address);
    entry.identity_key = identity;
    entry.signing_key = signing;
    entry.opening_key = opening;
    entry.vote_weight = uint64_t(std::max<int64_t>(0, table["vote_weight"].value_or<int64_t>(1)));
    return entry;
}

Result<model::LedgerEntry> read_ledger(const toml::table& table, const std::string& folder,
                                       const model::CharterBody& body) {
    CHECK(only_keys(table, {"name", "genesis", "provers"}, "[[ledger]]"));
    model::LedgerEntry entry;
    TRY(name, text_of_key(table, "name", "[[ledger]]"));
    entry.name = name;
    if (const auto* provers = table["provers"].as_array()) {
        for (const auto& prover : *provers) {
            const auto wanted = prover.value<std::string>().value_or("");
            size_t i = 0;
            while (i < body.participants.size() && body.participants[i].name != wanted) ++i;
            if (i == body.participants.size())
                return fail(DraftError::bad_value, "no participant is named \"" + wanted + "\"");
            entry.provers.push_back({uint8_t(i)});
        }
        std::sort(entry.provers.begin(), entry.provers.end());
    } else {
        for (size_t i = 0; i < body.participants.size(); ++i) entry.provers.push_back({uint8_t(i)});
    }
    TRY(file, text_of_key(table, "genesis", "ledger " + name));
    TRY(text, read_file((std::filesystem::path(folder) / file).string(), genesis_bytes_max));
    auto json = model::parse_json(view_of(text));
    if (!json.ok()) return fail(DraftError::bad_value, file + ": " + json.error().message());
    if (!json->is_array()) return fail(DraftError::bad_value, file + " is not a JSON list");
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
    case DraftError::not_toml: return {"not_toml", "the file is not TOML", ""};
    case DraftError::unknown_key:
        return {"unknown_key", "the file has a key that means nothing here",
                "Remove or correct it"};
    case DraftError::bad_genesis:
        return {"bad_genesis", "a ledger's first changes are refused",
                "Correct them before anyone signs"};
    case DraftError::bad_value: return {"bad_value", "the file has a value that is not usable", ""};
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
    if (const auto* parameters = table["parameters"].as_table())
        CHECK(read_parameters(*parameters, body.parameters));
    if (const auto* participants = table["participant"].as_array()) {
        for (const auto& one : *participants) {
            if (!one.is_table()) return fail(DraftError::bad_value, "[[participant]]");
            TRY(entry, read_participant(*one.as_table()));
            body.participants.push_back(std::move(entry));
        }
    }
    if (const auto* ledgers = table["ledger"].as_array()) {
        for (const auto& one : *ledgers) {
            if (!one.is_table()) return fail(DraftError::bad_value, "[[ledger]]");
            TRY(entry, read_ledger(*one.as_table(), folder, body));
            body.ledgers.push_back(std::move(entry));
        }
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
    auto charter = cbor::decode<model::Charter>(view_of(bytes));
    if (!charter.ok()) return fail(model::CharterError::not_a_charter, charter.error().message());
    CHECK(model::check_charter_body(charter->body));
    CHECK(check_genesis(charter->body));
    return charter;
}

Result<NodeConfig> read_node_config(const std::string& path) {
    TRY(text, read_file(path, draft_bytes_max));
    TRY(table, parse_toml(text, path));
    CHECK(only_keys(table, {"charter", "keys", "data", "listen", "http"}, path));
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
    config.listen = table["listen"].value_or(std::string{});
    config.http = table["http"].value_or(config.http);
    return config;
}

}  // namespace tally::cli
