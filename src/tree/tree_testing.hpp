// For tests only: pages in a map, a naive root, and keys of many shapes.
#pragma once

#include <map>

#include "tree/tree.hpp"

namespace tally::tree {

/// Pages as a store would keep them; tests may damage them.
class MapPages : public PageSource {
public:
    void store(const std::vector<Page>& written) {
        for (const Page& page : written) {
            const bool is_new = pages.try_emplace({page.height, page.number}, page.bytes).second;
            ENSURE(is_new);  // Pages are never changed.
        }
    }
    Result<Bytes> page(uint64_t height, uint32_t number) const override {
        ++reads;
        const auto found = pages.find({height, number});
        if (found == pages.end()) return fail(TreeError::damaged, "no such page");
        return found->second;
    }

    std::map<std::pair<uint64_t, uint32_t>, Bytes> pages;
    mutable uint64_t reads = 0;
};

using Model = std::map<Bytes, LeafValue>;

/// The root by definition, sharing nothing with the tree but the hash function: split the keys at
/// the first bit in which they are not all alike.
inline Hash slow_root(Model::const_iterator from, Model::const_iterator to, uint32_t bit = 0) {
    const auto bit_at = [](const Bytes& key, uint32_t at) {
        return key.at(at / 8) >> (7 - at % 8) & 1;
    };
    if (from == to) return Hasher().add_u8(0x12).finish();
    if (std::next(from) == to) {
        return Hasher()
            .add_u8(0x10)
            .add_u16(uint16_t(from->first.size()))
            .add(from->first)
            .add_u32(from->second.length)
            .add(from->second.hash)
            .finish();
    }
    // Sorted: all are alike in a bit iff the first and the last are.
    while (bit_at(from->first, bit) == bit_at(std::prev(to)->first, bit)) ++bit;
    auto middle = from;
    while (bit_at(middle->first, bit) == 0) ++middle;
    return Hasher()
        .add_u8(0x11)
        .add_u16(uint16_t(bit))
        .add(slow_root(from, middle, bit + 1))
        .add(slow_root(middle, to, bit + 1))
        .finish();
}
inline Hash slow_root(const Model& model) {
    return slow_root(model.begin(), model.end());
}

inline bool is_prefix_free(const Model& model, ByteView key) {
    for (const auto& [other, value] : model) {
        const size_t common = std::min(other.size(), key.size());
        if (other.size() != key.size() && equal(ByteView(other).first(common), key.first(common))) {
            return false;
        }
    }
    return true;
}

/// SplitMix64: the same numbers everywhere.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    uint64_t below(uint64_t bound) { return next() % bound; }

private:
    uint64_t state_;
};

inline LeafValue value_of(uint64_t number) {
    return {uint32_t(number), Hasher().add_u64(number).finish()};
}
inline Bytes key_of(uint64_t number) {
    Bytes key;
    append_u64(key, number);
    return key;
}

enum class Shape { few, dense, long_prefix, one_bit_apart, any_length, every_bit };
constexpr Shape shapes[] = {Shape::few,           Shape::dense,      Shape::long_prefix,
                            Shape::one_bit_apart, Shape::any_length, Shape::every_bit};

/// A key of a shape that is hard on the tree in its own way. Few of them, so that they collide.
inline Bytes key_of(Shape shape, Random& random) {
    switch (shape) {
    case Shape::few:  // Of several lengths, many a prefix of another.
    {
        Bytes key(1 + random.below(3), 0);
        for (auto& byte : key) byte = uint8_t(0x40 * random.below(4));
        return key;
    }
    case Shape::dense: return key_of(1'000'000 + random.below(64));
    case Shape::long_prefix: {
        Bytes key(128, 0xaa);
        key[126] = uint8_t(random.below(2));
        key[127] = uint8_t(random.below(32));
        return key;
    }
    case Shape::one_bit_apart: {
        Bytes key(16, 0x00);
        const uint64_t bit = random.below(129);
        if (bit < 128) key[bit / 8] ^= uint8_t(0x80 >> bit % 8);
        return key;
    }
    case Shape::any_length: {
        // The length comes first, so that no key is a prefix of another.
        Bytes key(1 + random.below(128), 0x55);
        key[0] = uint8_t(key.size());
        if (key.size() > 1) key.back() = uint8_t(random.below(2));
        return key;
    }
    case Shape::every_bit: {
        // As deep as a tree can be: 1024 inner nodes above the last leaf.
        const uint64_t ones = random.below(1025);
        Bytes key(128, 0x00);
        for (uint64_t bit = 0; bit < ones; ++bit) key[bit / 8] |= uint8_t(0x80 >> bit % 8);
        return key;
    }
    }
    return {};
}

/// Puts keys of a shape, with a value for each.
inline Model fill(Tree& tree, Shape shape, Random& random, uint32_t count) {
    Model model;
    for (uint32_t i = 0; i < count; ++i) {
        const Bytes key = key_of(shape, random);
        const LeafValue value = value_of(i);
        if (tree.put(key, value.length, value.hash).ok()) model[key] = value;
    }
    return model;
}

/// A key in the model or near one: itself, cut, extended, one bit away, or another of the shape.
inline Bytes key_near(Shape shape, const Model& model, Random& random) {
    if (model.empty() || random.below(3) == 0) return key_of(shape, random);
    Bytes key = std::next(model.begin(), ptrdiff_t(random.below(model.size())))->first;
    switch (random.below(4)) {
    case 0: break;
    case 1:
        if (key.size() > 1) key.resize(1 + random.below(key.size()));
        break;
    case 2:
        if (key.size() < limits::key_bytes_max) key.push_back(uint8_t(random.below(2)));
        break;
    case 3: key[random.below(key.size())] ^= uint8_t(1u << random.below(8)); break;
    }
    return key;
}

/// Bounds of a scan, now and then open, empty or the wrong way round.
inline std::pair<Bytes, Bytes> range_of(Shape shape, const Model& model, Random& random) {
    Bytes from = random.below(8) == 0 ? Bytes() : key_near(shape, model, random);
    Bytes to = random.below(8) == 0 ? Bytes() : key_near(shape, model, random);
    if (!to.empty() && to < from && random.below(8) != 0) std::swap(from, to);
    return {std::move(from), std::move(to)};
}

inline Model part_of(const Model& model, const Bytes& from, const Bytes& to) {
    Model part;
    for (auto at = model.lower_bound(from); at != model.end() && (to.empty() || at->first < to);
         ++at) {
        part.insert(*at);
    }
    return part;
}

}  // namespace tally::tree
