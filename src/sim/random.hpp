// Keyed randomness: every choice of a simulation is a hash of (seed, stream, ordinal).
//
// There is no one shared sequence, so that taking one fault out of a run leaves every other choice
// as it was; this is what makes shrinking a failure work. Not cryptographic.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace tally::sim {

/// The splitmix64 step: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014.
[[nodiscard]] constexpr uint64_t mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

[[nodiscard]] constexpr uint64_t hash(uint64_t seed, uint64_t stream, uint64_t ordinal) {
    return mix(mix(mix(seed) + stream) + ordinal);
}

/// The number of a named stream, such as stream_of("disk crash", participant): FNV-1a of the name,
/// mixed with up to two numbers.
[[nodiscard]] constexpr uint64_t stream_of(std::string_view name, uint64_t a = 0, uint64_t b = 0) {
    uint64_t digest = 0xcbf29ce484222325;
    for (const char letter : name) digest = (digest ^ uint8_t(letter)) * 0x100000001b3;
    return hash(digest, a, b);
}

/// One stream, read in order.
class Random {
public:
    Random(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

    uint64_t next() { return hash(seed_, stream_, ordinal_++); }
    /// Uniform in [0, bound); requires bound > 0.
    uint64_t below(uint64_t bound);
    /// Uniform in [first, last].
    uint64_t between(uint64_t first, uint64_t last);
    /// True with this probability. One comparison of exact numbers: alike under every compiler.
    bool chance(double probability);
    [[nodiscard]] Bytes bytes(size_t length);

private:
    uint64_t seed_;
    uint64_t stream_;
    uint64_t ordinal_ = 0;
};

}  // namespace tally::sim
