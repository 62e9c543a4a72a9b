// A stranger's batch: cutting it into leaves agrees with decoding it whole, one batch has one
// encoding, and whatever an author commits to is held alike by all or void.
#include "availability/dispersal.hpp"
#include "model/cut_limits.hpp"
#include "model/envelope.hpp"

using namespace tally;

namespace {

void check_dispersal(ByteView bytes, uint32_t n, uint8_t first) {
    const availability::Coder coder(n, {}, 1'000);
    const availability::Place place{Epoch{}, Participant{1}, LaneHeight{1}};
    const auto dispersal = coder.disperse(place, model::Forwarding::coded, bytes);
    model::BatchHeader header;
    header.lane = place.lane;
    header.height = place.height;
    header.da = dispersal.da;
    const uint32_t needed = dispersal.shape.holders_needed();
    first = uint8_t(first % (n - needed + 1));
    model::CellSets sets;
    for (uint8_t holder = first; sets.size() < needed; ++holder) {
        sets.push_back(dispersal.cells_of(Participant{holder}));
        ENSURE(coder.cells_verify(dispersal.da, Participant{holder}, sets.back()));
    }
    const auto held = coder.batch_of(header, sets);
    ENSURE(held && !held->is_void && equal(held->bytes, bytes));
    const auto whole = coder.rebuild(header, bytes);
    ENSURE(whole && !whole->is_void && equal(whole->bytes, bytes));
    // As evidence it is another way to say the same, and garbage is none.
    ENSURE(coder.rebuild(header, cbor::encode(sets)) != nullptr);
    sets.front().bytes[first % sets.front().bytes.size()] ^= 1;
    ENSURE(coder.rebuild(header, cbor::encode(sets)) == nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const auto leaves = availability::batch_leaves(bytes);
    const auto batch = cbor::decode<model::Batch>(bytes);
    ENSURE(leaves.ok() == (batch.ok() && !batch->empty() && size <= limits::batch_bytes_max));
    if (!leaves.ok()) return 0;
    ENSURE(equal(availability::encode_batch(*batch), bytes));
    ENSURE(leaves->size() == batch->size());
    for (size_t i = 0; i < leaves->size(); ++i) {
        const auto& leaf = (*leaves)[i];
        const auto& item = (*batch)[i];
        ENSURE(leaf.ledger == item.ledger);
        ENSURE(equal(bytes.subspan(leaf.offset, leaf.length), item.envelope));
        ENSURE(leaf.transaction == model::transaction_id_of(item.envelope));
    }
    if (size >= leaves->size() * model::envelope_bytes_min)
        check_dispersal(bytes, size % 2 == 0 ? 4 : 7, data[size - 1]);
    return 0;
}
