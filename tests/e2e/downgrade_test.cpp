// A participant whose data a later version wrote does not start with it, says which part is newer
// and what to do, and touches nothing: with the data as they were it is where it was.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cli/key_file.hpp"
#include "cli/output.hpp"
#include "entry_load.hpp"
#include "io/rocks_key_value.hpp"
#include "store/journal_record.hpp"

namespace tally::cli {
namespace {

constexpr size_t file_bytes_max = 64 << 20;

/// Of the database at rest: what it says of its format is now `format`.
void set_database_format(const std::string& path, const Hash& network, uint32_t format) {
    const auto database = io::open_rocks(path, network.view());
    ASSERT_TRUE(database.ok()) << database.error().message();
    Bytes bytes;
    append_u32(bytes, format);
    ports::WriteBatch batch;
    batch.put(ports::Map::meta, copy_of(view_of("format")), bytes);
    ASSERT_TRUE((*database)->write(batch).ok());
    ASSERT_TRUE((*database)->flush().ok());
}

/// A journal as a later version would begin it: the frame and the format's place never change.
std::string journal_of_format(const std::string& journal, uint32_t format) {
    const auto first = store::read_record(view_of(journal), {});
    if (!first) return "no journal";
    Bytes payload = copy_of(first->payload);
    Bytes number;
    append_u32(number, format);
    std::copy(number.begin(), number.end(), payload.begin() + 8);
    const Bytes record = store::encode_record(first->kind, payload, {});
    return std::string(text_of(record)) + journal.substr(first->size);
}

class Downgrade : public testing::Test {
protected:
    void SetUp() override {
        crypto_start();
        auto folder = WorkFolder::make("", "tally-downgrade");
        ASSERT_TRUE(folder.ok());
        folder_.emplace(std::move(*folder));
        const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
        LocalPlan plan = entry_plan(*folder_, "downgrades", key);
        plan.participants = {"alice"};
        auto made = LocalNetwork::make(std::move(plan));
        ASSERT_TRUE(made.ok()) << made.error().message();
        network_.emplace(std::move(*made));
        ASSERT_TRUE(network_->start_all().ok()) << logs_of(*network_);
        Clients clients(*network_, key, 1, 0);
        while (clients.acknowledged_so_far() < 5)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        clients.finish();
        EXPECT_TRUE(clients.troubles.empty());
        before_ = chain();
        network_->stop(0);
    }

    [[nodiscard]] Chain chain() const {
        auto found = chain_of(*network_, 0);
        EXPECT_TRUE(found.ok()) << found.error().message();
        return found.ok() ? std::move(*found) : Chain{};
    }
    [[nodiscard]] std::string data(const std::string& name) const {
        return network_->file("alice/" + name);
    }
    /// It ends by itself; what it says.
    std::string refusal() {
        EXPECT_TRUE(network_->start(0).ok());
        for (int tries = 0; network_->running(0) && tries < 3'000; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        EXPECT_FALSE(network_->running(0));
        return network_->log_end(0, 3);
    }
    void expect_as_before() {
        ASSERT_TRUE(network_->start(0).ok());
        const auto ready = network_->wait_ready(0, 60'000);
        ASSERT_TRUE(ready.ok()) << ready.error().message();
        EXPECT_TRUE(chain() == before_);
    }

    std::optional<WorkFolder> folder_;
    std::optional<LocalNetwork> network_;
    Chain before_;
};

TEST_F(Downgrade, a_newer_database_is_not_opened) {
    const std::string kept = network_->file("kept");
    std::filesystem::copy(data("database"), kept);
    set_database_format(data("database"), network_->network(), 4);
    const std::string said = refusal();
    EXPECT_NE(said.find("the data directory was written by a newer version of tally"), said.npos)
        << said;
    EXPECT_NE(said.find("has format 4, this version knows up to 3. Run that version, or a later"),
              said.npos)
        << said;
    EXPECT_FALSE(std::filesystem::exists(data("database.damaged-1"))) << "it is not put aside";
    std::filesystem::remove_all(data("database"));
    std::filesystem::rename(kept, data("database"));
    expect_as_before();
}

TEST_F(Downgrade, a_newer_journal_is_not_opened) {
    const std::string path = data("journal/journal-000001");
    const auto journal = read_file(path, file_bytes_max);
    ASSERT_TRUE(journal.ok()) << journal.error().message();
    const std::string newer = journal_of_format(*journal, 2);
    ASSERT_TRUE(write_file(path, newer).ok());
    const std::string said = refusal();
    EXPECT_NE(said.find("the journal was written by a newer version of tally"), said.npos) << said;
    EXPECT_NE(said.find("journal-000001 has format 2, this version knows up to 1"), said.npos)
        << said;
    EXPECT_TRUE(read_file(path, file_bytes_max).value() == newer) << "it was not touched";
    ASSERT_TRUE(write_file(path, *journal).ok());
    expect_as_before();
}

}  // namespace
}  // namespace tally::cli
