// The commands of a participant's operator.
#include "cli/backup_command.hpp"
#include "cli/doctor.hpp"
#include "cli/epoch_command.hpp"
#include "cli/grammar.hpp"
#include "cli/limits_command.hpp"
#include "cli/node_command.hpp"
#include "cli/recovery_command.hpp"
#include "cli/scrub_command.hpp"

namespace tally::cli {

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
    auto* sub = command(recovery, "statement", "Say how far a stopped participant knows the epoch",
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
    sub =
        command(recovery, "sign", "Sign it: ends the participant's part in the old epoch",
                "  tally recovery sign epoch-1.recovery --config alice.toml", sign, recovery_sign);
    sub->add_option("file", sign->file, "The recovery charter")->required();
    sub->add_option("--config", sign->config, "The participant's configuration (TOML)")->required();

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

void Grammar::add_epoch() {
    auto& epoch = group(app_, "epoch", "Change who takes part, keys or parameters, by votes");
    auto draft = std::make_shared<EpochDraft>();
    auto* sub =
        command(epoch, "draft", "Propose the next epoch, from what changes in it (TOML)",
                "  tally epoch draft change.toml --charter network.charter --out next.epoch\n\n"
                "The draft names what changes, and nothing else:\n"
                "  leave = [\"bob\"]\n"
                "  [parameters]\n"
                "  late_after_us = 200000\n"
                "  [[participant]]     # who joins, or whose keys, address or weight change\n"
                "  name = \"erin\"\n"
                "  address = \"erin.example:7000\"\n"
                "  identity = \"...\"   # and signing, opening: `tally keys show`",
                draft, epoch_draft);
    sub->add_option("draft", draft->draft, "The draft")->required();
    sub->add_option("--charter", draft->charter, "The network's charter, of the present epoch")
        ->required();
    sub->add_option("--out", draft->out, "Where to write; never over a file")->required();
    sub->add_option("--attempt", draft->attempt,
                    "Above that of each proposal that was decided in this epoch")
        ->check(CLI::Range(1u, UINT32_MAX))
        ->capture_default_str();

    auto vote = std::make_shared<EpochVote>();
    sub = command(epoch, "vote", "Vote for it",
                  "  tally epoch vote next.epoch --charter network.charter --keys alice.json", vote,
                  epoch_vote);
    sub->add_option("file", vote->file, "The proposal")->required();
    sub->add_option("--charter", vote->charter, "The network's charter")->required();
    sub->add_option("--keys", vote->keys, "The participant's keys")->required();

    auto show = std::make_shared<EpochShow>();
    sub = command(epoch, "show", "Show what it changes and who has voted for it",
                  "  tally epoch show next.epoch --charter network.charter", show, epoch_show);
    sub->add_option("file", show->file, "The proposal")->required();
    sub->add_option("--charter", show->charter, "The network's charter")->required();

    auto submit = std::make_shared<EpochSubmit>();
    sub = command(epoch, "submit", "Have it decided, and wait until the epoch begins",
                  "  tally epoch submit next.epoch --url http://127.0.0.1:7181", submit,
                  epoch_submit);
    sub->add_option("file", submit->file, "The proposal, with enough votes")->required();
    add_url(sub, submit->connection);
    sub->add_option("--timeout", submit->timeout_s, "Seconds")->capture_default_str();
    sub->add_flag("--no-wait", submit->no_wait, "Do not wait until the epoch begins");
}

}  // namespace tally::cli
