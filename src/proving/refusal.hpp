// Why something from another participant was refused: counted by reason and sender.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace tally::proving {

enum class Refusal : uint8_t {
    unknown_ledger,
    not_a_prover,
    bad_signature,
    bad_certificate,
    out_of_window,  ///< too far ahead of what is executed and carried
    equivocation,   ///< another attestation by the same prover at the same place
};
constexpr std::string_view name_of(Refusal refusal) {
    switch (refusal) {
    case Refusal::unknown_ledger: return "unknown_ledger";
    case Refusal::not_a_prover: return "not_a_prover";
    case Refusal::bad_signature: return "bad_signature";
    case Refusal::bad_certificate: return "bad_certificate";
    case Refusal::out_of_window: return "out_of_window";
    case Refusal::equivocation: return "equivocation";
    }
    std::abort();
}

}  // namespace tally::proving
