// The liars that have a file of their own; make_mouth() chooses among them.
#pragma once

#include "sim/liar.hpp"

namespace tally::sim {

// liar_withholding.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_selective(const MouthSeat& seat);
[[nodiscard]] std::unique_ptr<Mouth> make_withholder(const MouthSeat& seat);
// liar_censor.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_censor(const MouthSeat& seat);
/// Whose lane a censor would keep out.
[[nodiscard]] Participant victim_of(const Scenario& scenario, Participant censor);
// liar_stale.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_stale_certificate(const MouthSeat& seat);
// liar_spammer.cpp
[[nodiscard]] std::unique_ptr<Mouth> make_spammer(const MouthSeat& seat);

}  // namespace tally::sim
