// The liars that have a file of their own; make_mouth() chooses among them.
#pragma once

#include "availability/canaries.hpp"
#include "sim/liar.hpp"

namespace tally::sim {

// liar_withholding.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_selective(const MouthSeat& seat);
[[nodiscard]] std::unique_ptr<Mouth> make_withholder(const MouthSeat& seat);
[[nodiscard]] std::unique_ptr<Mouth> make_discarder(const MouthSeat& seat);
// liar_censor.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_censor(const MouthSeat& seat);
/// Whose lane a censor would keep out.
[[nodiscard]] Participant victim_of(const Scenario& scenario, Participant censor);
// liar_stale.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_stale_certificate(const MouthSeat& seat);
// liar_order.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_backdater();
[[nodiscard]] std::unique_ptr<Mouth> make_cherry_picker(const MouthSeat& seat);
[[nodiscard]] std::unique_ptr<Mouth> make_certificate_withholder(const MouthSeat& seat);
/// What such a liar's node does otherwise.
[[nodiscard]] availability::Canaries dating_of(const Scenario& scenario, const Liar& liar);
/// By how much a backdater does, how long a certificate is withheld, and whether a cherry picker
/// shows two certificates of one batch.
[[nodiscard]] uint64_t backdated_us_of(const Scenario& scenario, Participant liar);
[[nodiscard]] uint64_t withheld_us_of(const Scenario& scenario, Participant liar);
[[nodiscard]] bool has_two_faces(const Scenario& scenario, Participant liar);
// liar_opener.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_false_opener(const MouthSeat& seat);
// liar_spammer.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_spammer(const MouthSeat& seat);

}  // namespace tally::sim
