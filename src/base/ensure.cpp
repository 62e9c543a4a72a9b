#include "base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace tally {

void ensure_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "tally: this is a bug in tally: ENSURE(%s) failed at %s:%d\n", condition,
                 file, line);
    std::abort();
}

}  // namespace tally
