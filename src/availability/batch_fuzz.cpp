// A stranger's batch: cutting it into leaves agrees with decoding it whole, one batch has one
// encoding, and whatever an author commits to is held alike by all or void.
#include "availability/dispersal.hpp"
#include "model/cut_limits.hpp"
#include "model/envelope.hpp"

using namespace tally;

namespace {

void check_dispersal(ByteView bytes) {
    const availability::Place place{Epoch{}, 4, Participant{1}, LaneHeight{1}};
    const auto dispersal = availability::disperse(place, bytes);
    model::BatchHeader header;
    header.lane = place.lane;
    header.height = place.height;
    header.da = dispersal.da;
    const auto cell = dispersal.cell_of(Participant{2});
    ENSURE(availability::cell_verifies(dispersal.da, Participant{2}, cell));
    const auto held = availability::rebuild(header, cell.bytes);
    ENSURE(held && !held->is_void && equal(held->bytes, bytes));
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
    if (size >= leaves->size() * model::envelope_bytes_min) check_dispersal(bytes);
    return 0;
}
