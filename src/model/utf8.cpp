#include "model/utf8.hpp"

namespace tally::model {
namespace {

/// Of the character that begins at `at`; 0 if none does.
size_t character_bytes(ByteView bytes, size_t at) {
    const uint8_t lead = bytes[at];
    if (lead < 0x80) return 1;
    const size_t extra = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || extra >= bytes.size() - at) return 0;
    uint32_t point = lead & (0x3f >> extra);
    for (size_t k = 1; k <= extra; ++k) {
        if ((bytes[at + k] & 0xc0) != 0x80) return 0;
        point = point << 6 | (bytes[at + k] & 0x3f);
    }
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    if (surrogate || point > 0x10ffff || (extra == 2 && point < 0x800) ||
        (extra == 3 && point < 0x10000))
        return 0;
    return extra + 1;
}

}  // namespace

bool is_utf8(ByteView bytes) {
    for (size_t at = 0; at < bytes.size();) {
        const size_t count = character_bytes(bytes, at);
        if (count == 0) return false;
        at += count;
    }
    return true;
}

std::string valid_utf8(std::string_view text) {
    const ByteView bytes = view_of(text);
    if (is_utf8(bytes)) return std::string(text);
    std::string valid;
    for (size_t at = 0; at < bytes.size();) {
        const size_t count = character_bytes(bytes, at);
        valid += count == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(at, count);
        at += count == 0 ? 1 : count;
    }
    return valid;
}

}  // namespace tally::model
