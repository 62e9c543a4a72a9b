// Whatever changes a known signer signs, execution neither fails nor leaves a state that does not
// match its root; and what is rejected changes nothing.
#include <cstdint>

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"

using namespace tally;
using namespace tally::ledger;
using namespace tally::ledger::testing;

namespace {

Ledger make_ledger() {
    Ledger ledger;
    ENSURE(ledger.genesis_error.empty());
    for (const char* changes :
         {R"([{"_id":"package$1","name":"a","size":1,"tags":["x","y"]}])",
          R"([{"_id":"package$2","name":"b","depends":[{"target":["package/name","a"]}]}])"})
        ENSURE(ledger.send(changes).applied());
    return ledger;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto changes = model::parse_json({data, size});
    if (!changes.ok() || !changes->is_array() || changes->get_array().empty()) return 0;
    for (const auto& change : changes->get_array()) {
        if (!change.is_object()) return 0;
    }
    static const MapState start = make_ledger().state;
    MapState state = start;
    NoPages pages;
    tree::Tree tree(pages);
    for (const auto& [key, value] : state.map) {
        const auto commitment = commitment_of(key, value);
        ENSURE(tree.put(key, commitment->length, commitment->hash).ok());
    }

    model::CheckedEnvelope envelope;
    envelope.id = sha256({data, size});
    auto& transaction = envelope.transaction.emplace();
    transaction.signer_did = did_of(1);
    transaction.expire_ms = Ledger::start_ms + 60'000;
    transaction.fuel = 1'000'000;
    transaction.changes = changes->get_array();
    BlockContext context;
    context.time = {Ledger::start_ms * 1'000};
    context.ahead_ms = 600'000;
    const Entry entry{&envelope, size};
    const auto execution = execute(state, tree, context, {&entry, 1});
    ENSURE(execution.ok());
    state.apply(execution->writes);
    ENSURE(root_from_scratch(state) == execution->state_after);
    ENSURE(Schema::load(state).ok());
    if (!execution->results[0].applied()) {
        ENSURE(execution->writes.size() == 1);
        ENSURE(execution->writes[0].key[0] == uint8_t(KeyKind::transaction));
        ENSURE(!execution->results[0].explanation().empty());
    }
    return 0;
}
