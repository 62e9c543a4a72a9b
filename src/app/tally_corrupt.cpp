// tally-corrupt: alters one thing in a stopped participant's database, through the database's own
// interface, so that its checksums hold. For tests and demonstrations; it is not part of `tally`.
#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <filesystem>

#include "cli/charter_draft.hpp"
#include "io/rocks_key_value.hpp"
#include "ledger/keys.hpp"
#include "ledger/row.hpp"
#include "ledger/subject.hpp"
#include "node/chain_store.hpp"
#include "query/query.hpp"
#include "store/versions.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
using ports::Map;

enum class CorruptError { bad_argument, not_there };
ErrorText describe(CorruptError error) {
    switch (error) {
    case CorruptError::bad_argument:
        return {"bad_argument", "an argument is not usable", "See tally-corrupt --help"};
    case CorruptError::not_there:
        return {"not_there", "there is no such thing", "See `tally get` and `tally blocks`"};
    }
    std::abort();
}

struct Options {
    std::string charter, data, ledger, subject, map, key, how = "change";
};

std::optional<Map> map_of(const std::string& name) {
    constexpr std::string_view names[] = {"meta",         "values",    "nodes", "blocks",
                                          "transactions", "decisions", "bodies"};
    for (size_t i = 0; i < std::size(names); ++i) {
        if (names[i] == name) return Map(i);
    }
    return {};
}

/// The value with its last field's last byte changed: it still has the form of a row.
Bytes changed_row(ByteView bytes) {
    auto row = ledger::decode_row(bytes);
    if (!row.ok() || row->fields.empty()) return copy_of(bytes);
    row->fields.back().value.back() ^= 1;
    return ledger::encode_row(*row);
}

class Corruptor {
public:
    Corruptor(const model::Charter& charter, ports::KeyValue& database)
        : charter_(charter), database_(database) {}

    /// The newest version of a subject's row.
    Result<bj::object> alter_subject(const Options& options) {
        const auto index = charter_.ledger(options.ledger);
        if (!index) return fail(CorruptError::not_there, "ledger " + options.ledger);
        TRY(mark, node::ChainReader(database_).mark(*index));
        if (!mark) return fail(CorruptError::not_there, "ledger " + options.ledger);
        const store::VersionedView view(database_, *index, mark->height);
        TRY(schema, ledger::Schema::load(view));
        TRY(subject, find(view, *schema, options.subject));
        const Bytes key = ledger::row_key(subject);
        TRY(versions, view.history(key, 1));
        if (versions.empty() || !versions[0].value)
            return fail(CorruptError::not_there, options.subject);
        ports::WriteBatch batch;
        if (options.how == "delete") {
            store::erase_version(batch, *index, versions[0].height, key);
        } else {
            store::put_version(batch, *index, versions[0].height, key,
                               changed_row(*versions[0].value));
        }
        CHECK(database_.write(batch));
        return bj::object{{"ledger", options.ledger},
                          {"subject", subject.value},
                          {"block", versions[0].height.value},
                          {"how", options.how}};
    }

    /// Whatever lies under this key, or under the first that begins with it.
    Result<bj::object> alter_entry(const Options& options) {
        const auto map = map_of(options.map);
        const auto prefix = from_hex(options.key);
        if (!map || !prefix.ok()) return CorruptError::bad_argument;
        std::optional<std::pair<Bytes, Bytes>> found;
        CHECK(database_.scan(*map, *prefix, {}, [&](ByteView key, ByteView value) {
            found.emplace(copy_of(key), copy_of(value));
            return false;
        }));
        if (!found || found->first.size() < prefix->size() ||
            !equal(ByteView(found->first).first(prefix->size()), *prefix))
            return fail(CorruptError::not_there, options.map + " " + options.key);
        auto& [key, value] = *found;
        ports::WriteBatch batch;
        if (options.how == "delete") {
            batch.erase(*map, key);
        } else {
            if (value.empty()) value.push_back(0);
            value[value.size() / 2] ^= 1;
            batch.put(*map, key, value);
        }
        CHECK(database_.write(batch));
        return bj::object{{"map", options.map}, {"key", to_hex(key)}, {"how", options.how}};
    }

private:
    static Result<ledger::SubjectId> find(const StateView& view, const ledger::Schema& schema,
                                          const std::string& text) {
        const size_t equals = text.find('=');
        if (equals == text.npos) {
            const uint64_t number = std::strtoull(text.c_str(), nullptr, 10);
            if (number == 0 || number > ledger::subject_max) return CorruptError::bad_argument;
            return ledger::SubjectId{number};
        }
        const auto* predicate = schema.predicate(text.substr(0, equals));
        if (predicate == nullptr || !predicate->unique) return CorruptError::bad_argument;
        const auto* collection = schema.collection(predicate->collection);
        TRY(filter, query::parse_filter(text.substr(text.find('/') + 1), *collection));
        TRY(found, ledger::find_unique(view, *predicate, filter.value));
        if (!found) return fail(CorruptError::not_there, text);
        return *found;
    }

    const model::Charter& charter_;
    ports::KeyValue& database_;
};

Result<bj::object> corrupt(const Options& options) {
    if (options.how != "change" && options.how != "delete") return CorruptError::bad_argument;
    if (options.subject.empty() == options.map.empty()) return CorruptError::bad_argument;
    TRY(charter, read_charter(options.charter));
    const Hash network = model::network_id_of(charter.body);
    const std::string folder = options.data + "/database";
    std::error_code failed;
    if (!std::filesystem::exists(folder, failed)) return fail(CorruptError::not_there, folder);
    TRY(database, io::open_rocks(folder, network.view()));
    Corruptor corruptor(charter, *database);
    auto altered =
        options.subject.empty() ? corruptor.alter_entry(options) : corruptor.alter_subject(options);
    CHECK(database->flush());
    return altered;
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app("Alters one thing in a stopped participant's database, for tests.");
    app.add_option("--charter", options.charter, "The network's charter")->required();
    app.add_option("--data", options.data, "The participant's data folder")->required();
    app.add_option("--ledger", options.ledger, "With --subject");
    app.add_option("--subject", options.subject, "A number, or package/name=zlib1g");
    app.add_option("--map", options.map, "meta, values, nodes, blocks, transactions, …");
    app.add_option("--key", options.key, "With --map: what its key begins with, in hex");
    app.add_option("--how", options.how, "change or delete");
    CLI11_PARSE(app, argc, argv);
    crypto_start();
    const auto altered = corrupt(options);
    if (!altered.ok()) {
        std::fprintf(stderr, "tally-corrupt: %s\n", altered.error().message().c_str());
        return 1;
    }
    std::printf("%s\n", bj::serialize(*altered).c_str());
    return 0;
}

}  // namespace
}  // namespace tally::cli

int main(int argc, char** argv) {
    return tally::cli::run(argc, argv);
}
