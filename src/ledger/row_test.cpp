// A row has one encoding, and shows any one of its fields without giving the others away.
#include "ledger/row.hpp"

#include <gtest/gtest.h>

#include "ledger/keys.hpp"

namespace tally::ledger {
namespace {

const SubjectId package = subject_of({16}, 1);

Row sample() {
    const SaltSource salts(view_of("a signature"));
    Row row;
    const auto set = [&](uint32_t predicate, Bytes value) {
        row.set({{predicate}, salts.salt(package, {predicate}), std::move(value)});
    };
    set(102, encode_single(Value(int64_t{86})));
    set(100, encode_single(Value(std::string("zlib1g"))));
    set(101,
        encode_multi({Value(std::string("b")), Value(std::string("a")), Value(std::string("b"))}));
    set(103, encode_single(Value(true)));
    set(104, encode_single(Value(Bytes{1, 2, 3})));
    return row;
}

TEST(Row, survives_its_encoding) {
    const Row row = sample();
    const Bytes bytes = encode_row(row);
    const auto decoded = decode_row(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, row);
    EXPECT_EQ(*row.find({101})->values(Type::string),
              (std::vector<Value>{Value(std::string("a")), Value(std::string("b"))}));
    EXPECT_EQ(*row.find({102})->single(Type::integer), Value(int64_t{86}));
    EXPECT_FALSE(row.find({102})->single(Type::string).ok());
    EXPECT_EQ(row.find({105}), nullptr);
    for (size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(decode_row(ByteView(bytes).first(length)).ok());
}

TEST(Row, has_its_golden_bytes_and_commitment) {
    Row row;
    const SaltSource salts(Hash{}.view());
    row.set({{100}, salts.salt(package, {100}), encode_single(Value(std::string("zlib1g")))});
    row.set({{101}, salts.salt(package, {101}), encode_single(Value(int64_t{86}))});
    EXPECT_EQ(to_hex(salts.salt(package, {100})), "5ff2fcf737e5f24a9c6398da26743c20");
    EXPECT_EQ(to_hex(encode_row(row)),
              "82831864505ff2fcf737e5f24a9c6398da26743c20667a6c6962316783186550ab52e9694b52b2d87bd4"
              "2ef227bca3971856");
    EXPECT_EQ(row_commitment(row).hex(),
              "5f66aeace2757fff2ce71e59fc76be3bbae8adc35b1198a978c0318010af1a81");
    EXPECT_EQ(row_commitment(Row{}), tagged_hash(Tag::row_empty, {}));
}

TEST(Row, refuses_another_order_or_a_field_twice) {
    Row row = sample();
    std::swap(row.fields[0], row.fields[1]);
    EXPECT_FALSE(decode_row(encode_row(row)).ok());
    row = sample();
    row.fields.push_back(row.fields.back());
    EXPECT_FALSE(decode_row(encode_row(row)).ok());
}

TEST(Row, proves_each_field_and_nothing_else) {
    const Row row = sample();
    const Hash commitment = row_commitment(row);
    EXPECT_EQ(commitment_of(row_key(package), encode_row(row))->hash, commitment);
    for (const Field& field : row.fields) {
        auto proof = prove_field(row, field.predicate);
        ASSERT_TRUE(proof);
        EXPECT_TRUE(verify_field(commitment, *proof));
        proof->field.value.back() ^= 1;
        EXPECT_FALSE(verify_field(commitment, *proof));
        proof->field.value.back() ^= 1;
        proof->field.salt[0] ^= 1;
        EXPECT_FALSE(verify_field(commitment, *proof));
        proof->field.salt[0] ^= 1;
        ++proof->field.predicate.value;
        EXPECT_FALSE(verify_field(commitment, *proof));
    }
    EXPECT_FALSE(prove_field(row, {105}));
}

TEST(Row, salts_differ_by_subject_predicate_and_secret) {
    const SaltSource a(view_of("a")), b(view_of("b"));
    EXPECT_NE(a.salt(package, {1}), a.salt(package, {2}));
    EXPECT_NE(a.salt(package, {1}), a.salt({package.value + 1}, {1}));
    EXPECT_NE(a.salt(package, {1}), b.salt(package, {1}));
    const Hash key = hkdf_extract({}, view_of("a"));
    const Bytes expected = hkdf_expand(key, *from_hex("000010000000000100000001"), 16);
    const Salt salt = a.salt(package, {1});
    EXPECT_TRUE(equal(salt, expected));
}

}  // namespace
}  // namespace tally::ledger
