// Package records: from Debian's package index (deb822) to changes of the ledger `packages`.
//
// A package is a subject; each dependency is a subject of its own, because packages depend on each
// other in circles: the first pass loads packages, the second their dependencies, as references
// where the target is in the index and as virtual names where it is not.
#pragma once

#include <boost/json/array.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace tally::cli {

/// One alternative of a dependency group `a | b`.
struct PackageDependency {
    std::string kind;    ///< "Depends" or "Pre-Depends"
    uint32_t group = 0;  ///< alternatives of one group share it; all groups must hold
    uint32_t alternative = 0;
    std::string name;      ///< without an architecture qualifier
    std::string relation;  ///< "<<", "<=", "=", ">=", ">>", or empty
    std::string version;
};

struct PackageRecord {
    std::string name, version, architecture, maintainer, sha256;
    uint64_t size = 0;
    std::vector<PackageDependency> dependencies;
};

enum class PackagesError { bad_stanza };
ErrorText describe(PackagesError error);

/// Every stanza; the error names the line of the first that is not a package record.
[[nodiscard]] Result<std::vector<PackageRecord>> parse_packages(std::string_view text);

/// JSON text of a transaction's changes, first pass: the package and, by upsert, its maintainer.
[[nodiscard]] std::string package_changes(const PackageRecord& record);
/// Second pass: its dependencies; empty text if it has none. `known`: names that packages have.
[[nodiscard]] std::string dependency_changes(const PackageRecord& record,
                                             const std::set<std::string, std::less<>>& known);

/// The genesis of a ledger of packages: schema, the role `public` that reads all, the role
/// `maintainer` that writes, and the identities (did:key) that have it. The first of them is
/// also a `registrar`: it may add identities.
[[nodiscard]] boost::json::array packages_genesis(const std::vector<std::string>& maintainer_dids);

}  // namespace tally::cli
