// Whatever is altered in a state, reading it through its tree, or executing a block over it, gives
// the truth or an error that names the altered key; never another answer.
#include "ledger/checked_view.hpp"

#include <gtest/gtest.h>

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"

namespace tally::ledger::testing {
namespace {

using Entries = std::vector<std::pair<Bytes, Bytes>>;

struct Scan {
    Entries entries;
    bool ok = true;
};
Scan scan_of(const StateView& view, ByteView from, ByteView to, size_t count_max = SIZE_MAX) {
    Scan scan;
    const auto scanned = view.scan(from, to, [&](ByteView key, ByteView value) {
        scan.entries.emplace_back(copy_of(key), copy_of(value));
        return scan.entries.size() < count_max;
    });
    EXPECT_TRUE(scanned.ok() || scanned.error().is(StateViewError::altered));
    scan.ok = scanned.ok();
    return scan;
}

std::vector<Sent> packages(int count) {
    std::vector<Sent> sent;
    for (int i = 0; i < count; ++i)
        sent.push_back({R"([{"_id":"package$1","name":"p)" + std::to_string(i) + R"(","size":)" +
                        std::to_string(i % 7) + R"(}])"});
    return sent;
}

/// One of the ways in which a single entry may be altered.
Altered alter(MapState& state, const Bytes& key, int way) {
    Bytes& value = state.map.at(key);
    switch (way % 3) {
    case 0:
        if (value.empty()) {
            value.push_back(1);
        } else {
            value[value.size() / 2] ^= 1;
        }
        return {key, Altered::How::changed};
    case 1: state.map.erase(key); return {key, Altered::How::missing};
    default:
        Bytes other = key;
        other.back() ^= 1;
        if (state.map.contains(other)) {
            state.map.at(other).push_back(0);
            return {other, Altered::How::changed};
        }
        state.map.emplace(other, value);
        return {other, Altered::How::added};
    }
}

TEST(CheckedView, gives_a_true_state_as_it_is) {
    Ledger ledger;
    ledger.run_all(packages(40));
    const CheckedView view(ledger.state, ledger.tree);
    EXPECT_EQ(scan_of(view, {}, {}).entries, scan_of(ledger.state, {}, {}).entries);
    for (const auto& [key, value] : ledger.state.map) {
        EXPECT_EQ(view.get(key)->value(), value);
        Bytes beside = key;
        beside.back() ^= 1;
        EXPECT_EQ(view.get(beside)->has_value(), ledger.state.map.contains(beside));
        EXPECT_EQ(scan_of(view, beside, {}, 3).entries,
                  scan_of(ledger.state, beside, {}, 3).entries);
        EXPECT_EQ(scan_of(view, {}, key).entries, scan_of(ledger.state, {}, key).entries);
    }
    EXPECT_FALSE(view.altered());
}

/// A state of which some keys cannot be read, as where no version has the form of one.
class Unreadable final : public StateView {
public:
    Unreadable(const MapState& state, Bytes key) : state_(state), key_(std::move(key)) {}
    Result<std::optional<Bytes>> get(ByteView key) const override {
        if (equal(key, key_)) return StateViewError::altered;
        return state_.get(key);
    }
    Result<void> scan(ByteView, ByteView, const Each&) const override {
        ADD_FAILURE() << "it would step over all that was ever erased";
        return StateViewError::altered;
    }

private:
    const MapState& state_;
    Bytes key_;
};

TEST(CheckedView, names_the_key_that_cannot_be_read) {
    Ledger ledger;
    ledger.run_all(packages(25));
    for (const auto& [key, value] : ledger.state.map) {
        // An erased key, whose version became nothing that a version looks like, is in no scan; its
        // neighbours are well.
        Bytes erased = key;
        erased.back() ^= 1;
        if (!ledger.state.map.contains(erased)) {
            const Unreadable state(ledger.state, erased);
            const CheckedView view(state, ledger.tree);
            EXPECT_EQ(scan_of(view, {}, {}).entries, scan_of(ledger.state, {}, {}).entries);
            EXPECT_FALSE(view.altered());
            EXPECT_FALSE(view.get(erased).ok());
            EXPECT_EQ(view.altered(), (Altered{erased, Altered::How::added}));
        }
        if (value.empty()) continue;
        const Unreadable state(ledger.state, key);
        const CheckedView view(state, ledger.tree);
        EXPECT_FALSE(scan_of(view, {}, {}).ok);
        EXPECT_EQ(view.altered(), (Altered{key, Altered::How::missing}));
    }
}

TEST(CheckedView, never_gives_what_was_altered) {
    Ledger ledger;
    ledger.run_all(packages(25));
    const MapState truth = ledger.state;
    int way = 0, noticed = 0, without_notice = 0;
    for (const auto& [key, value] : truth.map) {
        MapState state = truth;
        const Altered altered = alter(state, key, way++);
        const CheckedView view(state, ledger.tree);
        const auto got = view.get(altered.key);
        ASSERT_FALSE(got.ok());
        EXPECT_TRUE(got.error().is(StateViewError::altered));
        EXPECT_EQ(view.altered(), altered);

        const CheckedView again(state, ledger.tree);
        const Scan whole = scan_of(again, {}, {});
        // A scan has its keys from the tree: what was added is in none, and what has no value, such
        // as an index entry, is known without it.
        if (altered.how == Altered::How::added || truth.map.at(altered.key).empty()) {
            EXPECT_TRUE(whole.ok);
            EXPECT_EQ(whole.entries, scan_of(truth, {}, {}).entries);
            EXPECT_FALSE(again.altered());
            ++without_notice;
            continue;
        }
        EXPECT_FALSE(whole.ok);
        EXPECT_EQ(again.altered(), altered);
        ++noticed;
        // What came before it is true, and what lies beside it can be read.
        const Entries before = scan_of(truth, {}, altered.key).entries;
        EXPECT_EQ(whole.entries, before);
        EXPECT_EQ(scan_of(again, {}, altered.key).entries, before);
        Bytes after = altered.key;
        after.push_back(0);
        EXPECT_EQ(scan_of(again, after, {}).entries, scan_of(truth, after, {}).entries);
    }
    EXPECT_GT(noticed, 15);
    EXPECT_GT(without_notice, 15);
}

TEST(Execution, never_uses_what_was_altered) {
    size_t noticed = 0, unused = 0;
    Ledger ledger;
    ledger.run_all(packages(25));
    const auto transaction = ledger.envelope_of(
        {R"([{"_id":["package/name","p3"],"size":9},{"_id":"package$1","name":"new"}])"});
    const auto checked = model::check_envelope(view_of(transaction), ledger.network, "packages");
    const Entry entry{&checked, transaction.size()};
    BlockContext context;
    context.height = ledger.height.next();
    context.time = {(ledger.now_ms + 1'000) * 1'000};
    context.ahead_ms = 600'000;
    const tree::Mark before = ledger.tree.mark();
    const auto truth = execute(ledger.state, ledger.tree, context, {&entry, 1});
    ASSERT_TRUE(truth.ok());
    ASSERT_TRUE(truth->results[0].applied());
    ledger.tree.restore(before);
    int way = 0;
    for (const auto& [key, value] : ledger.state.map) {
        for (int turn = 0; turn < 3; ++turn) {
            MapState state = ledger.state;
            const Altered altered = alter(state, key, way++);
            std::optional<Altered> told;
            context.altered = &told;
            const auto executed = execute(state, ledger.tree, context, {&entry, 1});
            ledger.tree.restore(before);
            if (executed.ok()) {
                EXPECT_TRUE(Ledger::is_same(*executed, *truth));
                ++unused;
                continue;
            }
            EXPECT_TRUE(executed.error().is(StateViewError::altered));
            EXPECT_EQ(told, altered);
            ++noticed;
        }
    }
    EXPECT_GT(noticed, 15u);
    EXPECT_GT(unused, 40u);
}

TEST(CheckedView, says_where_the_tree_itself_is_damaged) {
    const NoPages pages;
    tree::Tree tree(pages, {sha256(view_of("some root")), tree::NodeId{1, 0, 1}});
    const MapState state;
    const CheckedView view(state, tree);
    EXPECT_TRUE(view.get(sheets_prefix()).error().is(tree::TreeError::damaged));
    EXPECT_FALSE(view.scan({}, {}, [](ByteView, ByteView) { return true; }).ok());
}

}  // namespace
}  // namespace tally::ledger::testing
