// Reads: what a participant can tell from its database. Any thread may call; each call takes its
// own snapshot.
//
// Everything is given as JSON, filtered by the reader's permissions at the newest block, with the
// block that it comes from.
#pragma once

#include <boost/json/object.hpp>

#include "model/charter.hpp"
#include "node/chain_store.hpp"
#include "node/damage.hpp"

namespace tally::node {

enum class ReadError {
    unknown_ledger,
    unknown_block,
    unknown_subject,
    unknown_transaction,
    bad_subject,
    not_permitted,
    not_certified,
};
ErrorText describe(ReadError error);

struct ReaderView;

class Reads {
public:
    /// `key_value` is borrowed. `on_damage` hears of what was altered on the disk; whoever asked
    /// for it got StateViewError::altered.
    Reads(std::shared_ptr<const model::Charter> charter, const ports::KeyValue& key_value,
          OnDamage on_damage = {});

    /// `subject`: a number, or a unique pair as "collection/predicate=value". `at`: none is the
    /// newest block. `reader`: its did:key, or empty for one who showed none.
    [[nodiscard]] Result<boost::json::object> subject(std::string_view ledger,
                                                      std::string_view subject,
                                                      std::optional<Height> at,
                                                      std::string_view reader) const;
    /// query/query.hpp; `filters` are in the command line's form and are added to the query's own.
    [[nodiscard]] Result<boost::json::object> query(std::string_view ledger,
                                                    const boost::json::value& query,
                                                    std::optional<Height> at,
                                                    std::string_view reader) const;
    /// Where and with what result a transaction was executed; its envelope is not given.
    [[nodiscard]] Result<boost::json::object> transaction(std::string_view ledger,
                                                          const Hash& id) const;
    /// Header, who signed, how far: certified, final.
    [[nodiscard]] Result<boost::json::object> block(std::string_view ledger,
                                                    std::optional<Height> height) const;
    [[nodiscard]] Result<boost::json::array> blocks(std::string_view ledger, Height from,
                                                    uint32_t count) const;
    /// A proof file (proving/verify) of a transaction's inclusion and result.
    [[nodiscard]] Result<Bytes> prove_transaction(std::string_view ledger, const Hash& id) const;
    /// A proof file of a subject's fields (those that the reader may see) or of its absence.
    [[nodiscard]] Result<Bytes> prove_subject(std::string_view ledger, std::string_view subject,
                                              std::optional<Height> at,
                                              std::string_view reader) const;
    /// Whether the ledger's newest block has this identity in `_auth`.
    [[nodiscard]] Result<bool> knows(std::string_view ledger, std::string_view did) const;
    /// Whether the reader may read every field of every ledger. ReadError::not_permitted if not.
    [[nodiscard]] Result<void> check_reads_everything(std::string_view reader) const;
    [[nodiscard]] const ports::KeyValue& key_value() const { return key_value_; }
    [[nodiscard]] const model::Charter& charter() const { return *charter_; }

private:
    Result<ReaderView> open(std::string_view ledger, std::optional<Height> at,
                            std::string_view reader) const;
    /// A block whose lists are those of its header.
    Result<std::optional<StoredBlock>> block_of(const ports::Reader& snapshot, LedgerIndex ledger,
                                                Height height) const;

    std::shared_ptr<const model::Charter> charter_;
    Hash network_;
    const ports::KeyValue& key_value_;
    OnDamage on_damage_;
};

}  // namespace tally::node
