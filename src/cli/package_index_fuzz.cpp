// Whatever a file holds, compressed or not, reading it as a package index ends: with records, or
// with what is wrong in words.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "cli/package_index.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const int file = ::memfd_create("index", MFD_CLOEXEC);
    ENSURE(file >= 0);
    ENSURE(::write(file, data, size) == ssize_t(size));
    auto index = cli::PackageIndex::open("/proc/self/fd/" + std::to_string(file));
    ::close(file);
    if (!index.ok()) return 0;
    uint64_t line = 0;
    while (true) {
        const auto stanza = index->next();
        if (!stanza.ok()) {
            ENSURE(!stanza.error().message().empty());
            return 0;
        }
        if (!*stanza) return 0;
        ENSURE((*stanza)->line > line);
        line = (*stanza)->line;
        ENSURE((*stanza)->fault || !(*stanza)->record.name.empty());
        ENSURE((*stanza)->record.dependencies.size() <= cli::dependencies_per_package_max);
    }
}
