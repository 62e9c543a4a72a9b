#include "cli/lost_journal.hpp"

#include <filesystem>

#include "node/chain_store.hpp"
#include "store/error.hpp"

namespace tally::cli {
namespace {

/// More than a segment's header, and far less than what one decided slot leaves behind.
constexpr uint64_t empty_bytes_max = 256;

uint64_t bytes_in(const std::string& folder) {
    uint64_t bytes = 0;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        std::error_code gone;
        const auto size = entry.file_size(gone);
        if (!gone) bytes += size;
    }
    return bytes;
}

}  // namespace

Result<void> check_journal_is_there(const std::string& journal_folder,
                                    const model::CharterBody& charter,
                                    const ports::KeyValue& database) {
    if (bytes_in(journal_folder) > empty_bytes_max) return success();
    const auto snapshot = database.snapshot();
    const node::ChainReader stored(*snapshot);
    for (size_t i = 0; i < charter.ledgers.size(); ++i) {
        TRY(mark, stored.mark({uint16_t(i)}));
        if (mark && mark->height.value > 0)
            return fail(store::StoreError::journal_missing,
                        journal_folder + ", while block " + std::to_string(mark->height.value) +
                            " of " + charter.ledgers[i].name + " is executed");
    }
    return success();
}

}  // namespace tally::cli
