// What a block opens is exactly what it executes: entries_to_open() and execute() agree on copies,
// times, epochs and the bound, which no lane can fill alone; and what is opened is executed as if
// it had never been sealed.
#include <gtest/gtest.h>

#include <set>

#include "ledger/ledger_testing.hpp"
#include "ledger/result_code.hpp"
#include "model/sealed.hpp"

namespace tally::ledger {
namespace {

using testing::Ledger;
using testing::secret_of;

constexpr uint32_t holders = 128;  // So that few transactions fill a block.

model::SealingKeys keys_of(uint32_t count) {
    model::SealingKeys keys;
    keys.threshold = 1;
    for (uint32_t i = 0; i < count; ++i) keys.holders.push_back({{uint8_t(i)}, {uint8_t(9 + i)}});
    return keys;
}

class SealedBlock : public ::testing::Test {
protected:
    struct Item {
        std::string envelope;
        Participant lane;
        model::Opened opened;
    };

    std::string sealed(const std::string& changes, const std::string& nonce, uint64_t expire_ms,
                       Epoch epoch = {}) {
        model::Payload payload;
        payload.network = ledger.network;
        payload.ledger = "packages";
        payload.nonce = nonce;
        payload.expire_ms = expire_ms;
        payload.fuel = 100'000;
        payload.changes = changes;
        auto keys = keys_of(holders);
        keys.epoch = epoch;
        model::SealedText text;
        text.epoch = epoch;
        text.ciphertext = Bytes(272, uint8_t(nonce.size()));
        text.share_hashes.assign(holders, sha256(view_of(nonce)));
        text.boxes.assign(holders, ShareBox{});
        return model::sign_sealed(payload, text, secret_of(1));
    }
    static std::string package(const std::string& name) {
        return R"([{"_id":"package$1","name":")" + name + R"("}])";
    }

    /// Checks that both agree, and gives the results.
    std::vector<uint16_t> run(std::vector<Item>& items) {
        std::vector<model::CheckedEnvelope> checked;
        checked.reserve(items.size());
        for (const Item& item : items)
            checked.push_back(
                model::check_envelope(view_of(item.envelope), ledger.network, "packages"));
        std::vector<Entry> entries;
        for (size_t i = 0; i < items.size(); ++i) {
            EXPECT_TRUE(checked[i].valid()) << checked[i].why().message();
            entries.push_back({&checked[i], items[i].envelope.size(), nullptr, items[i].lane});
        }
        BlockContext context;
        context.height = ledger.height = ledger.height.next();
        context.time = {ledger.now_ms * 1'000};
        context.ahead_ms = 600'000;
        const auto found = entries_to_open(ledger.tree, context, entries);
        EXPECT_TRUE(found.ok());
        // Of no other is anything known: execute() ends the program if it would need it.
        const std::set<uint32_t> opened(found->begin(), found->end());
        for (const uint32_t i : opened) entries[i].opened = &items[i].opened;
        auto executed = execute(ledger.state, ledger.tree, context, entries);
        EXPECT_TRUE(executed.ok());
        std::vector<uint16_t> codes;
        for (const auto& result : executed->results) {
            const bool is_skipped = result.code > 0 && result.code < 10;
            const bool is_sealed = checked[result.index].transaction->sealed != nullptr;
            if (is_sealed) {
                EXPECT_EQ(opened.contains(result.index), !is_skipped) << result.index;
            }
            codes.push_back(result.code);
        }
        ledger.accept(*executed);
        return codes;
    }
    Item item(const std::string& nonce, uint8_t lane = 0) {
        Item made{sealed("", nonce, ledger.now_ms + 60'000), {lane}, {}};
        made.opened.key = Scalar{1};
        made.opened.changes = *model::parse_changes(view_of(package(nonce)));
        return made;
    }

    Ledger ledger;
};

TEST_F(SealedBlock, copies_times_and_epochs_are_judged_alike) {
    std::vector<Item> items;
    items.push_back(item("a"));
    items.push_back(item("a", 1));  // The same again, from another lane.
    Item late = item("late");
    late.envelope = sealed("", "late", ledger.now_ms - 1);
    items.push_back(late);
    Item early = item("early");
    early.envelope = sealed("", "early", ledger.now_ms + 700'000);
    items.push_back(early);
    Item other = item("other");
    other.envelope = sealed("", "other", ledger.now_ms + 60'000, Epoch{1});
    items.push_back(other);
    Item bad = item("void", 2);
    bad.opened = {};
    items.push_back(bad);
    using enum ResultCode;
    EXPECT_EQ(run(items), (std::vector<uint16_t>{uint16_t(applied), uint16_t(duplicate),
                                                 uint16_t(expired), uint16_t(too_far_ahead),
                                                 uint16_t(sealed_lapsed), uint16_t(sealed_void)}));
    // Both that were executed are remembered.
    std::vector<Item> again{items[0], items[5]};
    EXPECT_EQ(run(again), (std::vector<uint16_t>{uint16_t(duplicate), uint16_t(duplicate)}));
}

TEST_F(SealedBlock, no_lane_fills_a_block_alone) {
    // 8,192 shares are 64 transactions of 128, and no lane has more than a 128th of them, but one.
    std::vector<Item> items;
    for (uint8_t i = 0; i < 3; ++i) items.push_back(item("a" + std::to_string(i), 0));
    for (uint8_t lane = 1; lane < 70; ++lane)
        items.push_back(item("b" + std::to_string(lane), lane));
    const auto codes = run(items);
    EXPECT_EQ(codes[0], 0);
    EXPECT_EQ(codes[1], uint16_t(ResultCode::sealed_full));
    EXPECT_EQ(codes[2], uint16_t(ResultCode::sealed_full));
    EXPECT_EQ(std::count(codes.begin(), codes.end(), 0), 64);
    EXPECT_EQ(codes.back(), uint16_t(ResultCode::sealed_full));
    // What stayed sealed may come again.
    std::vector<Item> again{items[1]};
    EXPECT_EQ(run(again), std::vector<uint16_t>{0});
}

}  // namespace
}  // namespace tally::ledger
