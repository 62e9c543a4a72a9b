#include "cli/old_epoch.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/clock.hpp"
#include "cli/output.hpp"
#include "io/file_disk.hpp"
#include "io/file_handle.hpp"
#include "node/chain_store.hpp"
#include "node/journal_network.hpp"
#include "node/node.hpp"
#include "store/journal_record.hpp"

namespace tally::cli {
namespace {

std::string signed_path(const std::string& data_folder) {
    return data_folder + "/recovery-signed";
}

struct SignedRecovery {
    uint32_t epoch = 0;
    Hash recovery;
};
Result<std::optional<SignedRecovery>> read_signed(const std::string& data_folder) {
    constexpr size_t bytes_max = 128;
    const std::string path = signed_path(data_folder);
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) return std::optional<SignedRecovery>();
    TRY(text, read_file(path, bytes_max));
    std::istringstream line(text);
    SignedRecovery held;
    std::string word, number, digits, rest;
    line >> word >> number >> digits;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), held.epoch);
    const auto recovery = hash_from_hex(digits);
    if (!line || word != "epoch" || read.ec != std::errc{} ||
        read.ptr != number.data() + number.size() || !recovery.ok() || line >> rest)
        return fail(RecoveryError::bad_promise, path);
    held.recovery = *recovery;
    return std::optional(held);
}

}  // namespace

ErrorText describe(RecoveryError error) {
    switch (error) {
    case RecoveryError::part_ended:
        return {"part_in_epoch_ended",
                "this participant has signed a recovery charter, and takes no more part in the "
                "epoch before it",
                "Apply it once enough have signed: `tally recovery apply`"};
    case RecoveryError::knows_more:
        return {"recovery_gives_up_more",
                "this participant knows a later decision than the recovery charter's last",
                "Have the draft made anew with a statement of this participant"};
    case RecoveryError::handed_over:
        return {"epoch_handed_over",
                "this participant knows the decision that ends the epoch: the next begins by it",
                "Start the participants: they enter the next epoch by themselves"};
    case RecoveryError::other_decision:
        return {"recovery_of_other_history",
                "this participant knows another decision of the recovery charter's last slot",
                "More than the network survives have lied: compare what each operator has"};
    case RecoveryError::signed_another:
        return {"recovery_signed_another",
                "this participant has signed another recovery charter to the same epoch",
                "Sign that one: an identity key signs one for each epoch"};
    case RecoveryError::other_keys:
        return {"recovery_other_keys",
                "the recovery charter names other keys for this participant than it stated",
                "Have the draft made anew with a statement of this participant"};
    case RecoveryError::too_few:
        return {"recovery_too_few", "too few participants have said how far they know the epoch",
                "Collect `tally recovery statement` of more participants"};
    case RecoveryError::too_few_signed:
        return {"recovery_too_few_signed", "too few participants have signed the recovery charter",
                "Have more of them run `tally recovery sign`"};
    case RecoveryError::not_the_next:
        return {"recovery_not_the_next",
                "the recovery charter does not begin the epoch after the charter's newest",
                "Apply the recovery charters in their order"};
    case RecoveryError::old_journal:
        return {
            "journal_of_old_epoch",
            "the journal is of an earlier epoch than the newest that the charter names",
            "Put it aside: `tally recovery apply` with the recovery charter of the newest epoch"};
    case RecoveryError::bad_statement:
        return {"recovery_bad_statement", "a statement does not hold",
                "Have that participant run `tally recovery statement` again"};
    case RecoveryError::bad_promise:
        return {"recovery_promise_damaged",
                "the file that says which recovery charter this participant signed is damaged",
                "Write it again if that is known for sure: `epoch N` and the number that `tally "
                "recovery show` prints; else the participant must sign none"};
    case RecoveryError::not_a_recovery:
        return {"not_a_recovery_charter", "this is not a recovery charter",
                "Give the file that `tally recovery draft` wrote"};
    }
    std::abort();
}

Hash journal_key_of(const Signer& signer) {
    return tagged_hash(Tag::record, signer.sign(view_of("tally journal marks")));
}

Result<std::optional<model::CommitQC>> OldEpoch::commit_of(Slot slot) const {
    TRY(decision, node::ChainReader(*database).decision(slot));
    if (!decision) return std::optional<model::CommitQC>();
    return std::optional(decision->decision.qc);
}

Result<OldEpoch> read_old_epoch(const model::Charter& charter, Participant self,
                                const ParticipantKeys& keys, const std::string& data_folder) {
    const Hash network = model::network_id_of(charter.body);
    const auto signer = ed25519_signer(keys.signing);
    const auto verifier = ed25519_verifier();
    std::error_code failed;
    std::filesystem::create_directories(data_folder, failed);
    OldEpoch old;
    TRY(database, io::open_rocks(data_folder + "/database", network.view()));
    TRY(disk, io::open_file_disk(data_folder + "/journal",
                                 {[](uint64_t) {}, [](const Error&) {}, [](uint64_t) {}}));
    node::Config config;
    config.charter = charter;
    config.self = self;
    config.journal_key = journal_key_of(*signer);
    TRY(node,
        node::Node::open(std::move(config), *signer, *verifier, *disk, *database, {wall_now(), 0}));
    const Slot last = node->status().decided;
    node.reset();
    CHECK(database->flush());
    old.database = std::move(database);
    if (last.value == 0) return old;
    TRY(known, old.commit_of(last));
    if (!known) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    TRY(decision, node::ChainReader(*old.database).decision(last));
    old.is_handed_over = decision && decision->decision.block.ends_epoch() &&
                         last > model::Epochs(charter).handover_slot();
    old.last = std::move(known);
    return old;
}

