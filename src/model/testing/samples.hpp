// One value of every kind of message and record, with every field set and none alike, made from the
// types themselves: for golden bytes, round trips and the fuzzer's corpus.
#pragma once

#include "model/records.hpp"

namespace tally::model::testing {

/// Names in the order of the variants.
inline constexpr std::array message_names = {"fragment",
                                             "acknowledgement",
                                             "lane_certificate",
                                             "report",
                                             "proposal",
                                             "prepare_vote",
                                             "commit_vote",
                                             "timeout",
                                             "timeout_certificate",
                                             "decide",
                                             "prepare_qc",
                                             "heartbeat",
                                             "attestation",
                                             "block_certificate",
                                             "dispute",
                                             "fetch_decisions",
                                             "decisions",
                                             "fetch_block",
                                             "block_body",
                                             "fetch_lane_certificate",
                                             "fetch_batch",
                                             "batch_body",
                                             "fetch_block_certificate",
                                             "wake",
                                             "fetch_state",
                                             "state_chunk",
                                             "fetch_stands",
                                             "stands",
                                             "fetch_own_messages",
                                             "own_messages",
                                             "quarantined",
                                             "fetch_cells",
                                             "batch_cells",
                                             "voted_proposal",
                                             "ready",
                                             "shares_of_block",
                                             "fetch_shares",
                                             "fetch_cell_leaf",
                                             "batch_cell_leaf"};
inline constexpr std::array record_names = {"report",
                                            "proposal",
                                            "prepare_vote",
                                            "commit_vote",
                                            "timeout",
                                            "decision",
                                            "own_batch",
                                            "cells",
                                            "lane_certificate",
                                            "attestation",
                                            "block_certificate",
                                            "dispute",
                                            "timeout_certificate",
                                            "lost_journal",
                                            "started"};
static_assert(message_names.size() == std::variant_size_v<Message>);
static_assert(record_names.size() == std::variant_size_v<Record>);

/// Fills values with what comes next in a fixed sequence.
class Filler {
public:
    void fill(bool& value) { value = true; }
    template <std::unsigned_integral Int>
    requires(!std::same_as<Int, bool>) void fill(Int& value) {
        // Of every length of encoding that the type allows.
        static constexpr uint64_t steps[] = {1, 30, 300, 70'000, 5'000'000'000};
        constexpr size_t count = sizeof(Int) == 1   ? 2
                                 : sizeof(Int) == 2 ? 3
                                 : sizeof(Int) == 4 ? 4
                                                    : 5;
        ++next_;
        value = Int(steps[next_ % count] + next_ % 23);
    }
    template <class Tag, class Int>
    void fill(Ordinal<Tag, Int>& value) {
        fill(value.value);
    }
    template <cbor::ClosedEnum E>
    void fill(E& value) {
        value = last_of(E{});
    }
    void fill(Hash& value) { fill(value.bytes); }
    template <size_t N>
    void fill(std::array<uint8_t, N>& value) {
        value.fill(uint8_t(++next_));
    }
    template <size_t Max>
    void fill(cbor::Blob<Max>& value) {
        value = Bytes(3, uint8_t(++next_));
    }
    template <size_t Max>
    void fill(cbor::Text<Max>& value) {
        value = std::string("text ") + std::to_string(++next_);
    }
    template <class T, size_t Max>
    void fill(cbor::List<T, Max>& value) {
        for (int i = 0; i < 2; ++i) fill(value.emplace_back());
    }
    template <class T>
    void fill(std::optional<T>& value) {
        fill(value.emplace());
    }
    template <class... Ts>
    void fill(std::variant<Ts...>& value) {
        std::visit([&](auto& held) { fill(held); }, value);
    }
    template <cbor::Struct T>
    void fill(T& value) {
        std::apply([&](auto... member) { (fill(value.*member), ...); }, T::fields());
    }

private:
    uint64_t next_ = 0;
};

template <class T>
[[nodiscard]] T sample() {
    T value;
    Filler().fill(value);
    return value;
}

/// One of each alternative, in order.
template <class Variant>
[[nodiscard]] std::vector<Variant> samples() {
    std::vector<Variant> all;
    [&]<size_t... I>(std::index_sequence<I...>) {
        (all.push_back(
             Variant(std::in_place_index<I>, sample<std::variant_alternative_t<I, Variant>>())),
         ...);
    }
    (std::make_index_sequence<std::variant_size_v<Variant>>{});
    return all;
}

}  // namespace tally::model::testing
