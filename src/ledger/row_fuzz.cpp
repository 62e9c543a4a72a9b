// Whatever bytes a row is said to have, reading it and its fields does not crash, and a row has one
// encoding.
#include "ledger/row.hpp"

#include "ledger/keys.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const auto row = ledger::decode_row(bytes);
    const Bytes key = ledger::row_key(ledger::subject_of({16}, 1));
    const auto commitment = ledger::commitment_of(key, bytes);
    ENSURE(commitment.ok() == row.ok());
    if (!row.ok()) {
        ENSURE(!row.error().message().empty());
        return 0;
    }
    ENSURE(equal(ledger::encode_row(*row), bytes));
    for (const auto& field : row->fields) {
        for (uint8_t type = 0; type <= uint8_t(last_of(ledger::Type{})); ++type) {
            const auto single = field.single(ledger::Type(type));
            if (single.ok()) ENSURE(ledger::encode_single(*single) == field.value);
            (void)field.values(ledger::Type(type)).ok();
        }
        const auto proof = ledger::prove_field(*row, field.predicate);
        ENSURE(proof && ledger::verify_field(commitment->hash, *proof));
    }
    return 0;
}
