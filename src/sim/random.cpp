#include "sim/random.hpp"

namespace tally::sim {

uint64_t Random::below(uint64_t bound) {
    ENSURE(bound > 0);
    // The bias is below 2⁻⁴⁰ for every bound that a simulation uses.
    return next() % bound;
}

uint64_t Random::between(uint64_t first, uint64_t last) {
    ENSURE(first <= last);
    const uint64_t span = last - first + 1;
    return first + (span == 0 ? next() : below(span));
}

bool Random::chance(double probability) {
    return double(next() >> 11) * 0x1p-53 < probability;
}

Bytes Random::bytes(size_t length) {
    Bytes made;
    made.reserve(length + 8);
    while (made.size() < length) append_u64(made, next());
    made.resize(length);
    return made;
}

}  // namespace tally::sim
