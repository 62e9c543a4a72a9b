#include "cli/proof_check.hpp"

#include <chrono>
#include <thread>

namespace tally::cli {
namespace {

constexpr auto certificate_patience = std::chrono::seconds(10);
constexpr auto certificate_pause = std::chrono::milliseconds(20);

Error contradiction(const std::string& what) {
    return fail(CheckError::contradiction, what);
}

}  // namespace

ErrorText describe(CheckError error) {
    switch (error) {
    case CheckError::contradiction:
        return {"contradiction", "the participant's proof is not of what it says",
                "Believe the proof, keep it, and ask another participant"};
    }
    std::abort();
}

Result<Bytes> fetch_proof(Client& client, const std::string& ledger, const std::string& statement) {
    const auto deadline = std::chrono::steady_clock::now() + certificate_patience;
    while (true) {
        auto file = client.get_bytes("/v1/ledgers/" + ledger + "/proofs/" + statement);
        const bool early = !file.ok() && (file.error().code == "not_certified" ||
                                          file.error().code == "unknown_transaction");
        if (!early || std::chrono::steady_clock::now() > deadline) return file;
        std::this_thread::sleep_for(certificate_pause);
    }
}

Result<proving::Verdict> check_outcome(Client& client, const model::Charter& charter,
                                       const std::string& ledger, const std::string& transaction,
                                       bool applied) {
    TRY(file, fetch_proof(client, ledger, "transactions/" + transaction));
    TRY(verdict, proving::verify(charter, file));
    const auto* proved = std::get_if<proving::ProvedTransaction>(&verdict.statement);
    if (verdict.ledger != ledger || proved == nullptr || proved->id.hex() != transaction)
        return contradiction("it is of another transaction");
    if (proved->applied() != applied)
        return contradiction(proved->applied() ? "it says applied" : "it says rejected");
    return verdict;
}

}  // namespace tally::cli
