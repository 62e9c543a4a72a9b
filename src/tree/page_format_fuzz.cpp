// Whatever a disk gives back as a page, reading it does not crash; and under a true checksum every
// node that is read has exactly the bytes that stand there.
#include "tree/page_format.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input(data, size);
    const tree::NodeId first{7, 3, tree::page_header_bytes};
    const auto as_it_came = tree::check_page(input, first);
    ENSURE(as_it_came.ok() || as_it_came.error().is(tree::TreeError::damaged));
    if (size > tree::page_nodes_bytes_max) return 0;

    // Anyone can make a checksum: what stands under it is trusted no more.
    Bytes page = tree::begin_page();
    append(page, input);
    tree::end_page(page, first.height, first.page);
    const auto content = tree::check_page(page, first);
    ENSURE(content.ok() == (size > 0));
    if (!content.ok()) return 0;
    for (tree::NodeId at = first; at.offset <= content->size(); ++at.offset) {
        const auto node = tree::decode_node(*content, at);
        if (!node.ok()) continue;
        ENSURE(at.offset + node->bytes <= content->size());
        Bytes again;
        std::visit([&](const auto& one) { tree::append_node(again, one); }, node->content);
        ENSURE(equal(again, content->subspan(at.offset, node->bytes)));
    }
    return 0;
}
