// Catalog: what one block's execution remembers of the schema and of identities, so that they are
// not read and decoded again for every transaction. Each use still counts as a read of every key
// behind it: what is cached must not show in the trace.
#pragma once

#include "ledger/permissions.hpp"
#include "ledger/workspace.hpp"

namespace tally::ledger {

class Catalog {
public:
    /// Borrowed.
    explicit Catalog(Workspace& workspace) : workspace_(workspace) {}

    /// nullptr: there is none.
    Result<std::shared_ptr<const Collection>> collection(CollectionId id);
    Result<std::shared_ptr<const Collection>> collection(std::string_view name);
    /// nullptr: the ledger does not know the identity.
    Result<std::shared_ptr<const Permissions>> identity(std::string_view did);

    /// To be called when what they were made of has changed.
    void forget_schema();
    void forget_identities() { identities_.clear(); }

private:
    template <class T>
    struct Remembered {
        T value{};
        std::vector<Workspace::Place*> places;  ///< every key that it was made of
    };
    Workspace& workspace_;
    std::map<CollectionId, Remembered<std::shared_ptr<const Collection>>> collections_;
    std::map<std::string, Remembered<std::optional<CollectionId>>, std::less<>> names_;
    std::map<std::string, Remembered<std::shared_ptr<const Permissions>>, std::less<>> identities_;
};

}  // namespace tally::ledger
