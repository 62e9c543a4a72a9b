// Whatever a reader asks, parsing and answering it neither crashes nor goes beyond the question;
// and with every row looked at, the answer is the same.
#include <cstdint>

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"
#include "query/query.hpp"

using namespace tally;

namespace {

using ledger::testing::Ledger;

Ledger make_ledger() {
    Ledger ledger;
    for (
        const char* changes :
        {R"([{"_id":"package$1","name":"a","size":1,"tags":["x","y"]}])",
         R"([{"_id":"package$2","name":"b","size":2,"depends":[{"target":["package/name","a"]}]}])",
         R"([{"_id":"package$3","name":"c","size":2,"tags":["y"],"essential":true}])"})
        ENSURE(ledger.send(changes).applied());
    return ledger;
}

/// The same state, whose sheets name no index: then only the rows are left to look at.
class WithoutIndexes final : public StateView {
public:
    explicit WithoutIndexes(const StateView& state) : state_(state) {}
    Result<std::optional<Bytes>> get(ByteView key) const override { return state_.get(key); }
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override {
        return state_.scan(from, to, [&](ByteView key, ByteView value) {
            if (key[0] != uint8_t(ledger::KeyKind::sheet)) return each(key, value);
            auto sheet =
                ledger::decode_sheet(ledger::CollectionId{read_u16(key.subspan(1))}, value);
            ENSURE(sheet.ok());
            for (auto& predicate : sheet->predicates) predicate.unique = predicate.index = false;
            return each(key, ledger::encode_sheet(*sheet));
        });
    }

private:
    const StateView& state_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Ledger ledger = make_ledger();
    static const WithoutIndexes plain(ledger.state);
    static const auto schema = *ledger::Schema::load(ledger.state);
    static const auto schema_without = *ledger::Schema::load(plain);
    const auto json = model::parse_json({data, size});
    if (!json.ok()) return 0;
    const auto asked = query::parse_query(*json, *schema);
    if (!asked.ok()) {
        ENSURE(!asked.error().message().empty());
        return 0;
    }
    const auto everything = ledger::Permissions::everything();
    const auto answer = query::run(ledger.state, *schema, everything, *asked);
    const auto scanned = query::run(plain, *schema_without, everything, *asked);
    ENSURE(answer.ok() == scanned.ok());
    if (!answer.ok()) return 0;
    ENSURE(answer->rows.size() <= asked->limit);
    ENSURE(answer->rows == scanned->rows && answer->more == scanned->more);
    return 0;
}
