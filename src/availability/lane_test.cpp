// A lane keeps so many certificates and no more, and says of each whether it is kept.
#include "availability/lane.hpp"

#include <gtest/gtest.h>

namespace tally::availability {
namespace {

model::LaneCertificate certificate_at(uint64_t height) {
    model::LaneCertificate certificate;
    certificate.height = {height};
    return certificate;
}

TEST(Lane, a_certificate_that_is_not_kept_is_not_news_however_often_it_comes) {
    Lane lane;
    for (const uint64_t height : {5, 6, 7}) {
        EXPECT_TRUE(lane.hold_certificate(certificate_at(height), 3));
        EXPECT_FALSE(lane.hold_certificate(certificate_at(height), 3)) << "it is held";
    }
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(lane.hold_certificate(certificate_at(4), 3));
    EXPECT_EQ(lane.certificate({4}), nullptr);
    EXPECT_NE(lane.certificate({5}), nullptr);
    EXPECT_TRUE(lane.hold_certificate(certificate_at(8), 3));
    EXPECT_EQ(lane.certificate({5}), nullptr) << "the oldest goes";
    EXPECT_FALSE(lane.hold_certificate(certificate_at(5), 3));
    EXPECT_EQ(lane.certificates().size(), 3u);
}

}  // namespace
}  // namespace tally::availability
