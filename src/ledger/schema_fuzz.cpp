// Whatever bytes a collection's sheet is said to have, reading it does not crash, and a collection
// has one sheet.
#include "ledger/schema.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const auto sheet = ledger::decode_sheet(ledger::CollectionId{16}, bytes);
    if (!sheet.ok()) {
        ENSURE(!sheet.error().message().empty());
        return 0;
    }
    ENSURE(equal(ledger::encode_sheet(*sheet), bytes));
    for (const auto& predicate : sheet->predicates)
        ENSURE(sheet->find(predicate.id) != nullptr && sheet->find(predicate.name) != nullptr);
    return 0;
}
