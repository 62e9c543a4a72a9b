// Sealed transactions over HTTP: to whom they are sealed, that they are taken and opened, and what
// is told of them.
#include "api_testing.hpp"

namespace tally::api {
namespace {

TEST_F(ApiTest, what_is_sealed_is_opened_with_its_block_and_its_key_is_shown) {
    const auto told = object_of(get("/v1/sealing"));
    EXPECT_EQ(told.at("epoch").as_int64(), 0);
    EXPECT_EQ(told.at("threshold").as_int64(), 1);
    EXPECT_EQ(told.at("holders").as_array().at(0).as_object().at("opening_key").as_string(),
              to_hex(x25519_public({3})));
    const auto keys = model::sealing_keys_of({}, charter_->body);
    const auto plain = payload(R"([{"_id":"item$1","name":"hidden"}])");
    const auto sealed =
        model::seal(plain, model::public_key_of(writer_), keys, std::array<uint8_t, 64>{1});
    const auto envelope = model::sign_sealed(plain, sealed, writer_);
    const auto answer = post(path_ + "/transactions", envelope);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const std::string id = model::transaction_id_of(view_of(envelope)).hex();
    const auto shown = object_of(get(path_ + "/transactions/" + id));
    EXPECT_EQ(shown.at("sealing_key").as_string(),
              to_hex(sealing_secret(std::array<uint8_t, 64>{1})));
    const auto rows = object_of(post(path_ + "/query", R"({"from":"item"})"));
    EXPECT_EQ(rows.at("rows").get_array().size(), 1u);
    // For participants of another epoch it is refused before it is taken.
    auto later = keys;
    later.epoch = Epoch{1};
    const auto other =
        model::seal(plain, model::public_key_of(writer_), later, std::array<uint8_t, 64>{2});
    EXPECT_EQ(error_code(post(path_ + "/transactions", model::sign_sealed(plain, other, writer_))),
              "wrong_epoch");
}

}  // namespace
}  // namespace tally::api
