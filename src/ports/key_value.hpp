// KeyValue: sorted maps with atomic batches; where everything lives that can be made again from the
// journal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace tally::ports {

/// The sorted maps. Numbers are frozen: they name RocksDB column families on disk. In `values`,
/// what comes before the last 8 bytes of a key is prefix-free among those of more than 8 bytes, so
/// that a filter over it can tell where a state key has versions.
enum class Map : uint8_t {
    meta = 0,    ///< format version, network id, progress marks
    values = 1,  ///< versions of the state: ledger ‖ key ‖ ~height → value (empty: deleted)
    nodes = 2,   ///< pages of tree nodes: ledger ‖ height ‖ page → nodes
    blocks = 3,  ///< ledger ‖ kind ‖ height → block with its lists, certificate, carrier or root
    transactions = 4,  ///< ledger ‖ transaction id → where it was executed
    decisions = 5,     ///< slot → decided block with its CommitQC
    bodies = 6,        ///< lane ‖ height → batch header and bytes
    cells = 7,         ///< lane ‖ height → batch header and the own cells, where it is coded
};
constexpr uint8_t map_count = 8;

enum class KeyValueError { damaged, io_failed, locked, newer_format, other_network };
ErrorText describe(KeyValueError error);

/// A list of writes that happens whole or not at all, over any number of maps.
class WriteBatch {
public:
    struct Write {
        Map map;
        Bytes key;
        std::optional<Bytes> value;  ///< empty: erase
    };
    void put(Map map, Bytes key, Bytes value) {
        writes_.push_back({map, std::move(key), std::move(value)});
    }
    void erase(Map map, Bytes key) { writes_.push_back({map, std::move(key), std::nullopt}); }
    [[nodiscard]] const std::vector<Write>& writes() const { return writes_; }

private:
    std::vector<Write> writes_;
};

/// Reads at one moment; unaffected by later writes. Safe to use from another thread than the
/// writer's.
class Reader {
public:
    virtual ~Reader() = default;
    [[nodiscard]] virtual Result<std::optional<Bytes>> get(Map map, ByteView key) const = 0;

    /// Calls `each(key, value)` for keys in [from, to), ascending (or descending from just below
    /// `to`), until it returns false. The views live only for the call. An empty `to` means the end
    /// of the map.
    using Each = std::function<bool(ByteView key, ByteView value)>;
    [[nodiscard]] virtual Result<void> scan(Map map, ByteView from, ByteView to,
                                            const Each& each) const = 0;
    [[nodiscard]] virtual Result<void> scan_backward(Map map, ByteView from, ByteView to,
                                                     const Each& each) const = 0;

    /// The files beneath, ascending, each of which can be compared with its own checksums; none
    /// where there are no files.
    [[nodiscard]] virtual std::vector<std::string> files() const { return {}; }
    /// Reads one of them and returns its size in bytes; zero if it is not needed any more. Errors:
    /// KeyValueError::damaged, io_failed.
    [[nodiscard]] virtual Result<uint64_t> check_file(const std::string& /*file*/) const {
        return uint64_t{0};
    }
};

/// A promise about failure: a crash loses every batch after some moment not before the last
/// completed flush(), in all maps alike; a batch is never torn.
class KeyValue : public Reader {
public:
    [[nodiscard]] virtual Result<void> write(const WriteBatch& batch) = 0;
    /// All batches written so far survive a crash once this returns.
    [[nodiscard]] virtual Result<void> flush() = 0;
    [[nodiscard]] virtual std::shared_ptr<const Reader> snapshot() const = 0;
};

}  // namespace tally::ports
