// What a running participant keeps, held still for a backup: links to the files of its database and
// its journal, in the folder `checkpoint` of its data.
#pragma once

#include <string>

#include "base/strong.hpp"
#include "io/rocks_key_value.hpp"
#include "node/client.hpp"

namespace tally::cli {

/// First the database, then the journal: so that the journal holds whatever the database does. The
/// answer, one line of JSON, lists each file and how much of it counts; the journal grows on.
[[nodiscard]] std::string make_checkpoint(const std::string& data_folder,
                                          io::RocksDatabase& database, const node::Status& status,
                                          Participant self);
void remove_checkpoint(const std::string& data_folder);

}  // namespace tally::cli
