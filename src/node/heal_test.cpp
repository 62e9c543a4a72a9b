// Whatever is altered on the disk of a participant that is alone, it names, attests nothing false
// for it, and makes again from its journal and the charter.
#include <gtest/gtest.h>

#include "node/checked_state.hpp"
#include "node/execute_block.hpp"
#include "node/journal_network.hpp"
#include "node/testing/kept.hpp"
#include "store/journal.hpp"
#include "store/versions.hpp"

namespace tally::node {
namespace {

using ports::Map;

class Heal : public testing::Test {
protected:
    Heal() : before_(status().header) {}

    [[nodiscard]] LedgerStatus status() const { return kept_.node->status().ledgers[0]; }
    /// The newest state, read as it should be.
    [[nodiscard]] bool is_whole() const {
        const auto state = open_checked_state(kept_.key_value, items, kept_.executed());
        return state.ok() && *state != nullptr &&
               (*state)->scan({}, {}, [](ByteView, ByteView) { return true; }).ok();
    }
    void scrub() {
        const uint64_t passes = kept_.node->status().scrub.passes;
        kept_.step(ClientRequest{99, StartScrub{}});
        kept_.run_until([&] { return kept_.node->status().scrub.passes > passes; });
    }
    void restart() {
        kept_.node.reset();
        kept_.open();
        kept_.start();
    }
    void expect_healed() {
        kept_.run_until([&] { return !status().quarantine.quarantined; });
        EXPECT_FALSE(status().quarantine.quarantined);
        EXPECT_TRUE(is_whole());
        EXPECT_EQ(status().header, before_);
        EXPECT_FALSE(status().diverged);
        scrub();
        EXPECT_EQ(kept_.node->status().scrub.last_found, 0u);
        kept_.submit(R"([{"_id":"item$1","key":"after"}])", 50);
        kept_.run_until(
            [&] { return kept_.certified() == kept_.executed() && kept_.executed() == Height{6}; });
        EXPECT_EQ(kept_.certified(), Height{6}) << "it attests again";
    }
    /// What lies under the last key of a map.
    void alter_last(Map map, size_t at) {
        Bytes key, value;
        ASSERT_TRUE(kept_.key_value
                        .scan(map, {}, {},
                              [&](ByteView found, ByteView has) {
                                  key = copy_of(found);
                                  value = copy_of(has);
                                  return true;
                              })
                        .ok());
        ASSERT_LT(at, value.size());
        value[at] ^= 1;
        kept_.key_value.rot(map, key, value);
    }