Result<void> read_ended_epoch(const model::Charter& charter, const ParticipantKeyFile& keys,
                              const std::string& data_folder) {
    const auto epoch = epoch_of_journal(data_folder, model::network_id_of(charter.body));
    if (!epoch || epoch->value >= charter.beginnings.size()) return success();
    model::Charter ended{charter.body, charter.signatures, {}};
    for (size_t i = 0; i < epoch->value; ++i) ended.begin(charter.beginnings[i]);
    if (!std::holds_alternative<model::Handover>(charter.beginnings[epoch->value]))
        return success();
    const auto self = participant_of(ended, keys);
    if (!self.ok()) return success();  // A guest then: what it holds others gave it.
    CHECK(read_old_epoch(ended, *self, keys.keys(), data_folder));
    return success();
}

std::optional<Epoch> epoch_of_journal(const std::string& data_folder, const Hash& network) {
    std::error_code failed;
    std::string first;
    for (std::filesystem::directory_iterator at(data_folder + "/journal", failed), end;
         !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().filename().string();
        if (name.starts_with("journal-") && (first.empty() || name < first)) first = name;
    }
    if (first.empty()) return {};
    std::ifstream file(data_folder + "/journal/" + first, std::ios::binary);
    std::array<char, 256> head{};
    file.read(head.data(), head.size());
    const Bytes bytes = copy_of(view_of(std::string_view(head.data(), size_t(file.gcount()))));
    const auto record = store::read_record(bytes, {});
    const auto header = record ? store::decode_header(record->payload) : std::nullopt;
    if (!header) return {};
    for (uint32_t epoch = 0; epoch <= model::beginnings_max; ++epoch) {
        if (node::journal_network(network, {epoch}) == header->network) return Epoch{epoch};
    }
    return {};
}

Result<void> check_journal_epoch(const std::string& data_folder, const model::Charter& charter) {
    const auto epoch = epoch_of_journal(data_folder, model::network_id_of(charter.body));
    const size_t newest = charter.beginnings.size();
    if (!epoch || epoch->value == newest) return success();
    const std::string words = "it is of epoch " + std::to_string(epoch->value) +
                              ", and the charter's newest is " + std::to_string(newest);
    const auto is_recovery = [](const model::Beginning& beginning) {
        return std::holds_alternative<model::Recovery>(beginning);
    };
    // What was decided leaves nothing in a journal that is missed: it is put aside.
    if (epoch->value < newest && std::none_of(charter.beginnings.begin() + epoch->value,
                                              charter.beginnings.end(), is_recovery))
        return set_journal_aside(data_folder, *epoch).ok()
                   ? success()
                   : Result<void>(fail(RecoveryError::old_journal, words));
    if (epoch->value < newest) return fail(RecoveryError::old_journal, words);
    return fail(model::CharterError::older_epoch, words);
}

Result<std::string> set_journal_aside(const std::string& data_folder, Epoch epoch) {
    const std::string journal = data_folder + "/journal";
    std::error_code failed;
    if (!std::filesystem::exists(journal, failed)) return std::string();
    const std::string name = journal + ".epoch-" + std::to_string(epoch.value);
    std::string aside = name;
    for (uint32_t number = 2; std::filesystem::exists(aside, failed); ++number)
        aside = name + "-" + std::to_string(number);
    std::filesystem::rename(journal, aside, failed);
    if (failed) return fail(FileError::unwritable, aside + ": " + failed.message());
    TRY(folder, io::open_file(data_folder, O_RDONLY | O_DIRECTORY));
    CHECK(io::sync_all(folder));
    return aside;
}

Result<std::optional<Hash>> signed_recovery(const std::string& data_folder, Epoch epoch) {
    TRY(held, read_signed(data_folder));
    if (held && held->epoch > epoch.value)
        return fail(RecoveryError::part_ended, "it begins epoch " + std::to_string(held->epoch) +
                                                   ", and this one epoch " +
                                                   std::to_string(epoch.value));
    if (!held || held->epoch != epoch.value) return std::optional<Hash>();
    return std::optional(held->recovery);
}

Result<void> save_signed_recovery(const std::string& data_folder, Epoch epoch,
                                  const Hash& recovery) {
    return write_file(signed_path(data_folder),
                      "epoch " + std::to_string(epoch.value) + " " + recovery.hex() + "\n", false,
                      true);
}

Result<void> check_part_not_ended(const std::string& data_folder, const model::Charter& charter) {
    TRY(held, read_signed(data_folder));
    if (held && held->epoch > charter.beginnings.size())
        return fail(RecoveryError::part_ended,
                    "it begins epoch " + std::to_string(held->epoch) + ", and the charter names " +
                        std::to_string(charter.beginnings.size()) + " at most");
    return success();
}

}  // namespace tally::cli
