#include "availability/error.hpp"

namespace tally::availability {

ErrorText describe(AvailabilityError error) {
    switch (error) {
    case AvailabilityError::busy:
        return {"busy", "this participant has as many transactions waiting as it takes",
                "Try again in a second, or submit through another participant"};
    case AvailabilityError::own_lane_unknown:
        return {
            "own_lane_unknown",
            "this participant has lost record of what it sent before, and takes no transactions",
            "Submit through another participant; its operator restores the journal"};
    case AvailabilityError::envelope_too_small:
        return {"envelope_too_small", "the envelope is smaller than any that is valid",
                "Send a signed transaction, a compact JWS"};
    case AvailabilityError::envelope_too_large:
        return {"envelope_too_large", "the envelope is larger than 60 KiB",
                "Split the transaction"};
    }
    std::abort();
}

}  // namespace tally::availability
