#include "model/cbor.hpp"

#include "model/utf8.hpp"

namespace tally::cbor {
namespace {

/// At most limits::cbor_depth_max deep in itself, as the reader's depth is.
Result<void> skip_item(Reader& from) {
    TRY(major, from.peek());
    switch (major) {
    case Major::unsigned_: CHECK(from.uint()); return success();
    case Major::negative: CHECK(from.integer()); return success();
    case Major::bytes: CHECK(from.bytes(std::numeric_limits<size_t>::max())); return success();
    case Major::text: CHECK(from.text(std::numeric_limits<size_t>::max())); return success();
    case Major::array:
    case Major::map: {
        constexpr auto count_max = std::numeric_limits<uint64_t>::max() / 2;
        TRY(count, major == Major::array ? from.array(count_max) : from.map(count_max));
        // Each takes a byte at least: a claim beyond the bytes ends with them.
        for (uint64_t i = 0; i < (major == Major::map ? 2 * count : count); ++i)
            CHECK(skip_item(from));
        from.close();
        return success();
    }
    case Major::simple: {
        TRY(absent, from.null());
        if (!absent) CHECK(from.boolean());
        return success();
    }
    }
    return CborError::wrong_type;  // A tag.
}

}  // namespace

Result<void> check_item(ByteView bytes) {
    Reader reader(bytes);
    CHECK(skip_item(reader));
    return reader.finish();
}

ErrorText describe(CborError error) {
    switch (error) {
    case CborError::truncated:
        return {"cbor_truncated", "the CBOR ends too early",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::not_canonical:
        return {"cbor_not_canonical", "the CBOR is not in its one canonical form",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::wrong_type:
        return {"cbor_wrong_type", "the CBOR holds another kind of item",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::too_long:
        return {"cbor_too_long", "an item of the CBOR is over its limit",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::too_deep:
        return {"cbor_too_deep", "the CBOR nests too deeply: more than 16 levels",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::trailing:
        return {"cbor_trailing", "bytes follow the CBOR item",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::bad_text:
        return {"cbor_bad_text", "a text in the CBOR is not UTF-8",
                "Fetch it again: these bytes are damaged or something else"};
    case CborError::bad_value:
        return {"cbor_bad_value", "a value in the CBOR is out of range",
                "Fetch it again: these bytes are damaged or something else"};
    }
    std::abort();
}

void Writer::head(Major major, uint64_t argument) {
    const uint8_t kind = uint8_t(uint8_t(major) << 5);
    if (argument < 24) {
        out_.push_back(kind | uint8_t(argument));
    } else if (argument <= 0xff) {
        out_.push_back(kind | 24);
        out_.push_back(uint8_t(argument));
    } else if (argument <= 0xffff) {
        out_.push_back(kind | 25);
        append_u16(out_, uint16_t(argument));
    } else if (argument <= 0xffff'ffff) {
        out_.push_back(kind | 26);
        append_u32(out_, uint32_t(argument));
    } else {
        out_.push_back(kind | 27);
        append_u64(out_, argument);
    }
}

void Writer::integer(int64_t value) {
    if (value >= 0) {
        head(Major::unsigned_, uint64_t(value));
    } else {
        head(Major::negative, ~uint64_t(value));  // −1 − n, without overflow.
    }
}

void Writer::bytes(ByteView value) {
    head(Major::bytes, value.size());
    append(out_, value);
}

void Writer::text(std::string_view value) {
    head(Major::text, value.size());
    append(out_, view_of(value));
}

Result<Major> Reader::peek() const {
    if (at_end()) return CborError::truncated;
    return Major(bytes_[position_] >> 5);
}

Result<uint64_t> Reader::head(Major major) {
    if (at_end()) return CborError::truncated;
    const uint8_t first = bytes_[position_];
    if (first >> 5 != uint8_t(major)) return CborError::wrong_type;
    const uint8_t low = first & 31;
    if (low < 24) {
        ++position_;
        return uint64_t{low};
    }
    if (low > 27) return CborError::not_canonical;  // Reserved, or an indefinite length.
    const size_t width = size_t{1} << (low - 24);
    if (bytes_.size() - position_ < 1 + width) return CborError::truncated;
    uint64_t argument = 0;
    for (size_t i = 0; i < width; ++i) argument = argument << 8 | bytes_[position_ + 1 + i];
    const uint64_t smallest = width == 1 ? 24 : uint64_t{1} << (4 * width);
    if (argument < smallest) return CborError::not_canonical;
    position_ += 1 + width;
    return argument;
}

Result<uint64_t> Reader::uint() {
    return head(Major::unsigned_);
}

Result<int64_t> Reader::integer() {
    TRY(kind, peek());
    if (kind != Major::unsigned_ && kind != Major::negative) return CborError::wrong_type;
    TRY(argument, head(kind));
    if (argument > uint64_t(std::numeric_limits<int64_t>::max())) return CborError::bad_value;
    return kind == Major::unsigned_ ? int64_t(argument) : -1 - int64_t(argument);
}

Result<ByteView> Reader::bytes(size_t bytes_max) {
    TRY(length, head(Major::bytes));
    if (length > bytes_max) return CborError::too_long;
    if (length > bytes_.size() - position_) return CborError::truncated;
    const ByteView taken = bytes_.subspan(position_, length);
    position_ += length;
    return taken;
}

Result<std::string_view> Reader::text(size_t bytes_max) {
    TRY(length, head(Major::text));
    if (length > bytes_max) return CborError::too_long;
    if (length > bytes_.size() - position_) return CborError::truncated;
    const ByteView taken = bytes_.subspan(position_, length);
    if (!model::is_utf8(taken)) return CborError::bad_text;
    position_ += length;
    return text_of(taken);
}

Result<uint64_t> Reader::open(Major major, uint64_t count_max) {
    TRY(count, head(major));
    if (count > count_max) return CborError::too_long;
    if (depth_ == limits::cbor_depth_max) return CborError::too_deep;
    ++depth_;
    return count;
}

Result<uint64_t> Reader::array(uint64_t count_max) {
    return open(Major::array, count_max);
}
Result<uint64_t> Reader::map(uint64_t count_max) {
    return open(Major::map, count_max);
}

Result<bool> Reader::boolean() {
    if (at_end()) return CborError::truncated;
    const uint8_t first = bytes_[position_];
    if (first != 0xf4 && first != 0xf5) return CborError::wrong_type;
    ++position_;
    return first == 0xf5;
}

Result<bool> Reader::null() {
    if (at_end()) return CborError::truncated;
    if (bytes_[position_] != 0xf6) return false;
    ++position_;
    return true;
}

Result<void> Reader::finish() const {
    if (!at_end()) return CborError::trailing;
    return success();
}

}  // namespace tally::cbor
