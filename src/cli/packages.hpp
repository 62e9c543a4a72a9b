// Package records, and the changes of the ledger `packages` that load them.
//
// A package is a subject; each dependency is a subject of its own, because packages depend on each
// other in circles: the first pass loads packages, the second their dependencies, as references
// where the target is loaded and as virtual names where it is not.
//
// Loading twice changes nothing, by the schema: a package's name is unique, and so is a
// dependency's key, made of its package and its place there. The transaction with a package's last
// dependencies sets its `dependency_count`: where that is set, all of them are there.
#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <string>
#include <vector>

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

/// JSON text of a transaction's changes, first pass: the package and, by upsert, its maintainer.
[[nodiscard]] std::string package_changes(const PackageRecord& record);
/// Second pass: its dependencies, in transactions that are to be applied in this order; none if it
/// has none. `is_loaded`: whether the ledger has a package of this name.
[[nodiscard]] std::vector<std::string> dependency_changes(
    const PackageRecord& record, const std::function<bool(const std::string&)>& is_loaded);

/// The genesis of a ledger of packages: schema, the role `public` that reads all, the role
/// `maintainer` that writes, and the identities (did:key) that have it. The first of them is
/// also a `registrar`: it may add identities.
[[nodiscard]] boost::json::array packages_genesis(const std::vector<std::string>& maintainer_dids);

}  // namespace tally::cli
