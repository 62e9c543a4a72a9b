// Addresses as configurations and charters write them: host:port, or [host]:port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tally::cli {

struct Address {
    std::string host;  ///< without brackets
    uint16_t port = 0;
};
[[nodiscard]] std::optional<Address> parse_address(const std::string& text);

}  // namespace tally::cli
