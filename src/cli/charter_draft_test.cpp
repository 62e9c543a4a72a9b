// A charter's draft becomes the charter that it describes; a mistake in it, or in a participant's
// configuration, is named.
#include "cli/charter_draft.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "cli/folders.hpp"
#include "cli/key_file.hpp"
#include "cli/output.hpp"
#include "cli/toml_file.hpp"

namespace tally::cli {
namespace {

std::string participant(const std::string& name, const std::string& more = {}) {
    const auto keys = new_participant_keys().public_json();
    std::string text = "[[participant]]\nname = \"" + name + "\"\naddress = \"" + name +
                       ".example:7000\"\n" + more;
    for (const char* key : {"identity", "signing", "opening"})
        text += std::string(key) + " = \"" + std::string(keys.at(key).as_string()) + "\"\n";
    return text;
}

class CharterDraft : public testing::Test {
protected:
    void SetUp() override {
        crypto_start();
        auto made = WorkFolder::make("", "tally-draft");
        ASSERT_TRUE(made.ok());
        folder_.emplace(std::move(*made));
        ASSERT_TRUE(
            write_file(path("genesis.json"), R"([{"_id":"_collection$1","name":"a"}])").ok());
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return folder_->path() + "/" + name;
    }
    [[nodiscard]] Result<model::CharterBody> parse(const std::string& text) const {
        return parse_draft(text, folder_->path(), Micros{7});
    }
    [[nodiscard]] std::string fault(const std::string& text) const {
        const auto body = parse(text);
        return body.ok() ? "nothing" : body.error().message();
    }
    [[nodiscard]] static std::string four() {
        return "name = \"Test\"\n" + participant("a") + participant("b") + participant("c") +
               participant("d");
    }
    std::optional<WorkFolder> folder_;
};

TEST_F(CharterDraft, says_who_takes_part_and_what_the_ledgers_are) {
    const auto body =
        parse("name = \"Test\"\n[parameters]\nview_timer_us = 2000000\n" + four().substr(14) +
              "[[ledger]]\nname = \"trade/invoices\"\ngenesis = \"genesis.json\"\n"
              "provers = [\"d\", \"a\", \"c\"]\n");
    ASSERT_TRUE(body.ok()) << body.error().message();
    EXPECT_EQ(body->genesis_time.value, 7u);
    EXPECT_EQ(body->parameters.view_timer_us, 2'000'000u);
    ASSERT_EQ(body->participants.size(), 4u);
    EXPECT_EQ(body->participants[1].addresses.front(), "b.example:7000");
    ASSERT_EQ(body->ledgers.size(), 1u);
    ASSERT_EQ(body->ledgers[0].provers.size(), 3u);
    EXPECT_EQ(body->ledgers[0].provers[1].value, 2) << "ascending, whatever the draft's order";
    EXPECT_EQ(body->ledgers[0].genesis.front(), R"({"_id":"_collection$1","name":"a"})");
}

TEST_F(CharterDraft, a_ledger_is_coded_unless_it_says_otherwise) {
    const auto with = [&](const std::string& line) {
        return four() + "[[ledger]]\nname = \"a\"\ngenesis = \"genesis.json\"\n" + line;
    };
    using enum model::Forwarding;
    for (const auto& [line, forwarding] : {std::pair("", coded),
                                           {"forwarding = \"coded\"\n", coded},
                                           {"forwarding = \"replicated\"\n", replicated}}) {
        const auto body = parse(with(line));
        ASSERT_TRUE(body.ok()) << body.error().message();
        EXPECT_EQ(body->ledgers[0].forwarding, forwarding) << line;
    }
    EXPECT_NE(fault(with("forwarding = \"whole\"\n")).find("\"coded\" or \"replicated\""),
              std::string::npos);
}

TEST_F(CharterDraft, names_what_is_wrong) {
    EXPECT_NE(fault("name = ").find("not TOML"), std::string::npos);
    EXPECT_NE(fault("nmae = \"x\"\n").find("\"nmae\""), std::string::npos);
    EXPECT_NE(fault("name = \"x\"\n[parameters]\nspeed = 3\n").find("\"speed\""),
              std::string::npos);
    EXPECT_NE(fault("name = \"x\"\n[parameters]\nview_timer_us = \"3\"\n").find("view_timer_us"),
              std::string::npos);
    EXPECT_NE(fault("name = \"x\"\n" + participant("a", "colour = 1\n")).find("\"colour\""),
              std::string::npos);
    EXPECT_NE(fault("name = \"x\"\n[[participant]]\nname = \"a\"\naddress = \"a:1\"\n"
                    "identity = \"12\"\n")
                  .find("identity in participant a must be 64 hexadecimal digits"),
              std::string::npos);
    const std::string ledger = "[[ledger]]\nname = \"l\"\ngenesis = \"genesis.json\"\n";
    EXPECT_NE(fault(four() + ledger + "provers = [\"zoe\"]\n").find("\"zoe\""), std::string::npos);
    EXPECT_NE(
        fault(four() + "[[ledger]]\nname = \"l\"\ngenesis = \"gone.json\"\n").find("gone.json"),
        std::string::npos);
}

TEST_F(CharterDraft, a_value_of_the_wrong_type_or_range_is_named_with_what_was_expected) {
    const std::string ledger = "[[ledger]]\nname = \"l\"\ngenesis = \"genesis.json\"\n";
    const auto weighed = [&](const std::string& weight) {
        return "name = \"x\"\n" + participant("a", "vote_weight = " + weight + "\n") + ledger;
    };
    const std::string draft = four() + ledger;
    ASSERT_EQ(fault(draft), "nothing");
    for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
             {"parameters = 5\n" + draft,
              "parameters in the draft must be a table: [parameters], not 5"},
             {"participant = \"a\"\n", "must be a text"},
             {"name = 5\n", "name in the draft must be a text, not 5"},
             {"name = \"x\"\nparticipant = \"a\"\n", "must be [[participant]], not the text \"a\""},
             {"name = \"x\"\nledger = 3\n", "must be [[ledger]], not 3"},
             {draft + "provers = \"p1\"\n", "provers in ledger l must be a list"},
             {draft + "provers = [1]\n", "provers in ledger l must be a list"},
             {draft + "provers = [\"a\", \"a\"]\n", "names a participant twice"},
             {weighed("-5"), "vote_weight in participant a must be a number from 1"},
             {weighed("0"), "vote_weight in participant a must be a number from 1"},
             {weighed("\"5\""), "not the text \"5\""},
             {weighed("1.5"), "not 1.5"},
             {draft + "[parameters]\nlate_after_us = 0\n",
              "late_after_us must be 1000 to 60000000, not 0"},
             {draft + "[parameters]\nlate_after_us = true\n", "late_after_us in [parameters]"},
             {draft + "[parameters]\nlate_after_us = -1\n", "late_after_us in [parameters]"}})
        EXPECT_NE(fault(text).find(words), std::string::npos) << text << "\n" << fault(text);
    std::string nowhere = draft;
    nowhere.replace(nowhere.find("a.example:7000"), 14, "nowhere");
    EXPECT_NE(fault(nowhere).find("must be host:port, not the text \"nowhere\""),
              std::string::npos);

