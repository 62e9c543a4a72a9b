// Each value has exactly one encoding; every other spelling, and every claim over its bound, is
// refused.
#include "model/cbor.hpp"

#include <gtest/gtest.h>

namespace tally::cbor {
namespace {

enum class Colour : uint8_t { red, green };
constexpr Colour last_of(Colour) {
    return Colour::green;
}

struct Inner {
    Slot slot;
    std::optional<Hash> hash;
    bool operator==(const Inner&) const = default;
    static constexpr auto fields() { return std::tuple{&Inner::slot, &Inner::hash}; }
};
struct Outer {
    List<Inner, 3> inners;
    Text<4> name;
    Colour colour = Colour::red;
    std::variant<uint8_t, Blob<2>> either;
    bool operator==(const Outer&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Outer::inners, &Outer::name, &Outer::colour, &Outer::either};
    }
};

Bytes hex(std::string_view text) {
    return *from_hex(text);
}

TEST(Cbor, integers_match_rfc_8949_appendix_a) {
    const std::pair<int64_t, std::string_view> vectors[] = {{0, "00"},
                                                            {23, "17"},
                                                            {24, "1818"},
                                                            {1000, "1903e8"},
                                                            {1000000, "1a000f4240"},
                                                            {1000000000000, "1b000000e8d4a51000"},
                                                            {-1, "20"},
                                                            {-100, "3863"},
                                                            {-1000, "3903e7"}};
    for (const auto& [value, text] : vectors) {
        EXPECT_EQ(to_hex(encode(value)), text);
        EXPECT_EQ(*decode<int64_t>(hex(text)), value);
    }
    EXPECT_EQ(*decode<int64_t>(encode(std::numeric_limits<int64_t>::min())),
              std::numeric_limits<int64_t>::min());
}

TEST(Cbor, an_item_is_checked_whatever_it_is) {
    std::string nested;
    for (uint32_t i = 0; i < limits::cbor_depth_max; ++i) nested += "81";
    for (const std::string& text :
         {std::string("00"), std::string("3863"), std::string("f6"), std::string("83f4f56161"),
          std::string("a16161820102"), std::string("43000102"), nested + "00"})
        EXPECT_TRUE(check_item(hex(text)).ok()) << text;
    const std::pair<std::string, CborError> bad[] = {{nested + "8100", CborError::too_deep},
                                                     {"821801f6", CborError::not_canonical},
                                                     {"9fff", CborError::not_canonical},
                                                     {"0000", CborError::trailing},
                                                     {"8201", CborError::truncated},
                                                     {"", CborError::truncated},
                                                     {"61ff", CborError::bad_text},
                                                     {"c000", CborError::wrong_type},
                                                     {"9bffffffffffffffff00", CborError::too_long},
                                                     {"f7", CborError::wrong_type}};
    for (const auto& [text, error] : bad) {
        const auto checked = check_item(hex(text));
        ASSERT_FALSE(checked.ok()) << text;
        EXPECT_TRUE(checked.error().is(error)) << text << ": " << checked.error().message();
    }
}

TEST(Cbor, longer_spellings_are_refused) {
    for (const std::string_view text :
         {"1800", "1817", "190018", "1a0000ffff", "1b00000000ffffffff"})
        EXPECT_TRUE(decode<uint64_t>(hex(text)).error().is(CborError::not_canonical)) << text;
    EXPECT_TRUE(decode<uint64_t>(hex("1c")).error().is(CborError::not_canonical));
    EXPECT_TRUE(decode<Blob<8>>(hex("5f4100ff")).error().is(CborError::not_canonical));
    EXPECT_TRUE(decode<uint64_t>(hex("0000")).error().is(CborError::trailing));
    EXPECT_TRUE(decode<uint64_t>(hex("19ff")).error().is(CborError::truncated));
}

TEST(Cbor, structs_round_trip_and_every_truncation_is_refused) {
    const Outer value{
        {{Slot{7}, sha256({})}, {Slot{300}, {}}}, {"abc"}, Colour::green, Blob<2>{1, 2}};
    const Bytes bytes = encode(value);
    EXPECT_EQ(*decode<Outer>(bytes), value);
    for (size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(decode<Outer>(ByteView(bytes).first(length)).ok());
}

TEST(Cbor, bounds_are_checked_before_anything_is_allocated) {
    EXPECT_TRUE((decode<List<uint8_t, 3>>(hex("84")).error().is(CborError::too_long)));
    EXPECT_TRUE(
        (decode<List<uint8_t, 3>>(hex("9bffffffffffffffff")).error().is(CborError::too_long)));
    EXPECT_TRUE(decode<Blob<2>>(hex("43010203")).error().is(CborError::too_long));
    EXPECT_TRUE(decode<Text<2>>(hex("6161ff")).error().is(CborError::trailing));
    EXPECT_TRUE(decode<Colour>(hex("02")).error().is(CborError::bad_value));
    EXPECT_TRUE(decode<uint8_t>(hex("190100")).error().is(CborError::bad_value));
    EXPECT_TRUE((decode<std::array<uint8_t, 2>>(hex("4101")).error().is(CborError::bad_value)));
}

TEST(Cbor, text_must_be_utf8_and_nesting_is_bounded) {
    for (const std::string_view bad : {"61ff", "62c080", "63eda080", "64f4908080", "61c3"})
        EXPECT_FALSE(decode<Text<8>>(hex(bad)).ok()) << bad;
    EXPECT_EQ(*decode<Text<8>>(hex("64f0908591")), "\xf0\x90\x85\x91");
    Bytes deep(limits::cbor_depth_max + 1, 0x81);
    Reader reader(deep);
    Result<uint64_t> last = uint64_t{0};
    for (size_t i = 0; i <= limits::cbor_depth_max; ++i) last = reader.array(1);
    EXPECT_TRUE(last.error().is(CborError::too_deep));
}

}  // namespace
}  // namespace tally::cbor
