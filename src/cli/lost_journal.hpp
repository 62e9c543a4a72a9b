// A participant that has executed blocks but has no journal would sign again what it signed before,
// perhaps otherwise: it must not start.
#pragma once

#include <string>

#include "model/charter.hpp"
#include "ports/key_value.hpp"

namespace tally::cli {

/// Before the journal is opened, which would begin a new one. StoreError::journal_missing.
[[nodiscard]] Result<void> check_journal_is_there(const std::string& journal_folder,
                                                  const model::CharterBody& charter,
                                                  const ports::KeyValue& database);

}  // namespace tally::cli
