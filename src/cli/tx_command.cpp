#include "cli/tx_command.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <iostream>
#include <iterator>

#include "cli/key_file.hpp"
#include "cli/proof_check.hpp"
#include "cli/usage.hpp"
#include "io/entropy.hpp"
#include "model/json.hpp"
#include "model/sealed.hpp"

namespace tally::cli {

namespace bj = boost::json;

namespace {

constexpr size_t input_bytes_max = 4 * 1024 * 1024;

/// JSON text itself, @FILE, or - for standard input.
Result<std::string> text_argument(const std::string& argument) {
    if (argument == "-")
        return std::string(std::istreambuf_iterator<char>(std::cin),
                           std::istreambuf_iterator<char>());
    if (argument.starts_with('@')) return read_file(argument.substr(1), input_bytes_max);
    return argument;
}

/// A list of subject maps; one map alone is a list of one.
Result<std::string> changes_of(const std::string& argument) {
    TRY(text, text_argument(argument));
    TRY(json, model::parse_json(view_of(text)));
    if (json.is_object()) return "[" + text + "]";
    if (!json.is_array())
        return fail(UsageError::bad_argument, "changes are a JSON list of maps, or one map");
    return text;
}

Result<void> check_complete(const TxSign& options) {
    if (options.changes.empty()) return fail(UsageError::missing_argument, "the changes");
    if (options.key.empty()) return fail(UsageError::missing_argument, "--key FILE");
    return success();
}

Result<std::string> signed_envelope(const TxSign& options, const model::Charter& charter,
                                    const std::string& ledger) {
    TRY(changes, changes_of(options.changes));
    TRY(key, read_identity_key(options.key));
    auto payload = fresh_payload(model::network_id_of(charter.body), ledger, changes);
    payload.expire_ms = payload.expire_ms - expire_in_ms_default + options.expire_in_s * 1000;
    if (options.expire_ms > 0) payload.expire_ms = options.expire_ms;
    payload.fuel = options.fuel;
    if (options.nonce.size() > limits::nonce_bytes_max)
        return fail(UsageError::bad_argument,
                    "--nonce has " + std::to_string(options.nonce.size()) +
                        " bytes; a nonce has at most " + std::to_string(limits::nonce_bytes_max));
    if (!options.nonce.empty()) payload.nonce = options.nonce;
    if (!options.sealed) return model::sign_envelope(payload, key);
    CHECK(model::parse_changes(view_of(changes)));  // Nobody else can look before it is too late.
    std::array<uint8_t, 64> random;
    io::fill_random(random);
    const auto keys = model::sealing_keys_of(charter.epoch(), charter.now());
    auto envelope = model::sign_sealed(
        payload, model::seal(payload, model::public_key_of(key), keys, random), key);
    if (envelope.size() > limits::envelope_bytes_max)
        return fail(model::EnvelopeError::too_large,
                    std::to_string(envelope.size()) + " bytes when sealed, at most " +
                        std::to_string(limits::envelope_bytes_max));
    return envelope;
}

/// Sealed text is no safer than those who can open it.
void note_sealing(const TxSign& options, const model::Charter& charter, const Output& output) {
    if (!options.sealed) return;
    const auto keys = model::sealing_keys_of(charter.epoch(), charter.now());
    output.note("sealed for epoch " + std::to_string(keys.epoch.value) + ": " +
                (keys.threshold == 1
                     ? std::string("any one of its participants opens it alone")
                     : "any " + std::to_string(keys.threshold) + " of its " +
                           std::to_string(keys.holders.size()) + " participants open it together"));
}

std::string without_line_end(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

Exit unknown(const std::string& ledger, const std::string& id, const std::string& why,
             const Output& output) {
    output.json_only(bj::object{{"transaction", id}, {"outcome", "unknown"}, {"why", why}});
    output.line("unknown: " + why);
    output.line("It may have taken effect, or still do so until it expires. Ask by its id:");
    output.line("    tally tx show " + ledger + " " + id + " --wait certified");
    return Exit::unknown;
}

/// The participant claims an outcome that it did not prove.
Exit unproved(const std::string& ledger, const std::string& id, std::string_view claimed,
              const Error& why, const Output& output) {
    output.json_only(bj::object{{"transaction", id},
                                {"outcome", "unknown"},
                                {"claimed", claimed},
                                {"why", why.message()},
                                {"code", why.code}});
    output.line("unknown: the participant says " + std::string(claimed) +
                ", which is not proved: " + why.message() + " [" + std::string(why.code) + "]");
    output.line("transaction " + id);
    output.line("Ask for it by its id, at another participant (--url):");
    output.line("    tally proof transaction " + ledger + " " + id + " --out tx.proof");
    return Exit::unknown;
}

/// A ledger that the participant does not know may be another network's.
Error ledger_refusal(Client& client, const model::Charter& charter, Error refusal) {
    const auto status = client.get("/v1/status");
    const std::string ours = model::network_id_of(charter.body).hex();
    if (!status.ok() || text_in(status->body, "network").empty() ||
        text_in(status->body, "network") == ours)
        return refusal;
    return fail(UsageError::wrong_network, "the charter is that of " + ours +
                                               ", the participant belongs to " +
                                               std::string(text_in(status->body, "network")));
}

/// What it means that a transaction was sent and not answered as it should be.
Exit not_answered(Client& client, const model::Charter& charter, const std::string& ledger,
                  const std::string& id, const Error& error, const Output& output) {
    // It never left, or nothing was done with it.
    if (error.code == "http_unreachable" || error.code == "journal_lost" ||
        error.code == "epoch_over")
        return output.error(error);
    // It left, and may have arrived: a server that fails, or something that answers in its place,
    // does not know either.
    const bool refused = client.refused_with() >= 400 && client.refused_with() < 500;
    if (!refused) return unknown(ledger, id, error.message(), output);
    if (error.code == "unknown_ledger") return output.error(ledger_refusal(client, charter, error));
    const Exit exit = output.error(error);
    const bool about_the_request = error.code == "bad_parameter" || error.code == "not_found";
    // Refused before anything was recorded: it did not, and will not, take effect.
    return exit == Exit::usage && !about_the_request ? Exit::rejected : exit;
}

/// Whether this is an answer about that transaction at all.
bool is_about(const bj::object& answer, const std::string& id) {
    const auto outcome = text_in(answer, "outcome");
    return text_in(answer, "transaction") == id &&
           (outcome == "applied" || outcome == "rejected" || outcome == "unknown");
}

void tell_outcome(const bj::object& answer, const Output& output) {
    const std::string outcome(text_in(answer, "outcome"));
    output.line(outcome + " in block " + std::to_string(number_in(answer, "height")) + ", place " +
                std::to_string(number_in(answer, "index")) + " (" +
                std::string(text_in(answer, "level")) + ")");
    output.line("transaction " + std::string(text_in(answer, "transaction")));
    if (outcome == "rejected")
        output.line("because: " + std::string(text_in(answer, "explanation")));
    if (const auto* assigned = answer.if_contains("assigned"); assigned && assigned->is_object()) {
        for (const auto& [name, subject] : assigned->get_object())
            output.line("  " + std::string(name) + " is subject " + bj::serialize(subject));
    }
}

/// Waits for the answer; what the participant says is not believed yet.
Result<Client::Answer> post(Client& client, const TxSubmit& options, const std::string& ledger,
                            const std::string& envelope) {
    client.set_timeout_ms(int(std::min<uint64_t>(options.timeout_ms, 120'000)) + 5'000);
    return client.post("/v1/ledgers/" + ledger + "/transactions?wait=" + options.wait +
                           "&timeout_ms=" + std::to_string(options.timeout_ms),
                       "application/jose", envelope);
}

/// So long a copy may take to be taken: the answer is waited for elsewhere.
constexpr int copy_timeout_ms = 5'000;

/// Gives copies away; the first participant that took one, if any did.
std::optional<std::string> submit_copies(const TxSubmit& options, const std::string& ledger,
                                         const std::string& envelope, const Output& output) {
    std::optional<std::string> taker;
    for (const auto& url : options.also) {
        auto client = connect({url, {}});
        if (client.ok()) client->set_timeout_ms(copy_timeout_ms);
        const auto taken =
            client.ok() ? client->post("/v1/ledgers/" + ledger + "/transactions?wait=submitted",
                                       "application/jose", envelope)
                        : Result<Client::Answer>(client.error());
        if (!taken.ok()) {
            output.note(url + " took no copy: " + taken.error().message());
        } else if (!taker) {
            taker = url;
        }
    }
    return taker;
}

/// From another participant that has a copy, where the first one does not answer.
Result<Client::Answer> ask_for(Client& client, const TxSubmit& options, const std::string& ledger,
                               const std::string& id) {
    client.set_timeout_ms(int(std::min<uint64_t>(options.timeout_ms, 120'000)) + 5'000);
    return client.get("/v1/ledgers/" + ledger + "/transactions/" + id + "?wait=" + options.wait +
                      "&timeout_ms=" + std::to_string(options.timeout_ms));
}

}  // namespace

Hash transaction_id_of(const std::string& envelope) {
    return model::check_envelope(view_of(envelope), Hash{}, "").id;
}

Result<Exit> tx_sign(const TxSign& options, const Output& output) {
    CHECK(check_complete(options));
    TRY(client, connect(options.connection));
    TRY(charter, obtain_charter(options.trust, client, output));
    TRY(ledger, ledger_of(charter, options.ledger));
    TRY(envelope, signed_envelope(options, charter, ledger));
    note_sealing(options, charter, output);
    const std::string id = transaction_id_of(envelope).hex();
    output.json_only(bj::object{{"transaction", id}, {"envelope", envelope}});
    output.line(envelope);
    output.note("transaction " + id);
    return Exit::applied;
}

Result<Exit> tx_submit(const TxSubmit& options, const Output& output) {
    if (options.signed_file.empty()) CHECK(check_complete(options.sign));
    TRY(client, connect({options.sign.connection.url, {}}));
    auto obtained = obtain_charter(options.sign.trust, client, output);
    for (size_t i = 0; i < options.also.size() && !obtained.ok(); ++i) {
        TRY(other, connect({options.also[i], {}}));
        obtained = obtain_charter(options.sign.trust, other, output);
    }
    TRY(charter, std::move(obtained));
    TRY(ledger, ledger_of(charter, options.sign.ledger));
    std::string envelope;
    if (options.signed_file.empty()) {
        TRY(made, signed_envelope(options.sign, charter, ledger));
        envelope = std::move(made);
        note_sealing(options.sign, charter, output);
    } else {
        TRY(text, text_argument(options.signed_file == "-" ? "-" : "@" + options.signed_file));
        envelope = without_line_end(std::move(text));
    }
    const std::string id = transaction_id_of(envelope).hex();

    const auto taker = submit_copies(options, ledger, envelope, output);
    // On a connection of its own: if that cannot be made, nothing has left.
    TRY(sender, connect({options.sign.connection.url, {}}));
    auto answer = post(sender, options, ledger, envelope);
    if (!answer.ok() && taker && sender.refused_with() != 400) {
        output.note(options.sign.connection.url + ": " + answer.error().message() + "; asking " +
                    *taker);
        TRY(other, connect({*taker, {}}));
        answer = ask_for(other, options, ledger, id);
        if (!answer.ok()) return unknown(ledger, id, answer.error().message(), output);
        sender = std::move(other);
    }
    if (!answer.ok()) return not_answered(sender, charter, ledger, id, answer.error(), output);
    bj::object& body = answer->body;
    if (!is_about(body, id))
        return unknown(ledger, id, fail(ClientError::bad_answer).message(), output);
    const auto outcome = text_in(body, "outcome");
    if (outcome == "unknown" && options.wait != "submitted")
        return unknown(ledger, id, "not " + options.wait + " in time", output);
    if (outcome == "unknown") {
        output.json_only(body);
        output.line("submitted, nothing promised yet");
        output.line("transaction " + id);
        return Exit::applied;
    }
    const bool certified = options.wait == "certified" || options.wait == "final";
    std::string proved;
    if (certified && !options.unverified) {
        const auto verdict = check_outcome(sender, charter, ledger, id, outcome == "applied");
        if (!verdict.ok()) return unproved(ledger, id, outcome, verdict.error(), output);
        proved = std::string(proving::name_of(verdict->finality)) + ", attested by " +
                 std::to_string(verdict->provers.size()) + " of " +
                 std::to_string(verdict->prover_count) + " provers: " + joined(verdict->provers);
        body["verified"] = verdict->json();
    }
    output.json_only(body);
    tell_outcome(body, output);
    if (!proved.empty()) output.line("proof checked: " + proved);
    return outcome == "applied" ? Exit::applied : Exit::rejected;
}

Result<Exit> tx_show(const TxShow& options, const Output& output) {
    CHECK(check_transaction_id(options.id));
    TRY(client, connect(options.connection));
    std::string path = "/v1/ledgers/" + options.ledger + "/transactions/" + options.id;
    if (!options.wait.empty())
        path += "?wait=" + options.wait + "&timeout_ms=" + std::to_string(options.timeout_ms);
    client.set_timeout_ms(int(std::min<uint64_t>(options.timeout_ms, 120'000)) + 5'000);
    auto answer = client.get(path);
    if (!answer.ok()) {
        const Exit exit = output.error(answer.error());
        return answer.error().code == "unknown_transaction" ? Exit::unknown : exit;
    }
    const bj::object& body = answer->body;
    if (text_in(body, "outcome") == "unknown")
        return unknown(options.ledger, options.id, "not " + options.wait + " in time", output);
    output.value(body);
    const auto* applied = body.if_contains("applied");
    const bool took_effect = applied != nullptr ? applied->is_bool() && applied->get_bool()
                                                : text_in(body, "outcome") == "applied";
    return took_effect ? Exit::applied : Exit::rejected;
}

}  // namespace tally::cli
