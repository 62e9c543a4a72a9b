#include "cli/app.hpp"

#include "cli/batch_command.hpp"
#include "cli/bench_command.hpp"
#include "cli/charter_command.hpp"
#include "cli/demo_command.hpp"
#include "cli/grammar.hpp"
#include "cli/import_command.hpp"
#include "cli/keys_command.hpp"
#include "cli/proof_command.hpp"
#include "cli/read_command.hpp"
#include "cli/sim_command.hpp"
#include "cli/tx_command.hpp"
#include "cli/unexpected.hpp"
#include "cli/usage.hpp"
#include "cli/version.hpp"
#include "crypto/keys.hpp"

namespace tally::cli {

void Grammar::add_demo() {
    auto demo = std::make_shared<DemoOptions>();
    auto* sub = command(app_, "demo", "Run four participants here, with real data, to try things",
                        "  tally demo\n"
                        "  tally demo --data my-demo       # keeps everything in my-demo\n"
                        "  tally demo --check --json       # for scripts: does not stay",
                        demo, run_demo);
    sub->add_option("--data", demo->folder, "Keep everything here; default: a temporary folder");
    sub->add_option("--records", demo->records, "A package index in Debian's format");
    sub->add_flag("--check", demo->check, "Do not stay; fail if any step fails");
}

void Grammar::add_keys() {
    auto& keys = group(app_, "keys", "Make keys, show them, sign tokens for reading");
    auto make = std::make_shared<KeysNew>();
    auto* sub = command(keys, "new", "Make a key, or a participant's three",
                        "  tally keys new maintainer.json\n"
                        "  tally keys new --participant alice.json",
                        make, keys_new);
    sub->add_option("file", make->file, "Where to write; never over a file")->required();
    sub->add_flag("--participant", make->participant, "Identity, signing and opening keys");
    sub->add_option("--alg", make->algorithm, "EdDSA or ES256K")
        ->check(CLI::IsMember({"EdDSA", "ES256K"}))
        ->capture_default_str();

    auto show = std::make_shared<KeysShow>();
    sub = command(keys, "show", "Show public halves and the did:key",
                  "  tally keys show alice.json", show, keys_show);
    sub->add_option("file", show->file, "A key file")->required();

    auto token = std::make_shared<KeysToken>();
    sub = command(keys, "token", "Sign a token that shows a participant who is reading",
                  "  tally keys token me.json --charter network.charter --participant alice", token,
                  keys_token);
    sub->add_option("file", token->file, "A key file")->required();
    sub->add_option("--network", token->network, "The network's id");
    sub->add_option("--charter", token->charter, "Or its charter");
    sub->add_option("--participant", token->participant, "Whom it is shown to")->required();
}

void Grammar::add_charter() {
    auto& charter = group(app_, "charter", "Write, sign and show a network's charter");
    auto make = std::make_shared<CharterNew>();
    auto* sub = command(charter, "new", "Make a charter from a draft (TOML)",
                        "  tally charter new draft.toml --out network.charter", make, charter_new);
    sub->add_option("draft", make->draft, "The draft")->required();
    sub->add_option("--out", make->out, "Where to write; never over a file")->required();

    auto sign = std::make_shared<CharterSign>();
    sub = command(charter, "sign", "Add a founder's signature",
                  "  tally charter sign network.charter --keys alice.json", sign, charter_sign);
    sub->add_option("file", sign->file, "The charter")->required();
    sub->add_option("--keys", sign->keys, "The founder's key file")->required();

    auto show = std::make_shared<CharterShow>();
    sub = command(charter, "show", "Show what it says and who has signed",
                  "  tally charter show network.charter", show, charter_show);
    sub->add_option("file", show->file, "The charter")->required();
}

void Grammar::add_tx() {
    auto& tx = group(app_, "tx", "Sign transactions, submit them, ask what became of them");
    auto sign = std::make_shared<TxSign>();
    auto* sub = command(tx, "sign", "Sign a transaction and print it (a compact JWS)",
                        "  tally tx sign '{\"_id\": \"maintainer$1\", \"name\": \"Hello\"}' \\\n"
                        "      --key me.json --charter network.charter > signed.jws",
                        sign, tx_sign);
    add_signing(sub, *sign);

    auto submit = std::make_shared<TxSubmit>();
    sub = command(
        tx, "submit", "Submit a transaction, wait, and check its proof",
        "  tally tx submit '{\"_id\": \"maintainer$1\", \"name\": \"Me\"}' --key me.json\n"
        "  tally tx submit --signed signed.jws --charter network.charter\n"
        "  tally tx submit @changes.json --key me.json --wait final --json\n"
        "  tally tx submit @changes.json --key me.json --url http://127.0.0.1:7181 \\\n"
        "      --also http://127.0.0.1:7182\n\n"
        "A participant that takes a transaction may keep it from being ordered. Of a third\n"
        "of the participants and one more, one is honest: give the others with --also.",
        submit, tx_submit);
    add_signing(sub, submit->sign);
    sub->add_option("--signed", submit->signed_file, "A signed transaction: FILE, or -");
    sub->add_option(
           "--also", submit->also,
           "Another participant that gets a copy, which takes effect once; may be repeated")
        ->allow_extra_args(false);
    sub->add_option("--wait", submit->wait, "submitted, ordered, certified or final")
        ->check(levels())
        ->capture_default_str();
    sub->add_option("--timeout", submit->timeout_ms, "Milliseconds, at most 120000")
        ->check(CLI::Range(0, 120'000))
        ->capture_default_str();
    sub->add_flag("--unverified", submit->unverified, "Believe the participant: check no proof");

    auto show = std::make_shared<TxShow>();
    sub = command(tx, "show", "Ask what became of a transaction",
                  "  tally tx show packages ID\n"
                  "  tally tx show packages ID --wait final",
                  show, tx_show);
    sub->add_option("ledger", show->ledger, "The ledger")->required();
    sub->add_option("id", show->id, "The transaction's id")->required();
    sub->add_option("--wait", show->wait, "Wait until ordered, certified or final")
        ->check(levels());
    sub->add_option("--timeout", show->timeout_ms, "Milliseconds, at most 120000")
        ->check(CLI::Range(0, 120'000))
        ->capture_default_str();
    add_url(sub, show->connection);
}

void Grammar::add_reads() {
    auto get = std::make_shared<Get>();
    auto* sub = command(app_, "get", "Show a subject, now or at a block",
                        "  tally get packages package/name=zlib1g\n"
                        "  tally get packages 8796093022209 --at 12",
                        get, get_subject);
    sub->add_option("ledger", get->ledger, "The ledger")->required();
    sub->add_option("subject", get->subject, "Its number, or a unique pair")->required();
    sub->add_option("--at", get->at, "A block's height; default: the newest");
    add_reader(sub, get->connection);

    auto query = std::make_shared<QueryOptions>();
    sub = command(app_, "query", "Find subjects of a collection",
                  "  tally query packages package 'name>=lib' 'name<lic' --order name\n"
                  "  tally query packages package 'size>100000000' --select name,size \\\n"
                  "      --order size --desc --limit 5 --at 40",
                  query, run_query);
    sub->add_option("ledger", query->ledger, "The ledger")->required();
    sub->add_option("collection", query->collection, "The collection")->required();
    sub->add_option("filters", query->filters, "As name=x, name>=x, name<x: all must hold");
    sub->add_option("--order", query->order, "Sort by this predicate");
    sub->add_flag("--desc", query->descending, "Largest first");
    sub->add_option("--limit", query->limit, "At most so many rows")->capture_default_str();
    sub->add_option("--select", query->select, "Only these predicates, as a,b; may be repeated")
        ->delimiter(',')
        ->allow_extra_args(false);
    sub->add_option("--at", query->at, "A block's height; default: the newest");
    add_reader(sub, query->connection);

    auto blocks = std::make_shared<Blocks>();
    sub = command(app_, "blocks", "Show a ledger's blocks and who signed each",
                  "  tally blocks packages\n"
                  "  tally blocks packages --from 1 --count 20",
                  blocks, show_blocks);
    sub->add_option("ledger", blocks->ledger, "The ledger")->required();
    sub->add_option("--from", blocks->from, "First height; default: the newest blocks");
    sub->add_option("--count", blocks->count, "How many")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    add_url(sub, blocks->connection);

    auto status = std::make_shared<StatusOptions>();
    sub = command(app_, "status", "Show how a participant and its network are",
                  "  tally status\n"
                  "  tally status --all http://127.0.0.1:7181 http://127.0.0.1:7182",
                  status, show_status);
    sub->add_option("--all", status->all, "Compare these participants");
    add_url(sub, status->connection);
}

void Grammar::add_proofs() {
    auto& proof = group(app_, "proof", "Take a proof away, as a file");
    auto transaction = std::make_shared<ProofOptions>();
    auto* sub = command(
        proof, "transaction", "That a transaction is in the ledger, with its result",
        "  tally proof transaction packages ID --out tx.proof", transaction, prove_transaction);
    sub->add_option("ledger", transaction->ledger, "The ledger")->required();
    sub->add_option("id", transaction->what, "The transaction's id")->required();
    sub->add_option("--out", transaction->out, "Where to write")->required();
    add_url(sub, transaction->connection);

    auto subject = std::make_shared<ProofOptions>();
    sub = command(proof, "subject", "What a subject's fields are, or that there is no such subject",
                  "  tally proof subject packages package/name=zlib1g --out zlib1g.proof\n"
                  "  tally proof subject packages package/name=zlib1g --at 12 --out old.proof",
                  subject, prove_subject);
    sub->add_option("ledger", subject->ledger, "The ledger")->required();
    sub->add_option("subject", subject->what, "Its number, or a unique pair")->required();
    sub->add_option("--out", subject->out, "Where to write")->required();
    sub->add_option("--at", subject->at, "A block's height; default: the newest");
    add_reader(sub, subject->connection);

    auto verify = std::make_shared<VerifyOptions>();
    sub = command(app_, "verify", "Check a proof offline, from the charter alone",
                  "  tally verify zlib1g.proof --charter network.charter", verify, verify_file);
    sub->add_option("file", verify->file, "The proof")->required();
    sub->add_option("--charter", verify->charter, "The network's charter")->required();
}

void Grammar::add_batches() {
    auto fetch = std::make_shared<FetchOptions>();
    auto* sub = command(
        app_, "fetch", "Rebuild a batch, the transactions as they were signed, from its cells",
        "  tally fetch alice 12 --charter network.charter --url http://127.0.0.1:7181 \\\n"
        "      --url http://127.0.0.1:7182 --key me.json\n\n"
        "Each participant has a part; those of a third of them and one are enough. A batch shows\n"
        "every field of every ledger: who may not read all of it with --key gets none of it.",
        fetch, fetch_batch);
    sub->add_option("participant", fetch->participant, "Who made the batch")->required();
    sub->add_option("batch", fetch->height, "Its number, from 1 on")->required();
    sub->add_option("--url", fetch->urls, "A participant to ask; may be repeated")
        ->required()
        ->allow_extra_args(false);
    sub->add_option("--key", fetch->key, "Read as the identity of this key file");
    sub->add_option("--out", fetch->out, "Write the batch's own bytes to this file");
    add_trust(sub, fetch->trust);

    auto sample = std::make_shared<SampleOptions>();
    sub = command(app_, "sample", "Look, by random parts, whether old transactions are still there",
                  "  tally sample --charter network.charter --url http://127.0.0.1:7181 \\\n"
                  "      --url http://127.0.0.1:7182 --url http://127.0.0.1:7183\n\n"
                  "Name every participant that you can reach: a part whose holder is not named\n"
                  "cannot be asked for. Who does not answer is made up for from the others' cells.",
                  sample, sample_batches);
    sub->add_option("--url", sample->urls, "A participant to ask; may be repeated")
        ->required()
        ->allow_extra_args(false);
    sub->add_option("--key", sample->key, "Read as the identity of this key file");
    sub->add_option("--batches", sample->batches, "How many batches, at random")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    sub->add_option("--cells", sample->cells, "How many cells of each, at random")
        ->check(CLI::Range(1, 255))
        ->capture_default_str();
    add_trust(sub, sample->trust);
}

void Grammar::add_import() {
    auto& import = group(app_, "import", "Load many records as signed transactions");
    auto schema = std::make_shared<ImportSchemaOptions>();
    auto* sub = command(
        import, "schema", "Print the genesis of a ledger that packages can be loaded into",
        "  tally import schema --key me.json >packages-genesis.json", schema, run_import_schema);
    sub->add_option("--key", schema->keys, "The key file of one who may write; may be repeated")
        ->required()
        ->allow_extra_args(false);
    auto packages = std::make_shared<ImportOptions>();
    sub = command(import, "packages", "A package index in Debian's format",
                  "  tally import packages Packages.xz --charter network.charter --key me.json \\\n"
                  "      --url http://127.0.0.1:7181 --url http://127.0.0.1:7182\n\n"
                  "Interrupted, by whatever, it goes on when the same command is run again.",
                  packages, run_import);
    sub->add_option("file", packages->file, "The index: plain, .gz, .xz or .lz4")->required();
    sub->add_option("--charter", packages->charter, "The network's charter")->required();
    sub->add_option("--url", packages->urls, "A participant to submit to; may be repeated")
        ->required()
        ->allow_extra_args(false);
    sub->add_option("--key", packages->keys, "A signer's key file; may be repeated")
        ->required()
        ->allow_extra_args(false);
    sub->add_option("--ledger", packages->ledger, "The ledger")->capture_default_str();
    sub->add_option("--report", packages->report, "Write what was loaded and refused to this file");
    sub->add_option("--in-flight", packages->in_flight, "Packages waited for at once")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
}

void Grammar::add_bench() {
    auto bench = std::make_shared<BenchOptions>();
    auto* sub = command(app_, "bench", "Measure how fast participants on this machine certify",
                        "  tally bench --seconds 60 --json\n"
                        "  tally bench --seconds 60 --rate 1250 --json\n"
                        "  tally bench --transactions 1000000 --json",
                        bench, run_bench);
    sub->add_option("--seconds", bench->seconds, "How long to measure")
        ->check(CLI::Range(1.0, 3'600.0))
        ->capture_default_str();
    sub->add_option("--transactions", bench->transactions,
                    "Until so many are answered, in place of --seconds; memory is sampled");
    sub->add_option("--participants", bench->participants, "How many")
        ->check(CLI::Range(1, 32))
        ->capture_default_str();
    sub->add_option("--clients", bench->clients, "Transactions under way at once")
        ->check(CLI::Range(1, 4'000))
        ->capture_default_str();
    sub->add_option("--rate", bench->rate, "Transactions a second; default: all that goes");
    sub->add_option("--prepared", bench->prepared, "Signed beforehand for each second")
        ->capture_default_str();
    sub->add_option("--data", bench->folder, "Keep everything here; default: a temporary folder");
}

void Grammar::add_sim() {
    auto sim = std::make_shared<SimOptions>();
    auto* sub = command(app_, "sim", "Simulate networks under faults and liars, and check them",
                        "  tally sim --seed 1 --seeds 100\n"
                        "  tally sim --seed 7 --verbose\n"
                        "  tally sim --seed 1 --seeds 20 --canary quorum_one_short",
                        sim, run_simulation);
    sub->add_option("--seed", sim->seed, "The first seed")->capture_default_str();
    sub->add_option("--seeds", sim->seeds, "How many")->capture_default_str();
    sub->add_option("--participants", sim->participants, "Default: drawn")
        ->check(CLI::Range(1u, limits::participants_max));
    sub->add_option("--steps", sim->steps, "At most so many events a seed");
    sub->add_option("--canary", sim->canary, "Make this mistake, which must be caught");
    sub->add_option("--scenario", sim->scenario, "Run this scenario file in place of seeds");
    sub->add_flag("--hash", sim->hashes, "Only a hash of all events for each seed");
    sub->add_flag("--verbose", sim->verbose, "Say more");
}

int run_program(int argc, char** argv) {
    tell_what_ends_a_thread();
    crypto_start();
    return Grammar().run(argc, argv);
}

}  // namespace tally::cli
