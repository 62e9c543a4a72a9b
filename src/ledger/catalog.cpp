#include "ledger/catalog.hpp"

namespace tally::ledger {
namespace {

/// Notes the places that are read while it lives.
class Noting {
public:
    Noting(Workspace& workspace, std::vector<Workspace::Place*>& places) : workspace_(workspace) {
        workspace_.note_reads_in(&places);
    }
    Noting(const Noting&) = delete;
    ~Noting() { workspace_.note_reads_in(nullptr); }

private:
    Workspace& workspace_;
};

/// The remembered value, or what `make` makes of the keys it reads.
template <class Map, class Key, class Make>
auto recall(Workspace& workspace, Map& map, const Key& key, Make make)
    -> Result<decltype(map.begin()->second.value)> {
    const auto at = map.find(key);
    if (at != map.end()) {
        for (Workspace::Place* place : at->second.places) CHECK(workspace.read_again(*place));
        return at->second.value;
    }
    typename Map::mapped_type fresh;
    {
        const Noting noting(workspace, fresh.places);
        TRY(value, make());
        fresh.value = std::move(value);
    }
    return map.emplace(typename Map::key_type(key), std::move(fresh)).first->second.value;
}

}  // namespace

Result<std::shared_ptr<const Collection>> Catalog::collection(CollectionId id) {
    const auto make = [&]() -> Result<std::shared_ptr<const Collection>> {
        TRY(sheet, workspace_.get(sheet_key(id)));
        if (sheet == nullptr) return std::shared_ptr<const Collection>();
        TRY(decoded, decode_sheet(id, *sheet));
        return std::shared_ptr<const Collection>(std::make_shared<Collection>(std::move(decoded)));
    };
    return recall(workspace_, collections_, id, make);
}

Result<std::shared_ptr<const Collection>> Catalog::collection(std::string_view name) {
    const auto make = [&]() -> Result<std::optional<CollectionId>> {
        TRY(found,
            workspace_.get(unique_key(predicates::collection_name, Value(std::string(name)))));
        if (found == nullptr) return std::optional<CollectionId>();
        TRY(subject, number_from_value(*found));
        return std::optional(CollectionId{uint16_t(counter_of({subject}))});
    };
    TRY(id, recall(workspace_, names_, name, make));
    if (!id) return std::shared_ptr<const Collection>();
    return collection(*id);
}

Result<std::shared_ptr<const Permissions>> Catalog::identity(std::string_view did) {
    const auto make = [&]() -> Result<std::shared_ptr<const Permissions>> {
        TRY(permissions, Permissions::of_identity(workspace_.view(), did));
        if (!permissions) return std::shared_ptr<const Permissions>();
        return std::shared_ptr<const Permissions>(
            std::make_shared<Permissions>(*std::move(permissions)));
    };
    return recall(workspace_, identities_, did, make);
}

void Catalog::forget_schema() {
    collections_.clear();
    names_.clear();
}

}  // namespace tally::ledger
