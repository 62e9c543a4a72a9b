// What can be wrong with what this participant stored.
#pragma once

#include "base/result.hpp"

namespace tally::store {

enum class StoreError {
    journal_damaged,
    journal_newer,
    journal_other_network,
    journal_other_participant,
    no_such_record,
    page_missing,
};
ErrorText describe(StoreError error);

}  // namespace tally::store
