// Intel's multi-buffer library; a source of its own, for its header and OpenSSL's use the same
// names.
#include "crypto/hash_many.hpp"

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <memory>

namespace tally {
namespace {

static_assert(sizeof(Hash) == sizeof(Hash::bytes), "two hashes lie end to end");

struct Free {
    void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

/// Making one takes as long as hashing a megabyte, and one thread alone may use it. Nothing of what
/// it hashed stays in it. Null on a processor that it has no code for.
IMB_MGR* manager_of_thread() {
    // house: allow thread, only buffers that are empty between two calls
    static thread_local const std::unique_ptr<IMB_MGR, Free> manager = [] {
        std::unique_ptr<IMB_MGR, Free> made(alloc_mb_mgr(0));
        ENSURE(made != nullptr);
        IMB_ARCH chosen = IMB_ARCH_NONE;
        init_mb_mgr_auto(made.get(), &chosen);
        if (chosen == IMB_ARCH_NONE || imb_get_errno(made.get()) != 0) made.reset();
        return made;
    }();
    return manager.get();
}

/// `each(i)` are the bytes of the i-th message, which must stay where they are until the group that
/// it is in is hashed.
constexpr size_t at_once = 64;
template <class Each>
void hash_group(IMB_MGR* manager, std::span<Hash> hashes, const Each& each) {
    for (size_t i = 0; i < hashes.size(); ++i) {
        const ByteView message = each(i);
        IMB_JOB* const job = IMB_GET_NEXT_JOB(manager);
        job->cipher_mode = IMB_CIPHER_NULL;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->chain_order = IMB_ORDER_HASH_CIPHER;
        job->hash_alg = IMB_AUTH_SHA_256;
        job->src = message.data();
        job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_hash_in_bytes = message.size();
        job->auth_tag_output = hashes[i].bytes.data();
        job->auth_tag_output_len_in_bytes = sizeof(Hash::bytes);
        IMB_SUBMIT_JOB_NOCHECK(manager);
    }
    while (IMB_FLUSH_JOB(manager) != nullptr) {
    }
}

}  // namespace

std::vector<Hash> sha256_of_each(std::span<const ByteView> messages) {
    IMB_MGR* const manager = manager_of_thread();
    std::vector<Hash> hashes(messages.size());
    // Nothing is a message, too, but not for the library.
    const bool has_empty = std::any_of(messages.begin(), messages.end(),
                                       [](ByteView message) { return message.empty(); });
    if (manager == nullptr || has_empty) {
        std::transform(messages.begin(), messages.end(), hashes.begin(), sha256);
        return hashes;
    }
    for (size_t first = 0; first < messages.size(); first += at_once) {
        const auto group = messages.subspan(first, std::min(at_once, messages.size() - first));
        hash_group(manager, std::span(hashes).subspan(first, group.size()),
                   [&](size_t i) { return group[i]; });
    }
    return hashes;
}

std::vector<Hash> tagged_hashes(Tag tag, std::span<const ByteView> messages) {
    IMB_MGR* const manager = manager_of_thread();
    std::vector<Hash> hashes(messages.size());
    if (manager == nullptr) {
        for (size_t i = 0; i < messages.size(); ++i) hashes[i] = tagged_hash(tag, messages[i]);
        return hashes;
    }
    Bytes tagged;
    for (size_t first = 0; first < messages.size(); first += at_once) {
        const auto group = messages.subspan(first, std::min(at_once, messages.size() - first));
        size_t bytes = 0;
        for (const ByteView message : group) bytes += message.size() + 1;
        tagged.resize(std::max(tagged.size(), bytes));
        uint8_t* to = tagged.data();
        hash_group(manager, std::span(hashes).subspan(first, group.size()), [&](size_t i) {
            uint8_t* const from = to;
            *to++ = uint8_t(tag);
            to = std::copy(group[i].begin(), group[i].end(), to);
            return ByteView(from, to);
        });
    }
    return hashes;
}

/// Level by level, in all trees alike: pairs are joined, and what is left over at the end of an odd
/// level goes up as it is. That is the tree of RFC 9162, whose left side is a whole power of two.
std::vector<Hash> merkle_roots(std::vector<Hash> leaves, size_t leaves_each) {
    ENSURE(leaves_each > 0 && leaves.size() % leaves_each == 0);
    const size_t trees = leaves.size() / leaves_each;
    for (size_t width = leaves_each; width > 1; width = (width + 1) / 2) {
        const size_t pairs = width / 2;
        const size_t above = (width + 1) / 2;
        std::vector<ByteView> messages;
        messages.reserve(trees * pairs);
        const auto* const bytes = reinterpret_cast<const uint8_t*>(leaves.data());
        for (size_t tree = 0; tree < trees; ++tree) {
            for (size_t i = 0; i < pairs; ++i)
                messages.emplace_back(bytes + (tree * width + 2 * i) * sizeof(Hash),
                                      2 * sizeof(Hash));
        }
        const auto joined = tagged_hashes(Tag::merkle_inner, messages);
        std::vector<Hash> next(trees * above);
        for (size_t tree = 0; tree < trees; ++tree) {
            std::copy_n(joined.begin() + ptrdiff_t(tree * pairs), pairs,
                        next.begin() + ptrdiff_t(tree * above));
            if (above > pairs) next[tree * above + pairs] = leaves[tree * width + width - 1];
        }
        leaves = std::move(next);
    }
    return leaves;
}

}  // namespace tally
