#include "cli/packages.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/bytes.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

/// The envelope around them stays below its limit, and the work below the usual fuel.
constexpr size_t changes_per_transaction_max = 64;
constexpr size_t changes_bytes_max = 32 * 1024;
constexpr size_t change_bytes_beside_names = 200;

bj::object dependency_change(const PackageRecord& record, const PackageDependency& dependency,
                             bool is_loaded) {
    bj::object change{
        {"_id", "dependency$d"},
        {"key", record.name + " " + dependency.kind + " " + std::to_string(dependency.group) + "." +
                    std::to_string(dependency.alternative)},
        {"of", bj::array{"package/name", record.name}},
        {"kind", dependency.kind},
        {"group", dependency.group},
        {"alternative", dependency.alternative}};
    if (is_loaded) {
        change["target"] = bj::array{"package/name", dependency.name};
    } else {
        change["virtual"] = dependency.name;
    }
    if (!dependency.relation.empty()) {
        change["relation"] = dependency.relation;
        change["version"] = dependency.version;
    }
    return change;
}

}  // namespace

std::string package_changes(const PackageRecord& record) {
    const Bytes digest = *from_hex(record.sha256);
    bj::array changes{bj::object{{"_id", "maintainer$m"}, {"name", record.maintainer}},
                      bj::object{{"_id", "package$p"},
                                 {"name", record.name},
                                 {"version", record.version},
                                 {"architecture", record.architecture},
                                 {"maintainer", "maintainer$m"},
                                 {"sha256", to_base64url(digest)},
                                 {"size", record.size}}};
    if (record.dependencies.empty()) changes.at(1).get_object()["dependency_count"] = 0;
    return bj::serialize(changes);
}

std::vector<std::string> dependency_changes(
    const PackageRecord& record, const std::function<bool(const std::string&)>& is_loaded) {
    std::vector<std::string> transactions;
    bj::array changes;
    size_t bytes = 0;
    for (const auto& dependency : record.dependencies) {
        // Whether the target is loaded must not move a border: a second run must cut where the
        // first one did, or it would be refused for a key that is there and leave out one that is
        // not.
        const size_t change_bytes = change_bytes_beside_names + 2 * record.name.size() +
                                    dependency.name.size() + dependency.version.size();
        if (!changes.empty() && (changes.size() == changes_per_transaction_max ||
                                 bytes + change_bytes > changes_bytes_max)) {
            transactions.push_back(bj::serialize(std::exchange(changes, {})));
            bytes = 0;
        }
        auto change = dependency_change(record, dependency, is_loaded(dependency.name));
        change["_id"] = "dependency$" + std::to_string(changes.size());
        changes.push_back(std::move(change));
        bytes += change_bytes;
    }
    if (changes.empty()) return transactions;
    changes.push_back({{"_id", bj::array{"package/name", record.name}},
                       {"dependency_count", record.dependencies.size()}});
    transactions.push_back(bj::serialize(changes));
    return transactions;
}

bj::array packages_genesis(const std::vector<std::string>& maintainer_dids) {
    bj::array genesis;
    for (const char* collection : {"maintainer", "package", "dependency"})
        genesis.push_back(
            {{"_id", std::string("_collection$") + collection}, {"name", collection}});
    struct Column {
        const char* name;
        const char* type;
        std::vector<const char*> settings;
        const char* restrict_to = nullptr;
    };
    const Column columns[] = {
        {"maintainer/name", "string", {"unique", "required", "upsert"}},
        {"package/name", "string", {"unique", "required"}},
        {"package/version", "string", {"required"}},
        {"package/architecture", "string", {"required", "index"}},
        {"package/maintainer", "ref", {"required", "index"}, "maintainer"},
        {"package/sha256", "bytes", {"required"}},
        {"package/size", "int", {"required", "index"}},
        {"package/dependency_count", "int", {}},
        {"dependency/key", "string", {"unique", "required"}},
        {"dependency/of", "ref", {"required", "index"}, "package"},
        {"dependency/kind", "string", {"required"}},
        {"dependency/group", "int", {"required"}},
        {"dependency/alternative", "int", {"required"}},
        {"dependency/target", "ref", {"index"}, "package"},
        {"dependency/virtual", "string", {"index"}},
        {"dependency/relation", "string", {}},
        {"dependency/version", "string", {}},
    };
    size_t number = 0;
    for (const auto& column : columns) {
        bj::object predicate{{"_id", "_predicate$" + std::to_string(number++)},
                             {"name", column.name},
                             {"type", column.type}};
        for (const char* setting : column.settings) predicate[setting] = true;
        if (column.restrict_to != nullptr) predicate["restrict"] = column.restrict_to;
        genesis.push_back(std::move(predicate));
    }
    genesis.push_back({{"_id", "_rule$read"},
                       {"id", "read-all"},
                       {"collection", "*"},
                       {"predicates", bj::array{"*"}},
                       {"ops", bj::array{"read"}}});
    bj::array write_rules;
    for (const char* collection : {"maintainer", "package", "dependency"}) {
        const std::string id = std::string("_rule$write-") + collection;
        genesis.push_back({{"_id", id},
                           {"id", std::string("write-") + collection},
                           {"collection", collection},
                           {"predicates", bj::array{"*"}},
                           {"ops", bj::array{"read", "write"}}});
        write_rules.emplace_back(id);
    }
    genesis.push_back(
        {{"_id", "_role$public"}, {"id", "public"}, {"rules", bj::array{"_rule$read"}}});
    genesis.push_back({{"_id", "_role$maintainer"}, {"id", "maintainer"}, {"rules", write_rules}});
    genesis.push_back({{"_id", "_rule$register"},
                       {"id", "register"},
                       {"collection", "_auth"},
                       {"predicates", bj::array{"*"}},
                       {"ops", bj::array{"read", "write"}}});
    genesis.push_back(
        {{"_id", "_role$registrar"}, {"id", "registrar"}, {"rules", bj::array{"_rule$register"}}});
    for (size_t i = 0; i < maintainer_dids.size(); ++i) {
        bj::array roles{"_role$maintainer"};
        if (i == 0) roles.emplace_back("_role$registrar");
        genesis.push_back({{"_id", "_auth$" + std::to_string(i)},
                           {"id", maintainer_dids[i]},
                           {"roles", std::move(roles)}});
    }
    return genesis;
}

}  // namespace tally::cli
