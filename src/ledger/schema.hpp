// Schema: collections and predicates, as the ledger's own rows define them.
//
// Beside the rows of `_collection` and `_predicate`, the state holds one *sheet* per collection:
// all that execution must know of it under one key. Sheets are written by the transactions that
// change those rows, as index entries are, and never by themselves.
#pragma once

#include <map>
#include <memory>

#include "ledger/ids.hpp"
#include "ledger/value.hpp"
#include "model/state_view.hpp"

namespace tally::ledger {

constexpr uint32_t sheet_predicates_max = 256;  ///< of one collection

struct Predicate {
    PredicateId id;
    CollectionId collection;
    std::string name;  ///< without the collection: "version"
    Type type = Type::string;
    bool unique = false;    ///< no two subjects share a value
    bool required = false;  ///< every subject has it
    bool index = false;     ///< found by value and range
    bool multi = false;     ///< a set of values
    bool upsert = false;    ///< a temporary id with an existing value means that subject
    std::optional<CollectionId> restrict_to;  ///< of a ref: the collection it points into
    bool operator==(const Predicate&) const = default;
};

struct Collection {
    CollectionId id;
    std::string name;
    std::vector<Predicate> predicates;  ///< ascending by id
    bool operator==(const Collection&) const = default;

    [[nodiscard]] const Predicate* find(std::string_view predicate_name) const;
    [[nodiscard]] const Predicate* find(PredicateId predicate) const;
};
[[nodiscard]] Bytes encode_sheet(const Collection& collection);
[[nodiscard]] Result<Collection> decode_sheet(CollectionId id, ByteView bytes);

/// The built-in collections, `_collection` to `_rule`.
[[nodiscard]] const std::vector<Collection>& built_in_collections();

/// All collections at one block. Immutable once loaded; share it between threads as it is.
class Schema {
public:
    /// One short scan. Reload when schema_version() changed.
    static Result<std::shared_ptr<const Schema>> load(const StateView& view);

    /// Grows with every transaction that changes the schema.
    [[nodiscard]] uint64_t version() const { return version_; }
    [[nodiscard]] const Collection* collection(std::string_view name) const;
    [[nodiscard]] const Collection* collection(CollectionId id) const;
    [[nodiscard]] const Predicate* predicate(PredicateId id) const;
    /// "package/version".
    [[nodiscard]] const Predicate* predicate(std::string_view full_name) const;
    /// Ascending by id.
    [[nodiscard]] const std::map<CollectionId, Collection>& collections() const {
        return collections_;
    }

private:
    uint64_t version_ = 0;
    std::map<CollectionId, Collection> collections_;
};
/// 0 before genesis.
[[nodiscard]] Result<uint64_t> schema_version(const StateView& view);

/// "package/version" → ("package", "version"); nothing if there is not exactly one slash.
[[nodiscard]] std::optional<std::pair<std::string_view, std::string_view>> split_name(
    std::string_view full_name);

}  // namespace tally::ledger
