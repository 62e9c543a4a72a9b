// Pages and roots' references have the bytes that are on disks already.
#include "tree/page_format.hpp"

#include <gtest/gtest.h>

namespace tally::tree {
namespace {

LeafValue value_of_text(std::string_view text) {
    return {uint32_t(text.size()), sha256(view_of(text))};
}
/// Two leaves under one node, all in one page.
Bytes sample_page() {
    const Bytes left_key{0x00}, right_key{0x01};
    const uint32_t left = page_header_bytes + inner_bytes + 2 * child_here_bytes;
    const auto right = uint32_t(left + leaf_bytes_of(left_key.size()));
    Bytes page = begin_page();
    append_node(page, StoredInner{7, {{}, {7, 3, left}, true}, {{}, {7, 3, right}, true}});
    append_node(page, StoredLeaf{left_key, value_of_text("a")});
    append_node(page, StoredLeaf{right_key, {2, sha256(view_of("b"))}});
    end_page(page, 7, 3);
    return page;
}

TEST(PageFormat, has_its_golden_bytes) {
    // Computed from the format at the head of page_format.hpp, apart from this code.
    EXPECT_EQ(to_hex(sample_page()),
              "011300070008002f20010000000001ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b98077"
              "85afee48bb200101000000023e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c"
              "009d55eeef34c1415815");
    Bytes elsewhere;
    append_node(
        elsewhere,
        StoredInner{0x123, {sha256(view_of("a")), {5, 1, 9}, false}, {{}, {7, 3, 0x200}, true}});
    EXPECT_EQ(to_hex(elsewhere),
              "120123ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb00000000000000"
              "050000000100090200");
}

TEST(PageFormat, a_page_read_back_is_what_was_stored_there) {
    const Bytes page = sample_page();
    const NodeId first{7, 3, page_header_bytes};
    const auto content = check_page(page, first);
    ASSERT_TRUE(content.ok());
    const auto node = decode_node(*content, first);
    ASSERT_TRUE(node.ok());
    const auto& inner = std::get<StoredInner>(node->content);
    const auto leaf = decode_node(*content, inner.right.id);
    ASSERT_TRUE(leaf.ok());
    EXPECT_EQ(std::get<StoredLeaf>(leaf->content).value.hash, sha256(view_of("b")));
    // The same bytes at another place are another page.
    EXPECT_FALSE(check_page(page, {8, 3, page_header_bytes}).ok());
    EXPECT_FALSE(check_page(page, {7, 4, page_header_bytes}).ok());
    for (size_t at = 0; at < page.size(); ++at) {
        Bytes bad = page;
        bad[at] ^= 1;
        EXPECT_FALSE(check_page(bad, first).ok()) << at;
    }
}

TEST(RootRef, has_its_golden_bytes) {
    EXPECT_EQ(to_hex(encode(RootRef::empty())),
              "f299791cddd3d6664f6670842812ef6053eb6501bd6282a476bbbf3ee91e750c"
              "0000000000000000000000000000000000");
    EXPECT_EQ(to_hex(encode(RootRef{sha256(view_of("a")), NodeId{0x102030405060708, 9, 0x0a0b}})),
              "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
              "0101020304050607080000000900000a0b");
}

}  // namespace
}  // namespace tally::tree
