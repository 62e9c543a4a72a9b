// The only unit that instantiates CLI11: it is slow to compile.
#include "cli/app.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "cli/backup_command.hpp"
#include "cli/bench_command.hpp"
#include "cli/charter_command.hpp"
#include "cli/demo_command.hpp"
#include "cli/doctor.hpp"
#include "cli/import_command.hpp"
#include "cli/keys_command.hpp"
#include "cli/limits_command.hpp"
#include "cli/node_command.hpp"
#include "cli/proof_command.hpp"
#include "cli/read_command.hpp"
#include "cli/recovery_command.hpp"
#include "cli/scrub_command.hpp"
#include "cli/sim_command.hpp"
#include "cli/tx_command.hpp"
#include "cli/usage.hpp"
#include "cli/version.hpp"
#include "crypto/keys.hpp"

namespace tally::cli {
namespace {

/// A command, parsed and ready to run.
using Chosen = std::function<Result<Exit>(const Output& output)>;

class Grammar {
public:
    Grammar() {
        app_.require_subcommand(1);
        app_.set_version_flag("--version", "tally " + build_version() + " (agreement " +
                                               std::string(model::consensus_name) +
                                               ", execution version " +
                                               std::to_string(model::execution_version) + ")");
        app_.get_formatter()->column_width(34);
        app_.footer(
            "`tally COMMAND --help` shows a command's options, with examples.\n"
            "Exit codes: 0 applied or done, 1 rejected, 2 usage, 3 unknown (ask by id), "
            "4 unreachable.");
        add_demo();
        add_keys();
        add_charter();
        add_node();
        add_doctor();
        add_limits();
        add_backup();
        add_recovery();
        add_tx();
        add_reads();
        add_proofs();
        add_import();
        add_bench();
        add_sim();
    }

    int run(int argc, char** argv) {
        if (argc < 2) {
            std::cerr << app_.help();
            return int(Exit::usage);
        }
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            const bool asked = error.get_exit_code() == 0;  // --help, --version
            if (!asked && wants_json(argc, argv))
                return int(Output(true).error(fail(UsageError::bad_command_line, error.what())));
            return app_.exit(error, std::cout, std::cerr) == 0 ? 0 : int(Exit::usage);
        }
        const Output output(json_);
        const auto exit = chosen_(output);
        return int(exit.ok() ? *exit : output.error(exit.error()));
    }

private:
    /// What cannot be parsed may still say how it wants to be told.
    static bool wants_json(int argc, char** argv) {
        return std::any_of(argv + 1, argv + argc,
                           [](const char* one) { return std::string_view(one) == "--json"; });
    }
    /// A command whose options live as long as the grammar.
    template <class Options>
    CLI::App* command(CLI::App& parent, const std::string& name, const std::string& purpose,
                      const std::string& examples, std::shared_ptr<Options> options,
                      Result<Exit> (*perform)(const Options&, const Output&)) {
        auto* sub = parent.add_subcommand(name, purpose);
        sub->footer("Examples:\n" + examples);
        sub->add_flag("--json", json_, "Answer as JSON, for scripts");
        sub->callback([this, options, perform] {
            chosen_ = [options, perform](const Output& output) {
                return perform(*options, output);
            };
        });
        return sub;
    }
    static CLI::App& group(CLI::App& parent, const std::string& name, const std::string& purpose) {
        auto* sub = parent.add_subcommand(name, purpose);
        sub->require_subcommand(1);
        return *sub;
    }
    static void add_url(CLI::App* sub, Connection& connection) {
        sub->add_option("--url", connection.url, "The participant to ask")
            ->envname("TALLY_URL")
            ->capture_default_str();
    }
    static void add_reader(CLI::App* sub, Connection& connection) {
        add_url(sub, connection);
        sub->add_option("--key", connection.key, "Read as the identity of this key file");
    }
    static void add_trust(CLI::App* sub, Trust& trust) {
        sub->add_option("--charter", trust.charter, "The network's charter, to check against");
        sub->add_option("--network", trust.network, "Or the network id that it must have");
    }
    static void add_signing(CLI::App* sub, TxSign& sign) {
        sub->add_option("changes", sign.changes,
                        "JSON list of changes, or one change; @FILE; or - for standard input");
        sub->add_option("--key", sign.key, "Key file of the signer");
        sub->add_option("--ledger", sign.ledger, "Default: the network's only ledger");
        sub->add_option("--nonce", sign.nonce, "Default: a random one");
        sub->add_option("--expire-in", sign.expire_in_s, "Seconds")->capture_default_str();
        sub->add_option("--fuel", sign.fuel, "What it may use up")->capture_default_str();
        add_trust(sub, sign.trust);
        add_url(sub, sign.connection);
    }
    static const CLI::IsMember& levels() {
        static const CLI::IsMember known({"submitted", "ordered", "certified", "final"});
        return known;
    }