    Kept kept_;
    Hash before_;
};

TEST_F(Heal, a_scrub_finds_it_and_it_is_made_again) {
    alter_last(Map::values, 3);
    ASSERT_FALSE(is_whole());
    scrub();
    EXPECT_TRUE(status().quarantine.quarantined);
    ASSERT_FALSE(status().quarantine.altered.empty());
    EXPECT_GT(status().quarantine.found, 0u);
    EXPECT_GT(kept_.node->status().scrub.last_found, 0u);
    expect_healed();
    EXPECT_EQ(status().quarantine.healed, status().quarantine.found);
}

TEST_F(Heal, what_is_more_than_a_value_is_made_again) {
    Damage damage;
    damage.ledger = items;
    damage.height = kept_.executed();
    damage.kind = Damage::Kind::ledger;
    damage.detail = "someone says so";
    kept_.step(DamageSeen{damage});
    EXPECT_TRUE(status().quarantine.quarantined);
    EXPECT_TRUE(status().quarantine.remade);
    expect_healed();
}

TEST_F(Heal, what_no_ledger_is_of_is_not_believed) {
    Damage damage;
    damage.ledger = {7};
    kept_.step(DamageSeen{damage});
    EXPECT_FALSE(status().quarantine.quarantined);
}

TEST_F(Heal, where_a_ledger_stood_is_altered_while_it_is_down) {
    Bytes key = copy_of(view_of("mark/"));
    append_u16(key, items.value);
    for (const bool is_gone : {true, false}) {
        const auto mark = kept_.key_value.get(Map::meta, key);
        ASSERT_TRUE(mark.ok() && *mark);
        Bytes other = **mark;
        other[12] ^= 1;
        ports::WriteBatch batch;
        if (is_gone) batch.erase(Map::meta, key);
        if (!is_gone) batch.put(Map::meta, key, other);
        ASSERT_TRUE(kept_.key_value.write(batch).ok());
        restart();
        EXPECT_TRUE(status().quarantine.quarantined);
        kept_.run_until([&] { return !status().quarantine.quarantined; });
        EXPECT_EQ(status().header, before_);
        EXPECT_TRUE(is_whole());
    }
    expect_healed();
}

TEST_F(Heal, a_block_altered_while_it_is_down_is_no_reason_to_dispute) {
    const auto block = ChainReader(kept_.key_value).block(items, kept_.executed());
    ASSERT_TRUE(block.ok() && *block);
    StoredBlock other = **block;
    other.header.time.value ^= 1;
    const auto root = ChainReader(kept_.key_value).root(items, kept_.executed());
    ASSERT_TRUE(root.ok() && *root);
    ports::WriteBatch batch;
    put_block(batch, other, **root);
    auto mark = **ChainReader(kept_.key_value).mark(items);
    mark.header = other.header.hash();
    put_mark(batch, items, mark);
    ASSERT_TRUE(kept_.key_value.write(batch).ok());
    restart();
    EXPECT_FALSE(status().diverged);
    EXPECT_TRUE(status().quarantine.quarantined);
    expect_healed();
}

/// Alters every value of the state, or takes all pages of its tree away, once it is at work on the
/// block of this height.
class AlteredMeanwhile {
public:
    AlteredMeanwhile(Kept& kept, Height height, Map map) {
        kept.before_work = [this, &kept, height, map](const Work& work) {
            const auto* block = dynamic_cast<const ExecuteBlockWork*>(&work);
            if (block == nullptr || done_ || block->task().before.height.next() != height) return;
            done_ = true;
            ports::WriteBatch batch;
            ENSURE(kept.key_value
                       .scan(map, {}, {},
                             [&](ByteView key, ByteView value) {
                                 if (map == Map::nodes) {
                                     batch.erase(map, copy_of(key));
                                 } else if (!value.empty()) {
                                     Bytes other = copy_of(value);
                                     other.back() ^= 1;
                                     batch.put(map, copy_of(key), other);
                                 }
                                 return true;
                             })
                       .ok());
            ENSURE(kept.key_value.write(batch).ok());
        };
    }
    [[nodiscard]] bool done() const { return done_; }

private:
    bool done_ = false;
};

TEST_F(Heal, what_is_damaged_while_it_is_made_again_is_made_again_once_more) {
    const AlteredMeanwhile altered(kept_, {2}, Map::values);
    Damage damage;
    damage.ledger = items;
    damage.kind = Damage::Kind::ledger;
    kept_.step(DamageSeen{damage});
    EXPECT_TRUE(altered.done());
    expect_healed();
}

TEST_F(Heal, a_bad_certificate_does_not_hide_a_damage) {
    kept_.tree_nodes_in_memory_max = 0;
    restart();
    kept_.run_turns(5);
    ports::WriteBatch batch;
    model::BlockCertificate bad;
    bad.ledger = items;
    bad.height = kept_.executed().next();
    put_certificate(batch, bad);
    ASSERT_TRUE(kept_.key_value.write(batch).ok());
    const AlteredMeanwhile altered(kept_, kept_.executed().next(), Map::nodes);
    kept_.submit(R"([{"_id":"item$1","key":"x"}])", 40);
    kept_.run_until([&] { return altered.done() && kept_.certified() == Height{6}; });
    EXPECT_TRUE(altered.done());
    EXPECT_EQ(kept_.certified(), Height{6});
    EXPECT_GT(status().quarantine.found, 0u);
}

/// Signs, as this participant, another block at the height after the newest, and lets the journal
/// have the certificate; so that what is executed next contradicts it.
class Contradicted : public Heal {
protected:
    Contradicted() {
        kept_.node.reset();
        model::BlockCertificate certificate;
        certificate.ledger = items;
        certificate.height = kept_.executed().next();
        certificate.header = sha256(view_of("another"));
        ENSURE(certificate.height == Height{6});
        const model::Attestation body{items, certificate.height, 0, certificate.header, {}};
        const model::Epochs epochs(kept_.charter());
        const auto signed_body =
            model::sign(epochs.current(), Participant{0}, kept_.signer(), body);
        certificate.parts.push_back({{0}, body.tag, signed_body.signature});
        auto journal = store::Journal::open(
            kept_.disk, {journal_network(model::network_id_of(kept_.charter().body), {0}), {0}},
            [](uint8_t, ByteView, const store::JournalPosition&) {});
        ENSURE(journal.ok());
        for (const auto& record : {model::Record(signed_body), model::Record(certificate)})
            (*journal)->append(uint8_t(record.index()), cbor::encode(record));
        (void)(*journal)->sync();
        while (const auto ticket = kept_.disk.pending()) kept_.disk.complete(*ticket);
        kept_.open();
        kept_.start();
        kept_.run_turns(5);
    }
};

TEST_F(Contradicted, a_block_that_is_not_the_certified_one_is_told_to_nobody) {
    EXPECT_EQ(status().certified, Height{6});
    EXPECT_FALSE(status().diverged);
    kept_.submit(R"([{"_id":"item$1","key":"x"}])", 40);
    kept_.run_until([&] { return status().diverged && kept_.executed() == Height{6}; });
    EXPECT_TRUE(status().diverged);
    EXPECT_EQ(kept_.executed(), Height{6}) << "it was executed again";
    kept_.run_turns(100);
    EXPECT_FALSE(kept_.answers.contains(40));
}

TEST_F(Contradicted, what_is_damaged_while_a_diverged_ledger_is_executed_again_is_made_again) {
    kept_.node.reset();
    kept_.tree_nodes_in_memory_max = 0;
    kept_.open();
    kept_.start();
    kept_.submit(R"([{"_id":"item$1","key":"x"}])", 40);
    const AlteredMeanwhile altered(kept_, {2}, Map::nodes);
    kept_.run_until([&] { return altered.done() && kept_.executed() == Height{6}; });
    EXPECT_TRUE(altered.done());
    EXPECT_TRUE(status().diverged);
    EXPECT_EQ(kept_.executed(), Height{6});
}

}  // namespace
}  // namespace tally::node
