#include "cli/proof_command.hpp"

#include "cli/charter_draft.hpp"
#include "cli/proof_check.hpp"
#include "cli/usage.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

Result<Exit> take(const ProofOptions& options, const std::string& statement, const Output& output) {
    TRY(client, connect(options.connection));
    TRY(file, fetch_proof(client, options.ledger, statement));
    CHECK(write_file(options.out, text_of(file)));
    output.json_only(bj::object{{"file", options.out}, {"bytes", file.size()}});
    output.line(options.out + ": " + std::to_string(file.size()) + " bytes");
    output.note("Check it anywhere, offline: tally verify " + options.out + " --charter FILE");
    return Exit::applied;
}

}  // namespace

Result<Exit> prove_transaction(const ProofOptions& options, const Output& output) {
    CHECK(check_transaction_id(options.what));
    return take(options, "transactions/" + percent_encoded(options.what), output);
}

Result<Exit> prove_subject(const ProofOptions& options, const Output& output) {
    return take(options,
                "subjects/" + percent_encoded(options.what) +
                    (options.at ? "?at=" + std::to_string(*options.at) : std::string()),
                output);
}

Result<Exit> verify_file(const VerifyOptions& options, const Output& output) {
    TRY(charter, read_charter(options.charter));
    TRY(file, read_file(options.file, proving::proof_file_bytes_max));
    const auto verdict = proving::verify(charter, view_of(file));
    if (!verdict.ok()) {
        (void)output.error(verdict.error());
        return Exit::rejected;
    }
    output.json_only(verdict->json());
    std::string text = verdict->text();
    if (text.ends_with('\n')) text.pop_back();
    output.line(text);
    return Exit::applied;
}

}  // namespace tally::cli
