// Why something from another participant was refused: counted by reason and sender.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace tally::availability {

enum class Refusal : uint8_t {
    unknown_lane,
    not_the_author,  ///< a Fragment that its lane's author did not send
    bad_parameters,  ///< they do not follow from mode, n and length
    bad_cell,        ///< not the own cell, or its path does not verify
    bad_signature,
    bad_parent,  ///< parent header missing, another, or totals that do not follow
    bad_certificate,
    stale,        ///< at or below what is decided or was acknowledged
    forked,       ///< another header was acknowledged or certified at this place
    window_full,  ///< too far ahead of what is decided
    unexpected,   ///< an acknowledgement or body that nobody asked for
    false_body,   ///< bytes that are not what the header commits to
    asks_too_often,
};
constexpr std::string_view name_of(Refusal refusal) {
    switch (refusal) {
    case Refusal::unknown_lane: return "unknown_lane";
    case Refusal::not_the_author: return "not_the_author";
    case Refusal::bad_parameters: return "bad_parameters";
    case Refusal::bad_cell: return "bad_cell";
    case Refusal::bad_signature: return "bad_signature";
    case Refusal::bad_parent: return "bad_parent";
    case Refusal::bad_certificate: return "bad_certificate";
    case Refusal::stale: return "stale";
    case Refusal::forked: return "forked";
    case Refusal::window_full: return "window_full";
    case Refusal::unexpected: return "unexpected";
    case Refusal::false_body: return "false_body";
    case Refusal::asks_too_often: return "asks_too_often";
    }
    std::abort();
}

}  // namespace tally::availability
