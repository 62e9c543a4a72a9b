#include "io/entropy.hpp"

#include <sodium.h>

namespace tally::io {

void fill_random(std::span<uint8_t> bytes) {
    randombytes_buf(bytes.data(), bytes.size());
}

}  // namespace tally::io
