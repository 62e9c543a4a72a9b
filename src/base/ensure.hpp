// ENSURE: an assertion that is always compiled in, for what can be false only if we are wrong.
//
// Never for input: every replica runs the same code, so one crafted message that trips an ENSURE
// would stop them all. Bytes from a stranger are refused with a Result.
#pragma once

namespace tally {

[[noreturn]] void ensure_failed(const char* condition, const char* file, int line);

}  // namespace tally

#define ENSURE(condition)                                           \
    do {                                                            \
        if (!(condition)) [[unlikely]]                              \
            ::tally::ensure_failed(#condition, __FILE__, __LINE__); \
    } while (false)
