#include "availability/error.hpp"

namespace tally::availability {

ErrorText describe(AvailabilityError error) {
    switch (error) {
    case AvailabilityError::busy:
        return {"busy", "this participant has as many transactions waiting as it takes",
                "Try again in a second, or submit through another participant"};
    case AvailabilityError::envelope_empty: return {"envelope_empty", "there is no envelope", ""};
    case AvailabilityError::envelope_too_large:
        return {"envelope_too_large", "the envelope is larger than 60 KiB",
                "Split the transaction"};
    }
    std::abort();
}

}  // namespace tally::availability
