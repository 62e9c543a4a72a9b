#include "cli/address.hpp"

#include <charconv>

namespace tally::cli {

std::optional<Address> parse_address(const std::string& text) {
    const size_t colon = text.rfind(':');
    if (colon == text.npos || colon == 0) return {};
    Address address{text.substr(0, colon), 0};
    if (address.host.front() == '[' && address.host.back() == ']')
        address.host = address.host.substr(1, address.host.size() - 2);
    else if (address.host.find(':') != address.host.npos)
        return {};
    const char* end_of_text = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + colon + 1, end_of_text, address.port);
    if (error != std::errc{} || end != end_of_text || address.host.empty()) return {};
    return address;
}

}  // namespace tally::cli
