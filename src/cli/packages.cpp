#include "cli/packages.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/bytes.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

std::string_view trimmed(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Calls `each` for every part between separators, trimmed, empty ones left out.
template <class Each>
void for_parts(std::string_view text, char separator, const Each& each) {
    while (!text.empty()) {
        const size_t at = std::min(text.find(separator), text.size());
        const std::string_view part = trimmed(text.substr(0, at));
        if (!part.empty()) each(part);
        text.remove_prefix(std::min(at + 1, text.size()));
    }
}

/// "libc6:any (>= 2.34)".
PackageDependency alternative_of(std::string_view text) {
    PackageDependency dependency;
    const size_t open = text.find('(');
    std::string_view name = trimmed(text.substr(0, open));
    if (const size_t colon = name.find(':'); colon != name.npos) name = name.substr(0, colon);
    dependency.name = name;
    if (open == text.npos) return dependency;
    std::string_view inside = text.substr(open + 1);
    inside = trimmed(inside.substr(0, inside.find(')')));
    const size_t end = std::min(inside.find_first_not_of("<>="), inside.size());
    dependency.relation = inside.substr(0, end);
    dependency.version = trimmed(inside.substr(end));
    return dependency;
}

void add_dependencies(PackageRecord& record, std::string_view kind, std::string_view text) {
    uint32_t group = record.dependencies.empty() ? 0 : record.dependencies.back().group + 1;
    for_parts(text, ',', [&](std::string_view choices) {
        uint32_t alternative = 0;
        for_parts(choices, '|', [&](std::string_view one) {
            auto dependency = alternative_of(one);
            dependency.kind = kind;
            dependency.group = group;
            dependency.alternative = alternative++;
            record.dependencies.push_back(std::move(dependency));
        });
        ++group;
    });
}

Result<void> add_field(PackageRecord& record, std::string_view name, std::string_view value,
                       size_t line) {
    if (name == "Package") {
        record.name = value;
    } else if (name == "Version") {
        record.version = value;
    } else if (name == "Architecture") {
        record.architecture = value;
    } else if (name == "Maintainer") {
        record.maintainer = value;
    } else if (name == "SHA256") {
        const auto bytes = from_hex(value);
        if (!bytes.ok() || bytes->size() != 32)
            return fail(PackagesError::bad_stanza, "line " + std::to_string(line) + ": SHA256");
        record.sha256 = value;
    } else if (name == "Size") {
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), record.size);
        if (error != std::errc{} || end != value.data() + value.size())
            return fail(PackagesError::bad_stanza, "line " + std::to_string(line) + ": Size");
    } else if (name == "Depends" || name == "Pre-Depends") {
        add_dependencies(record, name, value);
    }
    return success();
}

Result<void> check_complete(const PackageRecord& record, size_t line) {
    for (const auto* field : {&record.name, &record.version, &record.architecture,
                              &record.maintainer, &record.sha256}) {
        if (field->empty())
            return fail(PackagesError::bad_stanza,
                        "the stanza that ends in line " + std::to_string(line) + " (package '" +
                            record.name +
                            "') lacks Package, Version, Architecture, Maintainer or SHA256");
    }
    return success();
}

}  // namespace

ErrorText describe(PackagesError error) {
    switch (error) {
    case PackagesError::bad_stanza:
        return {"bad_stanza", "the package index has a record that is not usable",
                "Give a Packages file in Debian's format, uncompressed"};
    }
    std::abort();
}

Result<std::vector<PackageRecord>> parse_packages(std::string_view text) {
    std::vector<PackageRecord> records;
    PackageRecord record;
    bool in_stanza = false;
    size_t line = 0;
    const auto finish = [&]() -> Result<void> {
        if (!in_stanza) return success();
        CHECK(check_complete(record, line));
        records.push_back(std::exchange(record, {}));
        in_stanza = false;
        return success();
    };
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view row = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++line;
        if (trimmed(row).empty()) {
            CHECK(finish());
            continue;
        }
        if (row.front() == ' ' || row.front() == '\t')
            continue;  // Goes on with a field not used here.
        const size_t colon = row.find(':');
        if (colon == row.npos)
            return fail(PackagesError::bad_stanza,
                        "line " + std::to_string(line) + " is no 'Field: value'");
        in_stanza = true;
        CHECK(add_field(record, row.substr(0, colon), trimmed(row.substr(colon + 1)), line));
    }
    CHECK(finish());
    return records;
}

std::string package_changes(const PackageRecord& record) {
    const Bytes digest = *from_hex(record.sha256);
    const bj::array changes{bj::object{{"_id", "maintainer$m"}, {"name", record.maintainer}},
                            bj::object{{"_id", "package$p"},
                                       {"name", record.name},
                                       {"version", record.version},
                                       {"architecture", record.architecture},
                                       {"maintainer", "maintainer$m"},
                                       {"sha256", to_base64url(digest)},
                                       {"size", record.size}}};
    return bj::serialize(changes);
}

std::string dependency_changes(const PackageRecord& record,
                               const std::set<std::string, std::less<>>& known) {
    bj::array changes;
    for (const auto& dependency : record.dependencies) {
        bj::object change{{"_id", "dependency$" + std::to_string(changes.size())},
                          {"of", bj::array{"package/name", record.name}},
                          {"kind", dependency.kind},
                          {"group", dependency.group},
                          {"alternative", dependency.alternative}};
        if (known.contains(dependency.name)) {
            change["target"] = bj::array{"package/name", dependency.name};
        } else {
            change["virtual"] = dependency.name;
        }
        if (!dependency.relation.empty()) {
            change["relation"] = dependency.relation;
            change["version"] = dependency.version;
        }
        changes.push_back(std::move(change));
    }
    return changes.empty() ? std::string() : bj::serialize(changes);
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
