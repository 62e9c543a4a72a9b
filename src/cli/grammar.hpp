// Grammar: all commands with their options, examples and help, over CLI11.
//
// It is slow to compile, so few units include it.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "cli/connection.hpp"
#include "cli/output.hpp"
#include "cli/tx_command.hpp"
#include "cli/unexpected.hpp"
#include "cli/usage.hpp"
#include "cli/version.hpp"
#include "model/charter.hpp"

namespace tally::cli {

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
        add_epoch();
        add_tx();
        add_reads();
        add_proofs();
        add_batches();
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
        try {
            const auto exit = chosen_(output);
            return int(exit.ok() ? *exit : output.error(exit.error()));
        } catch (const std::exception& thrown) {
            return int(output.error(error_of(thrown)));
        }
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
        sub->add_flag("--sealed", sign.sealed, "Hide the changes until their order is decided");
        sub->add_option("changes", sign.changes,
                        "JSON list of changes, or one change; @FILE; or - for standard input");
        sub->add_option("--key", sign.key, "Key file of the signer");
        sub->add_option("--ledger", sign.ledger, "Default: the network's only ledger");
        sub->add_option("--nonce", sign.nonce, "Default: a random one");
        sub->add_option("--expire-in", sign.expire_in_s, "Seconds")->capture_default_str();
        sub->add_option("--expire", sign.expire_ms,
                        "Or milliseconds since 1970: with the same --nonce, what is sealed again "
                        "takes effect once");
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
    void add_epoch();
    void add_tx();
    void add_reads();
    void add_proofs();
    void add_batches();
    void add_import();
    void add_bench();
    void add_sim();

    CLI::App app_{"Tally: a database kept together by organisations that do not trust each other",
                  "tally"};
    bool json_ = false;
    Chosen chosen_;
};

}  // namespace tally::cli
