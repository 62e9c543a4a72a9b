#include "sim/sealed_orders.hpp"

#include <algorithm>

#include "ledger/result_code.hpp"
#include "sim/random.hpp"
#include "sim/words.hpp"

namespace tally::sim {
namespace {

void make_boxes_again(model::SealedText& sealed, const model::Payload& payload,
                      const std::string& signer, const model::SealingKeys& keys,
                      const Scalar& secret, const std::vector<Scalar>& shares) {
    model::Transaction transaction;
    transaction.signer_did = signer;
    transaction.ledger = payload.ledger;
    transaction.nonce = payload.nonce;
    transaction.expire_ms = payload.expire_ms;
    transaction.fuel = payload.fuel;
    for (size_t i = 0; i < shares.size(); ++i)
        sealed.share_hashes[i] = model::share_hash(keys.holders[i].participant, shares[i]);
    sealed.commitment = model::sealed_commitment(payload.network, transaction, sealed);
    for (size_t i = 0; i < shares.size(); ++i)
        sealed.boxes[i] = seal_share(secret, keys.holders[i].participant.value, keys.holders[i].key,
                                     shares[i], sealed.commitment);
}

/// One share lies on another polynomial, and everything else fits it.
void deal_wrongly(model::SealedText& sealed, const model::Payload& payload,
                  const std::string& signer, const model::SealingKeys& keys,
                  const std::array<uint8_t, 64>& random, Random& draw) {
    const Scalar secret = sealing_secret(random);
    std::vector<uint8_t> holders;
    for (const auto& holder : keys.holders) holders.push_back(holder.participant.value);
    auto shares = shares_of(secret, keys.threshold, holders);
    Scalar& wrong = shares[draw.below(shares.size())];
    wrong[0] ^= 1;
    make_boxes_again(sealed, payload, signer, keys, secret, shares);
}

}  // namespace

void seal_order(const model::Payload& payload, const model::SecretKey& signer,
                const model::SecretKey& copier, const model::SealingKeys& keys, uint64_t seed,
                Order& order) {
    Random draw(seed, stream_of("sealing", order.number));
    std::array<uint8_t, 64> random;
    const Bytes drawn = draw.bytes(random.size());
    std::copy(drawn.begin(), drawn.end(), random.begin());
    const auto who = model::public_key_of(signer);
    model::Payload sealing = payload;
    if (order.sealing == Sealing::no_changes) sealing.changes = R"({"no":"list"})";
    auto sealed = model::seal(sealing, who, keys, random);
    if (order.sealing == Sealing::bad_boxes) {
        // Of one holder, of some, or of all.
        const uint64_t count = draw.between(1, sealed.boxes.size());
        const uint64_t first = draw.below(sealed.boxes.size());
        for (uint64_t i = 0; i < count; ++i)
            sealed.boxes[(first + i) % sealed.boxes.size()][50] ^= 1;
    }
    if (order.sealing == Sealing::wrongly_dealt)
        deal_wrongly(sealed, payload, who.did(), keys, random, draw);
    order.envelope = copy_of(view_of(model::sign_sealed(payload, sealed, signer)));
    if (order.sealing != Sealing::copied) return;
    order.copy = copy_of(view_of(model::sign_sealed(payload, sealed, copier)));
    order.copy_id = model::transaction_id_of(order.copy);
}

void SharesChecker::expect(const Order& order) {
    if (order.sealing == Sealing::none) return;
    orders_.push_back(order);
    if (!order.copy.empty()) copies_.insert(order.copy_id);
}

void SharesChecker::on_sent(Participant from, Participant, ByteView message,
                            const SavedSignatures&) {
    static const uint8_t kind = uint8_t(model::Message(model::SharesOfBlock{}).index());
    if (gives_up_ || kind_of_message(message) != kind) return;
    const auto decoded = model::decode_message(message);
    if (!decoded.ok()) return;
    const auto& said = std::get<model::SharesOfBlock>(*decoded);
    for (const model::SealedShare& share : said.shares) {
        if (share.holder != from || !std::holds_alternative<Scalar>(share.share)) continue;
        if (said.slot.value > decisions_.log().size())
            findings_.add("no share is told before its slot is decided",
                          name_of(from) + ", slot " + std::to_string(said.slot.value));
        told_[{said.ledger, said.slot}].insert(share.index);
    }
}

void SharesChecker::check_told(LedgerIndex ledger, Slot slot, const std::set<uint32_t>& indices) {
    const auto& chain = blocks_.chain(ledger);
    const auto block = std::find_if(chain.begin(), chain.end(), [&](const auto& one) {
        return one.second.header.slot == slot;
    });
    if (block == chain.end()) return;
    for (const uint32_t index : indices) {
        const auto& [list, openings] = std::tie(block->second.list, block->second.openings);
        const bool is_opened =
            std::any_of(openings.begin(), openings.end(),
                        [&](const model::Opening& opening) { return opening.index == index; });
        const std::string where =
            "slot " + std::to_string(slot.value) + ", entry " + std::to_string(index);
        if (!is_opened) findings_.add("shares are told of what is executed alone", where);
        if (index < list.size() && copies_.contains(list[index].transaction))
            findings_.add("no share is told of a copy", where);
    }
}

void SharesChecker::at_end() {
    for (const auto& [place, indices] : told_) check_told(place.first, place.second, indices);
    const auto code_of = [&](const Order& order, const Hash& id) -> std::optional<uint16_t> {
        const auto place = blocks_.place_of(order.ledger, id);
        return place ? blocks_.code_at(order.ledger, *place) : std::nullopt;
    };
    constexpr auto is_void = uint16_t(ledger::ResultCode::sealed_void);
    constexpr auto is_unknown = uint16_t(ledger::ResultCode::unknown_identity);
    for (const Order& order : orders_) {
        const auto code = code_of(order, order.id);
        const bool is_good = order.sealing == Sealing::right || order.sealing == Sealing::copied;
        opened_ += code ? 1 : 0;
        voided_ += code == is_void ? 1 : 0;
        if (code && (*code == is_void) == is_good && *code != is_unknown)
            findings_.add("what is sealed well opens, and nothing else does",
                          short_hex(order.id) + " has code " + std::to_string(*code));
        if (order.copy.empty()) continue;
        const auto of_copy = code_of(order, order.copy_id);
        if (of_copy && *of_copy != is_void && *of_copy != is_unknown)
            findings_.add("a copy of what is sealed is void",
                          short_hex(order.copy_id) + " has code " + std::to_string(*of_copy));
    }
}

}  // namespace tally::sim
