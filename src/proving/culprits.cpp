#include "proving/culprits.hpp"

namespace tally::proving {
namespace {

template <class T>
constexpr bool is_signed = false;
template <class Body>
constexpr bool is_signed<model::Signed<Body>> = true;
template <class T>
constexpr bool is_quorum = false;
template <class Vote>
constexpr bool is_quorum<model::QuorumOf<Vote>> = true;
template <class T>
constexpr bool is_choice = false;
template <class... Types>
constexpr bool is_choice<std::variant<Types...>> = true;
template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;
template <class T>
constexpr bool is_list = false;
template <class T, size_t count_max>
constexpr bool is_list<cbor::List<T, count_max>> = true;

/// Of agreement, at a (slot, view).
template <class Body>
constexpr bool has_place = requires(Body body) {
    body.slot;
    body.view;
};

}  // namespace

/// Every statement in it, wherever it stands.
template <class T>
void Culprits::walk(const T& value) {
    if constexpr (is_signed<T>) {
        if constexpr (has_place<std::decay_t<decltype(value.body)>>) keep(value);
    } else if constexpr (is_quorum<T>) {
        for (const auto& [signer, signature] : value.endorsements)
            keep(model::Signed<std::decay_t<decltype(value.body)>>{value.body, signer, signature});
    } else if constexpr (std::is_same_v<T, model::TimeoutCertificate>) {
        for (const auto& part : value.parts)
            keep(
                model::Signed<model::Timeout>{{value.slot, value.view, part.qc_view, part.qc_block},
                                              part.signer,
                                              part.signature});
        walk(value.highest);
    } else if constexpr (is_choice<T>) {
        std::visit([this](const auto& held) { this->walk(held); }, value);
    } else if constexpr (is_optional<T>) {
        if (value) walk(*value);
    } else if constexpr (is_list<T>) {
        for (const auto& element : value) walk(element);
    } else if constexpr (requires { T::fields(); }) {
        std::apply([&](const auto&... field) { (walk(value.*field), ...); }, T::fields());
    }
}

template <class Body>
void Culprits::keep(const model::Signed<Body>& statement) {
    const auto& [slot, view] = std::pair{statement.body.slot, statement.body.view};
    const bool is_near = slot.value + slots_kept > decided_.value &&
                         slot.value <= decided_.value + slots_kept && view.value < views_kept;
    if (!is_near || !set_->has(statement.signer)) return;
    if (named_.contains(statement.signer)) return;  // One evidence convicts.
    auto& kept = statements<Body>();
    const Place place{slot, statement.signer, view};
    const auto first = kept.find(place);
    if (first != kept.end() && first->second.body == statement.body) return;
    if (!model::check_signed(*set_, *verifier_, statement)) return;
    if (first != kept.end()) {
        named_.emplace(statement.signer, Conflict<Body>{first->second, statement});
        return;
    }
    kept.emplace(place, statement);
    if constexpr (requires { compare(statement); }) compare(statement);
}

void Culprits::compare(const model::Signed<model::CommitVote>& vote) {
    const auto& timeouts = statements<model::Timeout>();
    const auto& [slot, view] = std::pair{vote.body.slot, vote.body.view};
    for (auto at = timeouts.lower_bound({slot, vote.signer, view});
         at != timeouts.end() && at->second.body.slot == slot && at->second.signer == vote.signer;
         ++at) {
        if (conflict(vote.body, at->second.body))
            named_.try_emplace(vote.signer, Amnesia{vote, at->second});
    }
}

void Culprits::compare(const model::Signed<model::Timeout>& timeout) {
    const auto& votes = statements<model::CommitVote>();
    const Slot slot = timeout.body.slot;
    for (auto at = votes.lower_bound({slot, timeout.signer, View{}});
         at != votes.end() && at->second.body.slot == slot && at->second.signer == timeout.signer;
         ++at) {
        if (conflict(at->second.body, timeout.body))
            named_.try_emplace(timeout.signer, Amnesia{at->second, timeout});
    }
}

void Culprits::hear(const model::Message& message) {
    walk(message);
}

void Culprits::see(const model::Record& record) {
    walk(record);
}

void Culprits::on_decided(Slot slot) {
    decided_ = std::max(decided_, slot);
    if (decided_.value < slots_kept) return;
    const Place first{Slot{decided_.value - slots_kept + 1}, Participant{}, View{}};
    std::apply([&](auto&... kept) { (kept.erase(kept.begin(), kept.lower_bound(first)), ...); },
               kept_);
}

size_t Culprits::size() const {
    return std::apply([](const auto&... kept) { return (kept.size() + ...); }, kept_);
}

}  // namespace tally::proving
