// Quotas: how fast one client may submit transactions here. Token buckets, by the address that a
// request comes from and by who signed the transaction; signers whom the ledger does not know share
// one, for anybody can make keys without end.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/limits.hpp"

namespace tally::api {

/// A rate of zero is no limit. Two seconds' worth may come at once.
struct QuotaRates {
    uint64_t address_transactions_per_s_max = 5'000;
    uint64_t signer_transactions_per_s_max = 5'000;
    uint64_t signer_bytes_per_s_max = uint64_t{16} * 1024 * 1024;
    uint64_t strangers_transactions_per_s_max = 100;  ///< of all that the ledger does not know
};

/// So much at once, and so much a second. Pure.
class TokenBucket {
public:
    TokenBucket(uint64_t per_s, uint64_t burst, uint64_t now_us)
        : per_s_(per_s), burst_(burst), level_(burst * units), filled_us_(now_us) {}
    /// How long to wait until `tokens`, or the whole burst if they are more, can be taken; 0: now.
    [[nodiscard]] uint64_t wait_us(uint64_t tokens, uint64_t now_us);
    /// Requires that wait_us() was 0.
    void take(uint64_t tokens);
    [[nodiscard]] bool is_full(uint64_t now_us) const;

private:
    static constexpr uint64_t units = 1'000'000;  ///< a microsecond fills `per_s` of them
    void fill(uint64_t now_us);
    uint64_t per_s_, burst_, level_, filled_us_;
};

/// Thread-safe. Times are monotonic, in microseconds.
class Quotas {
public:
    explicit Quotas(QuotaRates rates) : rates_(rates) {}

    enum class Of : uint8_t { address, signer, strangers };
    struct Refusal {
        Of of;
        uint64_t wait_us;  ///< until it would be taken
    };
    /// Before anything is done for a request.
    [[nodiscard]] std::optional<Refusal> take_address(const std::string& address, uint64_t now_us);
    /// Once the signature was found true. `is_known` asks the ledger for the signer; it is called
    /// at the first of its transactions and now and then.
    [[nodiscard]] std::optional<Refusal> take_signer(const std::string& signer, uint64_t bytes,
                                                     uint64_t now_us,
                                                     const std::function<bool()>& is_known);

    [[nodiscard]] uint64_t refused(Of of) const;
    [[nodiscard]] const QuotaRates& rates() const { return rates_; }

    static constexpr size_t clients_max = 10'000;  ///< told apart, of either kind

private:
    struct Client {
        TokenBucket transactions, bytes;
        uint64_t known_until_us = 0;
    };
    struct Table {
        std::map<std::string, Client> clients;
        uint64_t swept_us = 0;
    };
    Client& client_of(Table& table, const std::string& name, uint64_t per_s, uint64_t bytes_per_s,
                      uint64_t now_us);
    std::optional<Refusal> refuse(Of of, uint64_t wait_us);

    const QuotaRates rates_;
    mutable std::mutex mutex_;
    Table addresses_, signers_;
    std::optional<Client> strangers_;
    uint64_t refused_[3] = {};
};

}  // namespace tally::api
