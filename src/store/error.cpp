#include "store/error.hpp"

#include <cstdlib>

namespace tally::store {

ErrorText describe(StoreError error) {
    switch (error) {
    case StoreError::journal_damaged:
        return {"journal_damaged", "the journal is damaged",
                "This participant cannot know what it has signed. `tally node` puts such a journal "
                "aside, and signs nothing in this epoch. If a true copy is found, put it in its "
                "place"};
    case StoreError::journal_newer:
        return {"journal_newer", "the journal was written by a newer version of tally",
                "Run that version, or a later one"};
    case StoreError::journal_other_network:
        return {"journal_other_network", "the journal belongs to another network",
                "Choose another data directory, or start with the charter it was made with"};
    case StoreError::journal_other_participant:
        return {"journal_other_participant", "the journal belongs to another participant",
                "Choose this participant's own data directory"};
    case StoreError::no_such_record:
        return {"journal_no_record", "the journal has no record at this place",
                "Report this: the journal is read only where it was written"};
    case StoreError::page_missing:
        return {"state_page_missing", "a page of the state's tree is missing",
                "Remove the database's folder: it is made again from the journal and the peers"};
    }
    std::abort();
}

}  // namespace tally::store
