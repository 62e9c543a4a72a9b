// Permissions: what an identity may read and write, by the rules of its roles. Rules only allow;
// what none allows is denied.
//
// `_auth` (id: did:key, roles) → `_role` (id, rules) → `_rule` (collection: a name or "*";
// predicates: names or "*"; ops: "read", "write").
#pragma once

#include "ledger/schema.hpp"

namespace tally::ledger {

class Permissions {
public:
    /// Denies all.
    Permissions() = default;
    /// Allows all: genesis, and the participant's own tools.
    [[nodiscard]] static Permissions everything();
    /// The rules of the identity's own roles; nothing if the ledger does not know the identity.
    [[nodiscard]] static Result<std::optional<Permissions>> of_identity(const StateView& view,
                                                                        std::string_view did);
    /// The rules of the role `public`, which anyone has.
    [[nodiscard]] static Result<Permissions> of_public(const StateView& view);
    /// What a reader may: an identity's own rules (none if unknown) and those of `public`. An empty
    /// `did` is a reader who showed none.
    [[nodiscard]] static Result<Permissions> of_reader(const StateView& view, std::string_view did);

    [[nodiscard]] bool may_read(std::string_view collection, std::string_view predicate) const;
    [[nodiscard]] bool may_write(std::string_view collection, std::string_view predicate) const;
    /// Every predicate of the collection, those to come included.
    [[nodiscard]] bool may_read_all(std::string_view collection) const;
    /// At least one predicate of it, so that its subjects' existence may be known.
    [[nodiscard]] bool may_read_any(std::string_view collection) const;
    [[nodiscard]] bool may_write_any(std::string_view collection) const;
    /// Every field of every collection: bodies may be read.
    [[nodiscard]] bool may_read_everything() const;

    /// Nothing is allowed at all.
    [[nodiscard]] bool empty() const { return rules_.empty(); }
    void add(const Permissions& other);

private:
    struct Rule {
        std::string collection;               ///< or "*"
        std::vector<std::string> predicates;  ///< or one "*"
        bool read = false;
        bool write = false;
        [[nodiscard]] bool covers(std::string_view of_collection, std::string_view predicate) const;
        [[nodiscard]] bool covers_all(std::string_view of_collection) const;
    };
    Result<void> add_role(const StateView& view, SubjectId role);
    std::vector<Rule> rules_;
};

}  // namespace tally::ledger
