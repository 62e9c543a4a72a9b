// The state's keys: frozen bytes, none the beginning of another, in the order of what they hold.
#include "ledger/keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tally::ledger {
namespace {

const SubjectId subject = subject_of({16}, 1);

TEST(Keys, have_their_golden_bytes) {
    EXPECT_EQ(to_hex(row_key(subject)), "010000100000000001");
    EXPECT_EQ(to_hex(counter_key({16})), "020010");
    EXPECT_EQ(to_hex(index_key({100}, Value(std::string("zlib")), subject)),
              "03000000647a6c696200010000100000000001");
    EXPECT_EQ(to_hex(index_key({100}, Value(std::string("a\0b", 3)), subject)),
              "03000000646100ff6200010000100000000001");
    EXPECT_EQ(to_hex(index_key({100}, Value(int64_t{-1}), subject)),
              "03000000647fffffffffffffff00010000100000000001");
    EXPECT_EQ(to_hex(index_key({100}, Value(true), subject)), "03000000640100010000100000000001");
    EXPECT_EQ(to_hex(unique_key({100}, Value(std::string("zlib")))), "04000000647a6c69620001");
    EXPECT_EQ(to_hex(reverse_key(subject, {100}, subject_of({17}, 2))),
              "050000100000000001000000640000110000000002");
    EXPECT_EQ(to_hex(transaction_key(1'700'000'000'000, Hash{})),
              "060000018bcfe56800" + std::string(64, '0'));
    EXPECT_EQ(to_hex(sheet_key({16})), "070010");
    EXPECT_EQ(to_hex(schema_version_key()), "08");
    const std::string longest(200, 'x');
    EXPECT_EQ(to_hex(unique_key({100}, Value(longest))),
              "0400000064" + to_hex(view_of(longest.substr(0, 48))) + "ff" +
                  sha256(view_of(longest)).hex());
}

/// Values around the place where long ones are cut, with zeros where they hurt.
std::vector<Bytes> awkward_values() {
    std::vector<Bytes> values{{}, {0}, {0, 0}, {0, 1}, {0, 255}, {1}, {255}, {255, 255}};
    for (size_t length = 44; length <= 52; ++length) {
        for (const uint8_t fill : {0x00, 0x01, 0x61, 0xff}) {
            Bytes value(length, fill);
            values.push_back(value);
            for (const uint8_t last : {0x00, 0x01, 0xff}) {
                value.back() = last;
                values.push_back(value);
            }
        }
        Bytes value(length, 0x61);
        for (size_t at = length - 5; at < length; ++at) {
            value[at] = 0;
            values.push_back(value);
        }
    }
    for (size_t length = 20; length <= 28; ++length) values.emplace_back(length, 0x00);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

TEST(Keys, none_is_the_beginning_of_another) {
    std::vector<Bytes> keys{row_key(subject), counter_key({16}), sheet_key({16}),
                            schema_version_key(), transaction_key(1, Hash{})};
    for (const Bytes& value : awkward_values()) {
        keys.push_back(unique_key({100}, Value(value)));
        keys.push_back(index_key({100}, Value(value), subject));
        keys.push_back(index_key({100}, Value(value), {0}));
    }
    for (const Bytes& a : keys) {
        EXPECT_LE(a.size(), limits::key_bytes_max);
        for (const Bytes& b : keys) {
            if (&a == &b) continue;
            const bool begins = a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin());
            EXPECT_FALSE(begins) << to_hex(a) << " begins " << to_hex(b);
        }
    }
}

TEST(Keys, index_values_keep_the_order_except_among_long_ones_that_begin_alike) {
    const auto values = awkward_values();
    for (const Bytes& a : values) {
        for (const Bytes& b : values) {
            if (!(a < b)) continue;
            const Value x(a), y(b);
            if (!index_value_is_whole(x) && !index_value_is_whole(y)) {
                const Bytes p = index_value(x), q = index_value(y);
                if (std::equal(p.begin(), p.begin() + 49, q.begin())) continue;
            }
            EXPECT_LT(index_value(x), index_value(y)) << to_hex(a) << " " << to_hex(b);
        }
    }
}

TEST(Keys, are_read_back) {
    EXPECT_EQ(subject_of_row_key(row_key(subject)), subject);
    EXPECT_FALSE(subject_of_row_key(counter_key({16})));
    EXPECT_EQ(last_subject_of_key(index_key({1}, Value(true), subject)), subject);
    const auto reverse = reverse_of_key(reverse_key(subject, {7}, {9}));
    ASSERT_TRUE(reverse);
    EXPECT_EQ(reverse->target, subject);
    EXPECT_EQ(reverse->predicate, PredicateId{7});
    EXPECT_EQ(reverse->source, SubjectId{9});
    const Hash id = sha256({});
    const auto entry = transaction_of_key(transaction_key(5, id));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->expire_ms, 5u);
    EXPECT_EQ(entry->id, id);
}

TEST(Keys, a_range_holds_a_collections_rows_and_no_others) {
    const KeyRange range = rows_of({16});
    const auto inside = [&](SubjectId one) {
        const Bytes key = row_key(one);
        return !(key < range.from) && key < range.to;
    };
    EXPECT_TRUE(inside(subject_of({16}, 1)));
    EXPECT_TRUE(inside(subject_of({16}, counter_max)));
    EXPECT_FALSE(inside(subject_of({15}, counter_max)));
    EXPECT_FALSE(inside(subject_of({17}, 0)));
    EXPECT_EQ(after_prefix(Bytes{1, 255}), Bytes{2});
}

}  // namespace
}  // namespace tally::ledger
