#include <cstdlib>

#include "ports/disk.hpp"
#include "ports/http_server.hpp"
#include "ports/key_value.hpp"
#include "ports/net.hpp"

namespace tally::ports {

ErrorText describe(KeyValueError error) {
    switch (error) {
    case KeyValueError::damaged:
        return {"database_damaged", "the database is damaged",
                "Start the participant again: it puts aside a database that its files' checksums "
                "contradict, and makes it again from the journal and its peers. If that does not "
                "help, remove the database's folder"};
    case KeyValueError::io_failed:
        return {"database_io", "the database could not be read or written",
                "Check the disk's space and health, then start again"};
    case KeyValueError::locked:
        return {"database_locked", "the data directory is in use by another process",
                "Stop the other process, or choose another directory"};
    case KeyValueError::newer_format:
        return {"database_newer", "the data directory was written by a newer version of tally",
                "Run that version, or a later one"};
    case KeyValueError::other_network:
        return {"database_other_network", "the data directory belongs to another network",
                "Choose another directory, or start with the charter that it was made with"};
    }
    std::abort();
}

ErrorText describe(DiskError error) {
    switch (error) {
    case DiskError::not_found: return {"file_not_found", "no such file", "Check its name"};
    case DiskError::io_failed:
        return {"disk_io", "the disk could not be read or written",
                "Check the disk's space and health, then start again"};
    case DiskError::full: return {"disk_full", "the disk is full", "Free some space, then restart"};
    case DiskError::locked:
        return {"disk_locked", "the data directory is in use by another process",
                "Stop the other process, or choose another directory"};
    }
    std::abort();
}

ErrorText describe(NetError error) {
    switch (error) {
    case NetError::address_in_use:
        return {"address_in_use", "the address is in use by another process",
                "Stop the other process, or configure another port"};
    case NetError::bad_address:
        return {"bad_address", "not a usable address", "Write it as host:port"};
    case NetError::tls_failed:
        return {"tls_failed", "TLS could not be set up", "Check the installation of OpenSSL"};
    }
    std::abort();
}

}  // namespace tally::ports