    void add_demo();
    void add_keys();
    void add_charter();
    void add_node();
    void add_doctor();
    void add_limits();
    void add_backup();
    void add_recovery();
    void add_tx();
    void add_reads();
    void add_proofs();
    void add_import();
    void add_bench();
    void add_sim();

    CLI::App app_{"Tally: a database kept together by organisations that do not trust each other",
                  "tally"};
    bool json_ = false;
    Chosen chosen_;
};

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

void Grammar::add_node() {
    auto node = std::make_shared<NodeOptions>();
    auto* sub = command(app_, "node", "Run one participant, until Ctrl-C or SIGTERM",
                        "  tally node --config alice.toml\n\n"
                        "alice.toml (file names are taken from its folder):\n"
                        "  charter = \"network.charter\"\n"
                        "  keys = \"alice.json\"\n"
                        "  data = \"alice-data\"\n"
                        "  listen = \"0.0.0.0:7000\"      # default: the charter's address\n"
                        "  http = \"127.0.0.1:7080\"      # this machine only\n"
                        "  start_counter = \"/other-disk/alice.starts\"  # default: none\n"
                        "  log_level = \"info\"            # or warning, error\n"
                        "  log_format = \"text\"           # or json\n\n"
                        "docs/run-a-network.md describes every key, docs/operate.md every event.",
                        node, run_node);
    sub->add_option("--config", node->config, "Its configuration (TOML)")->required();
    sub->add_option("--with-parent", node->with_parent,
                    "End when the parent process, which has this id, ends");
    sub->add_flag("--quiet", node->quiet, "Log warnings and errors only");
    sub->add_option("--log-level", node->log_level, "info, warning or error; over log_level")
        ->check(CLI::IsMember({"info", "warning", "error"}));
    sub->add_option("--log-format", node->log_format, "text or json; over log_format")
        ->check(CLI::IsMember({"text", "json"}));
}

void Grammar::add_doctor() {
    auto doctor = std::make_shared<DoctorOptions>();
    auto* sub = command(app_, "doctor", "Check a participant's machine, files, ports and peers",
                        "  tally doctor --config alice.toml\n\n"
                        "It checks whether the participant runs or not, and changes nothing. While "
                        "it does not\nrun, its peers are dialled in its name: never from a second "
                        "machine. Exit code 1 if a\ncheck failed; warnings alone are 0.",
                        doctor, run_doctor);
    sub->add_option("--config", doctor->config, "The participant's configuration (TOML)")
        ->required();
}

void Grammar::add_limits() {
    auto limits = std::make_shared<LimitsOptions>();
    auto* sub = command(app_, "limits", "Show what there may be at most of everything",
                        "  tally limits\n"
                        "  tally limits --markdown",
                        limits, show_limits);
    sub->add_flag("--markdown", limits->markdown, "As a table for a document");
}

void Grammar::add_backup() {
    auto backup = std::make_shared<BackupOptions>();
    auto* sub =
        command(app_, "backup", "Copy what a running participant keeps, without stopping it",
                "  tally backup --config alice.toml --to alice-monday", backup, run_backup);
    sub->add_option("--config", backup->config, "The participant's configuration (TOML)")
        ->required();
    sub->add_option("--to", backup->to, "A folder that is empty or not there yet")->required();
    sub->add_flag("--with-keys", backup->with_keys, "Its keys too: whoever has them can sign");

    auto restore = std::make_shared<RestoreOptions>();
    auto scrub = std::make_shared<ScrubOptions>();
    sub = command(app_, "scrub",
                  "Have a running participant read everything on its disk again, and name what was "
                  "altered",
                  "  tally scrub --config alice.toml", scrub, run_scrub);
    sub->add_option("--config", scrub->config, "The participant's configuration (TOML)")
        ->required();
    sub->add_flag("--no-wait", scrub->no_wait, "Begin it, and do not wait for its end");

    sub = command(app_, "restore", "Check a backup, and make a participant's data folder of it",
                  "  tally restore alice-monday --to alice-restored --config alice.toml\n\n"
                  "A participant that starts on restored data follows, executes and serves, but\n"
                  "signs nothing in this epoch: it cannot know what it signed after the backup.",
                  restore, run_restore);
    sub->add_option("backup", restore->backup, "The backup's folder")->required();
    sub->add_option("--to", restore->to, "A folder that is empty or not there yet")->required();
    sub->add_option("--config", restore->config,
                    "Refuse a backup of another participant than this configuration's");
}

void Grammar::add_recovery() {
    auto& recovery =
        group(app_, "recovery", "Begin the next epoch after more lost journals than are survived");
    auto state = std::make_shared<RecoveryState>();
    auto* sub = command(recovery, "statement",
                        "Say how far a stopped participant knows the epoch",
                        "  tally recovery statement --config alice.toml --out alice.statement",
                        state, recovery_state);
    sub->add_option("--config", state->config, "The participant's configuration (TOML)")
        ->required();
    sub->add_option("--out", state->out, "Where to write; never over a file")->required();
    sub->add_option("--new-keys", state->new_keys,
                    "Make new signing and opening keys for the next epoch, in this file");

    auto draft = std::make_shared<RecoveryDraft>();
    sub = command(recovery, "draft", "Make a recovery charter from a quorum's statements",
                  "  tally recovery draft alice.statement bob.statement carol.statement \\\n"
                  "      --charter network.charter --out epoch-1.recovery",
                  draft, recovery_draft);
    sub->add_option("statements", draft->statements, "Statements of n - f participants or more")
        ->required();
    sub->add_option("--charter", draft->charter, "The network's charter")->required();
    sub->add_option("--out", draft->out, "Where to write; never over a file")->required();

    auto sign = std::make_shared<RecoverySign>();
    sub = command(recovery, "sign", "Sign it: ends the participant's part in the old epoch",
                  "  tally recovery sign epoch-1.recovery --config alice.toml", sign,
                  recovery_sign);
    sub->add_option("file", sign->file, "The recovery charter")->required();
    sub->add_option("--config", sign->config, "The participant's configuration (TOML)")
        ->required();

    auto show = std::make_shared<RecoveryShow>();
    sub = command(recovery, "show", "Show what it says and who has signed",
                  "  tally recovery show epoch-1.recovery --charter network.charter", show,
                  recovery_show);
    sub->add_option("file", show->file, "The recovery charter")->required();
    sub->add_option("--charter", show->charter, "The network's charter")->required();

    auto apply = std::make_shared<RecoveryApply>();
    sub = command(recovery, "apply", "Add it to a stopped participant's charter",
                  "  tally recovery apply epoch-1.recovery --config alice.toml", apply,
                  recovery_apply);
    sub->add_option("file", apply->file, "The recovery charter, signed by enough")->required();
    sub->add_option("--config", apply->config, "The participant's configuration (TOML)")
        ->required();
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
    sub =
        command(tx, "submit", "Submit a transaction, wait, and check its proof",
                "  tally tx submit '{\"_id\": \"maintainer$1\", \"name\": \"Me\"}' --key me.json\n"
                "  tally tx submit --signed signed.jws --charter network.charter\n"
                "  tally tx submit @changes.json --key me.json --wait final --json",
                submit, tx_submit);
    add_signing(sub, submit->sign);
    sub->add_option("--signed", submit->signed_file, "A signed transaction: FILE, or -");
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

}  // namespace

int run_program(int argc, char** argv) {
    crypto_start();
    return Grammar().run(argc, argv);
}

}  // namespace tally::cli
