#include "api/quotas.hpp"

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"

namespace tally::api {
namespace {

constexpr uint64_t burst_s = 2;
constexpr uint64_t known_us = 60'000'000;
constexpr uint64_t sweep_us = 1'000'000;
/// Of whoever comes when as many clients as can be told apart are at work.
constexpr const char* others = "";

TokenBucket bucket_of(uint64_t per_s, uint64_t burst_min, uint64_t now_us) {
    return {per_s, std::max(per_s * burst_s, burst_min), now_us};
}

}  // namespace

void TokenBucket::fill(uint64_t now_us) {
    if (now_us <= filled_us_) return;
    const uint64_t passed_us = now_us - std::exchange(filled_us_, now_us);
    const uint64_t room = burst_ * units - level_;
    if (per_s_ == 0) return;
    level_ += passed_us > room / per_s_ ? room : passed_us * per_s_;
}

uint64_t TokenBucket::wait_us(uint64_t tokens, uint64_t now_us) {
    fill(now_us);
    const uint64_t wanted = std::min(tokens, burst_) * units;
    if (level_ >= wanted) return 0;
    if (per_s_ == 0) return UINT64_MAX;
    return (wanted - level_ + per_s_ - 1) / per_s_;
}

void TokenBucket::take(uint64_t tokens) {
    const uint64_t taken = std::min(tokens, burst_) * units;
    ENSURE(level_ >= taken);
    level_ -= taken;
}

bool TokenBucket::is_full(uint64_t now_us) const {
    TokenBucket then = *this;
    then.fill(now_us);
    return then.level_ == burst_ * units;
}

Quotas::Client& Quotas::client_of(Table& table, const std::string& name, uint64_t per_s,
                                  uint64_t bytes_per_s, uint64_t now_us) {
    auto& clients = table.clients;
    if (const auto found = clients.find(name); found != clients.end()) return found->second;
    if (clients.size() >= clients_max && now_us >= table.swept_us + sweep_us) {
        table.swept_us = now_us;
        // Whoever has taken nothing lately is the same as one who was never here.
        std::erase_if(clients, [&](const auto& one) {
            return one.second.transactions.is_full(now_us) && one.second.bytes.is_full(now_us);
        });
    }
    return clients
        .try_emplace(clients.size() < clients_max ? name : others,
                     Client{bucket_of(per_s, 1, now_us),
                            bucket_of(bytes_per_s, limits::envelope_bytes_max, now_us)})
        .first->second;
}

std::optional<Quotas::Refusal> Quotas::refuse(Of of, uint64_t wait_us) {
    ++refused_[size_t(of)];
    return Refusal{of, wait_us};
}

std::optional<Quotas::Refusal> Quotas::take_address(const std::string& address, uint64_t now_us) {
    if (rates_.address_transactions_per_s_max == 0) return {};
    const std::lock_guard lock(mutex_);
    Client& client =
        client_of(addresses_, address, rates_.address_transactions_per_s_max, 0, now_us);
    if (const uint64_t wait_us = client.transactions.wait_us(1, now_us); wait_us > 0)
        return refuse(Of::address, wait_us);
    client.transactions.take(1);
    return {};
}

std::optional<Quotas::Refusal> Quotas::take_signer(const std::string& signer, uint64_t bytes,
                                                   uint64_t now_us,
                                                   const std::function<bool()>& is_known) {
    const std::lock_guard lock(mutex_);
    const auto found = signers_.clients.find(signer);
    if (found == signers_.clients.end() || found->second.known_until_us <= now_us) {
        if (!is_known()) {
            if (rates_.strangers_transactions_per_s_max == 0) return {};
            const uint64_t per_s = rates_.strangers_transactions_per_s_max;
            if (!strangers_)
                strangers_ = Client{bucket_of(per_s, 1, now_us), bucket_of(0, 1, now_us)};
            const uint64_t wait_us = strangers_->transactions.wait_us(1, now_us);
            if (wait_us > 0) return refuse(Of::strangers, wait_us);
            strangers_->transactions.take(1);
            return {};
        }
    }
    Client& client = client_of(signers_, signer, rates_.signer_transactions_per_s_max,
                               rates_.signer_bytes_per_s_max, now_us);
    if (client.known_until_us <= now_us) client.known_until_us = now_us + known_us;
    uint64_t wait_us = 0;
    if (rates_.signer_transactions_per_s_max > 0) wait_us = client.transactions.wait_us(1, now_us);
    if (rates_.signer_bytes_per_s_max > 0)
        wait_us = std::max(wait_us, client.bytes.wait_us(bytes, now_us));
    if (wait_us > 0) return refuse(Of::signer, wait_us);
    if (rates_.signer_transactions_per_s_max > 0) client.transactions.take(1);
    if (rates_.signer_bytes_per_s_max > 0) client.bytes.take(bytes);
    return {};
}

uint64_t Quotas::refused(Of of) const {
    const std::lock_guard lock(mutex_);
    return refused_[size_t(of)];
}

}  // namespace tally::api
