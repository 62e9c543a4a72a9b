// Whoever lets others wait is asked after those who answer, as long as there are enough of these,
// and is tried again now and then.
#include "availability/retrieval.hpp"

#include <gtest/gtest.h>

namespace tally::availability {
namespace {

constexpr Participant slow{2};

class Retrieval : public ::testing::Test {
protected:
    Retrieval() {
        model::Batch batch;
        for (uint8_t i = 0; i < 100; ++i) batch.push_back({{0}, Bytes(1'000, i)});
        const Bytes bytes = encode_batch(batch);
        dispersal_ = coder_.disperse({Epoch{}, {1}, {1}}, model::Forwarding::coded, bytes);
        gathering_.header.da = dispersal_.da;
        gathering_.sets.emplace(Participant{0}, dispersal_.cells_of({0}));
    }
    /// Who is asked for a batch at this height, once.
    std::vector<Participant> asked(uint64_t height, std::vector<Participant> known = {}) {
        Fetch fetch;
        std::vector<Participant> to;
        for (const auto& question : ask(asker_, coder_, {{height}, {}}, fetch, &gathering_,
                                        std::move(known), slowness_, 1'000))
            to.push_back(question.to);
        EXPECT_EQ(fetch.waiting, to);
        return to;
    }
    bool is_ever_asked(uint64_t from, uint64_t to) {
        for (uint64_t height = from; height < to; ++height) {
            const auto all = asked(height);
            if (std::find(all.begin(), all.end(), slow) != all.end()) return true;
        }
        return false;
    }

    Coder coder_{4, {}};
    Asker asker_{{0}, {{1}, {2}, {3}}};
    Dispersal dispersal_;
    Gathering gathering_;
    Slowness slowness_;
};

TEST_F(Retrieval, who_is_slow_is_asked_after_the_others) {
    EXPECT_TRUE(is_ever_asked(1, 16));
    slowness_.on_silence(slow);
    EXPECT_TRUE(is_ever_asked(1, 16)) << "once may be the network's fault";
    slowness_.on_silence(slow);
    EXPECT_FALSE(is_ever_asked(1, 16));
    EXPECT_TRUE(is_ever_asked(16, 49)) << "it is tried again";
    slowness_.on_answer(slow);
    EXPECT_TRUE(is_ever_asked(1, 16));
}

TEST_F(Retrieval, who_is_slow_is_asked_where_no_other_can_be) {
    slowness_.on_silence(slow);
    slowness_.on_silence(slow);
    EXPECT_EQ(asked(1, {slow}), std::vector<Participant>{slow});
    gathering_.sets.clear();
    asker_.others = {{1}, slow};
    EXPECT_EQ(asked(1), (std::vector<Participant>{{1}, slow}));
}

}  // namespace
}  // namespace tally::availability
