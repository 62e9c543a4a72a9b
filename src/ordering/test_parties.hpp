// Keys, signatures and entries in the charter for tests of ordering.
#pragma once

#include <memory>

#include "crypto/keys.hpp"
#include "model/membership.hpp"
#include "model/signed.hpp"

namespace tally::ordering::testing {

/// Signatures by bookkeeping: fast, and made only by who holds the Signer.
std::unique_ptr<Signer> test_signer(uint32_t owner);
std::unique_ptr<Verifier> test_verifier();
model::Signatories test_signatories(uint32_t participants);
/// By the participant's identity key.
std::unique_ptr<Signer> test_identity(uint32_t participant);
model::ParticipantEntry test_entry(uint32_t participant);

}  // namespace tally::ordering::testing
