// UTF-8 (RFC 3629): whether bytes are it, and text that is it of bytes that need not be.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tally::model {

/// Shortest form, no surrogates, at most U+10FFFF.
[[nodiscard]] bool is_utf8(ByteView bytes);

/// The same text, with U+FFFD in place of each byte that is no part of UTF-8. For whatever quotes
/// what a stranger sent: JSON must be UTF-8, and a terminal is to show it.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace tally::model
