// A node of the tree in memory, and the pool that holds many of them.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "tree/hashing.hpp"
#include "tree/key.hpp"
#include "tree/storage.hpp"

namespace tally::tree {

using NodeIndex = uint32_t;
constexpr NodeIndex no_node = UINT32_MAX;

enum class NodeKind : uint8_t {
    stored,  ///< only its hash and place are in memory
    hidden,  ///< a part that a witness leaves out: only its hash and the bits it begins with
    inner,
    leaf,
};

/// One cache line. Nodes are immutable once a commit or a mark has seen them (see Tree).
struct alignas(64) Node {
    Hash hash;                  ///< valid iff `hashed`
    uint64_t height = 0;        ///< with page and offset: its NodeId, unless `fresh`
    uint32_t page = 0;          //
    uint32_t stamp = 0;         ///< fresh: the epoch that made it; else: when it was last used
    NodeIndex left = no_node;   ///< of a leaf or hidden node: its index in the pool of leaves
    NodeIndex right = no_node;  //
    uint16_t offset = 0;        //
    uint16_t bit = 0;           ///< of an inner node; of a hidden one: how many bits are known
    NodeKind kind = NodeKind::stored;
    bool fresh = false;   ///< made since the last commit
    bool hashed = false;  //

    [[nodiscard]] NodeId id() const { return {height, page, offset}; }
};
static_assert(sizeof(Node) == 64);

/// A leaf's content. Most keys are short and need no allocation of their own. Of a hidden node the
/// key is the bits with which every key below begins, filled up with zeros to whole bytes.
class Leaf {
public:
    LeafValue value;

    void set_key(ByteView key) {
        length_ = uint8_t(key.size());
        long_.reset(length_ > short_.size() ? new uint8_t[length_] : nullptr);
        std::copy(key.begin(), key.end(), long_ ? long_.get() : short_.data());
    }
    [[nodiscard]] ByteView key() const { return {long_ ? long_.get() : short_.data(), length_}; }

private:
    static_assert(limits::key_bytes_max <= UINT8_MAX);
    std::unique_ptr<uint8_t[]> long_;
    uint8_t length_ = 0;
    std::array<uint8_t, 35> short_;
};

/// Elements that never move, named by index. A released index is given out again.
///
/// They lie in chunks so large that the list of chunks stays in a near cache, and which are
/// reserved but not touched before use, so that a pool of a few elements costs little.
template <class T>
class Pool {
public:
    [[nodiscard]] uint32_t make() {
        ++live_;
        if (!released_.empty()) {
            const uint32_t index = released_.back();
            released_.pop_back();
            return index;
        }
        ENSURE(made_ < UINT32_MAX);
        if (made_ % chunk_elements == 0) chunks_.emplace_back().reserve(chunk_elements);
        chunks_.back().emplace_back();  // Within what was reserved: nothing moves.
        return made_++;
    }
    void release(uint32_t index) {
        (*this)[index] = T{};
        released_.push_back(index);
        --live_;
    }
    T& operator[](uint32_t index) {
        return chunks_[index / chunk_elements][index % chunk_elements];
    }
    const T& operator[](uint32_t index) const {
        return chunks_[index / chunk_elements][index % chunk_elements];
    }
    /// A hint that the element will soon be used.
    void prefetch(uint32_t index) const { __builtin_prefetch(&(*this)[index]); }
    [[nodiscard]] size_t live() const { return live_; }

private:
#ifdef __SANITIZE_ADDRESS__
    static constexpr uint32_t chunk_elements = 64;  // It touches what is only reserved, too.
#else
    static constexpr uint32_t chunk_elements = 8192;
#endif
    std::vector<std::vector<T>> chunks_;
    std::vector<uint32_t> released_;
    uint32_t made_ = 0;
    size_t live_ = 0;
};

}  // namespace tally::tree
