#include "ordering/leaders.hpp"

#include <algorithm>

namespace tally::ordering {

Leaders::Leaders(const model::Signatories& set) {
    std::vector<std::pair<Hash, Participant>> hashed;
    for (uint32_t i = 0; i < set.places(); ++i) {
        if (!set.has({uint8_t(i)})) continue;
        const Hash hash = Hasher(Tag::leader_order)
                              .add(set.network)
                              .add_u32(set.epoch.value)
                              .add_u8(uint8_t(i))
                              .finish();
        hashed.emplace_back(hash, Participant{uint8_t(i)});
    }
    std::sort(hashed.begin(), hashed.end());
    for (const auto& [hash, participant] : hashed) order_.push_back(participant);
}

Participant Leaders::of(Slot slot, View view) const {
    const size_t count = order_.size();
    return order_[(slot.value % count + view.value % count) % count];
}

}  // namespace tally::ordering