    const std::string files = "charter = \"n.charter\"\nkeys = \"k\"\ndata = \"d\"\n";
    for (const auto& [more, words] : std::vector<std::pair<std::string, std::string>>{
             {"http = 8080\n", "http in " + path("c.toml") + " must be a text, not 8080"},
             {"listen = 7000\n", "listen in "},
             {"http = \"8080\"\n", "must be host:port, not the text \"8080\""},
             {"listen = \"\"\n", "must be a text"}}) {
        ASSERT_TRUE(write_file(path("c.toml"), files + more, false, true).ok());
        const auto config = read_node_config(path("c.toml"));
        ASSERT_FALSE(config.ok()) << more;
        EXPECT_TRUE(config.error().is(TomlError::bad_value));
        EXPECT_NE(config.error().detail.find(words), std::string::npos) << config.error().detail;
    }
}

TEST_F(CharterDraft, a_file_that_is_something_else_is_refused_in_words) {
    for (const char* text : {"[{", "[=", "[[{", "[ {", "[\\", "[{\"_id\": \"_collection$1\"}]"}) {
        const auto body = parse(text);
        ASSERT_FALSE(body.ok()) << text;
        EXPECT_TRUE(body.error().is(TomlError::not_toml)) << text;
        EXPECT_NE(body.error().detail.find("a table's name"), std::string::npos) << text;
    }
    std::string deep = "a";
    for (int i = 0; i < 400'000; ++i) deep += ".a";
    EXPECT_NE(fault(deep + " = 1\n").find("dots in line 1"), std::string::npos);
}

TEST_F(CharterDraft, a_configuration_names_files_beside_it_and_nothing_unknown) {
    ASSERT_TRUE(write_file(path("a.toml"),
                           "charter = \"n.charter\"\nkeys = \"/etc/a.keys\"\n"
                           "data = \"a\"\nhttp = \"127.0.0.1:1\"\n")
                    .ok());
    const auto config = read_node_config(path("a.toml"));
    ASSERT_TRUE(config.ok()) << config.error().message();
    EXPECT_EQ(config->charter, path("n.charter"));
    EXPECT_EQ(config->keys, "/etc/a.keys");
    EXPECT_EQ(config->listen, "");
    ASSERT_TRUE(write_file(path("b.toml"), "charter = \"c\"\nkeys = \"k\"\ndta = \"d\"\n").ok());
    const auto wrong = read_node_config(path("b.toml"));
    ASSERT_FALSE(wrong.ok());
    EXPECT_TRUE(wrong.error().is(TomlError::unknown_key));
}

TEST_F(CharterDraft, key_files_are_for_their_owner_and_never_overwritten) {
    const auto keys = new_participant_keys();
    ASSERT_TRUE(write_participant_keys(path("a.keys"), keys).ok());
    EXPECT_EQ(std::filesystem::status(path("a.keys")).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_FALSE(write_participant_keys(path("a.keys"), new_participant_keys()).ok());
    const auto read = read_participant_keys(path("a.keys"));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->public_json(), keys.public_json());
    for (const char* algorithm : {"EdDSA", "ES256K"}) {
        const auto made = new_identity_key(path(algorithm), algorithm);
        ASSERT_TRUE(made.ok());
        const auto again = read_identity_key(path(algorithm));
        ASSERT_TRUE(again.ok());
        EXPECT_EQ(model::public_key_of(*again), model::public_key_of(*made));
    }
    EXPECT_FALSE(new_identity_key(path("rsa"), "RS256").ok());
}

}  // namespace
}  // namespace tally::cli
