// The names of this process's threads, by which `top -H` and profilers tell what they do.
#pragma once

#include <pthread.h>

namespace tally::io {

/// At most 15 characters; threads that this one starts have it too, until they take another.
inline void name_this_thread(const char* name) {
    ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace tally::io
