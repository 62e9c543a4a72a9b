#include "cli/demo.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "cli/import_command.hpp"
#include "cli/key_file.hpp"
#include "cli/package_index.hpp"
#include "cli/signals.hpp"
#include "model/json.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
using Clock = std::chrono::steady_clock;

constexpr size_t maintainer_count = 5;
constexpr size_t victim = 3;  ///< who is killed
constexpr size_t proof_bytes_max = size_t{1} << 22;
constexpr auto agreement_patience = std::chrono::seconds(30);

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string in_ms(double seconds) {
    return std::to_string(int64_t(seconds * 1000)) + " ms";
}

/// As a shell wants it.
std::string quoted(const std::string& argument) {
    if (argument.find_first_of(" \"'<>&|$;*?[]{}()!\\") == argument.npos) return argument;
    std::string text = "'";
    for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

std::string indented(const std::string& text) {
    std::string lines;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        lines += "    " + text.substr(at, end - at) + "\n";
        at = end + 1;
    }
    if (!lines.empty()) lines.pop_back();
    return lines;
}

/// A folder that is not left behind, whatever happens meanwhile.
struct RemovedAtEnd {
    explicit RemovedAtEnd(std::string path_in) : path(std::move(path_in)) {}
    ~RemovedAtEnd() {
        std::error_code failed;
        std::filesystem::remove_all(path, failed);
    }
    RemovedAtEnd(const RemovedAtEnd&) = delete;
    RemovedAtEnd& operator=(const RemovedAtEnd&) = delete;
    const std::string path;
};

std::string new_package(const std::string& name) {
    return bj::serialize(bj::array{bj::object{{"_id", "package$1"},
                                              {"name", name},
                                              {"version", "1.0"},
                                              {"architecture", "all"},
                                              {"maintainer", "maintainer$1"},
                                              {"sha256", to_base64url(Bytes(32, 7))},
                                              {"size", 4'096}},
                                   bj::object{{"_id", "maintainer$1"}, {"name", "You"}}});
}

}  // namespace

ErrorText describe(DemoError error) {
    switch (error) {
    case DemoError::step_failed:
        return {"demo_failed", "a step of the demonstration failed",
                "See above what it says, and the participants' logs"};
    case DemoError::interrupted:
        return {"interrupted", "the demonstration was interrupted", "Run it again"};
    }
    std::abort();
}

Result<DemoRecords> look_at_records(const std::string& file) {
    DemoRecords records{file, 0, {}};
    TRY(index, PackageIndex::open(file));
    while (true) {
        TRY(stanza, index.next());
        if (!stanza) return records;
        if (stanza->fault) return *std::move(stanza->fault);
        if (records.count++ == 0) records.first = std::move(stanza->record);
    }
}

Demo::Demo(const Output& output, std::string folder, DemoRecords records)
    : output_(output),
      folder_(std::move(folder)),
      program_(own_program()),
      records_(std::move(records)) {}

Result<void> Demo::run() {
    CHECK(step("network", "Four organisations agree on a charter", &Demo::make_network));
    CHECK(step("start", "Each starts its participant", &Demo::start_participants));
    CHECK(step("load", "Maintainers load " + std::to_string(records_.count) + " package records",
               &Demo::load_records));
    CHECK(step("blocks", "The blocks, and who signed each", &Demo::show_blocks));
    CHECK(step("query", "Asking questions", &Demo::show_query));
    CHECK(step("rejection", "What is against the rules is rejected, by everyone",
               &Demo::show_rejections));
    CHECK(step("proof", "A proof, checked offline", &Demo::show_proof));
    CHECK(step("kill", "One participant is killed; the others go on", &Demo::kill_one));
    CHECK(step("return", "It comes back and catches up", &Demo::bring_back));
    CHECK(step("altered", "Someone alters a record on one participant's disk",
               &Demo::alter_a_record));
    return success();
}

Result<void> Demo::step(const char* name, const std::string& heading,
                        Result<void> (Demo::*perform)()) {
    output_.line("\n== " + std::to_string(done_.size() + 1) + ". " + heading + "\n");
    const auto start = Clock::now();
    auto result = (this->*perform)();
    interrupted_ = interrupted_ || stop_signal_within(0) || output_is_gone();
    if (interrupted_) return DemoError::interrupted;
    bj::object report{{"step", name}, {"ok", result.ok()}, {"seconds", seconds_since(start)}};
    if (!result.ok()) report["error"] = result.error().message();
    done_.push_back(std::move(report));
    if (!result.ok())
        return fail(DemoError::step_failed, std::string(name) + ": " + result.error().message());
    return success();
}

Result<std::string> Demo::command(const std::vector<std::string>& arguments, Exit expected) {
    return command_of(program_, arguments, expected);
}

Result<std::string> Demo::command_of(const std::string& program,
                                     const std::vector<std::string>& arguments, Exit expected) {
    std::string line = program;
    for (const auto& argument : arguments) line += " " + quoted(argument);
    output_.line("$ " + line);
    std::vector<std::string> full{program};
    full.insert(full.end(), arguments.begin(), arguments.end());
    TRY(finished, run_to_end(full));
    output_.line(indented(finished.output) + "\n");
    if (finished.exit_code != int(expected))
        return fail(DemoError::step_failed,
                    line + " ended with exit code " + std::to_string(finished.exit_code) +
                        " in place of " + std::to_string(int(expected)) + ": " + finished.output);
    return std::move(finished.output);
}

std::string Demo::key_file(size_t maintainer) const {
    return folder_ + "/maintainer-" + std::to_string(maintainer + 1) + ".key";
}

Result<void> Demo::make_network() {
    // The keys come first: the ledger's genesis names its maintainers. The folder must be new.
    std::error_code failed;
    if (std::filesystem::exists(folder_, failed) && !std::filesystem::is_empty(folder_, failed))
        return fail(LocalError::folder_in_use, folder_);
    const std::string keys = folder_ + ".keys-in-the-making";
    std::filesystem::create_directories(keys, failed);
    const RemovedAtEnd unfinished{keys};
    std::vector<std::string> dids;
    const auto make_key = [&](const std::string& name, const char* algorithm) -> Result<void> {
        TRY(key, new_identity_key(keys + "/" + name, algorithm));
        dids.push_back(model::public_key_of(key).did());
        return success();
    };
    for (size_t i = 0; i < maintainer_count; ++i)
        CHECK(make_key(std::filesystem::path(key_file(i)).filename(),
                       i % 2 == 0 ? "EdDSA" : "ES256K"));
    CHECK(make_key("stranger.key", "EdDSA"));
    dids.pop_back();

    LocalPlan plan;
    plan.program = program_;
    plan.folder = folder_;
    plan.name = "Package registry";
    plan.ledger = "packages";
    plan.genesis = packages_genesis(dids);
    TRY(network, LocalNetwork::make(std::move(plan)));
    network_ = std::make_unique<LocalNetwork>(std::move(network));
    folder_ = network_->plan().folder;
    for (const auto& entry : std::filesystem::directory_iterator(keys, failed))
        std::filesystem::rename(entry.path(), folder_ + "/" + entry.path().filename().string());

    output_.line(
        "Each has made keys. Together they wrote a draft (participants, the ledger "
        "`packages`, its schema, who may write),\nturned it into a charter, and each "
        "signed it; its hash is the network's id. Everything is in\n" +
        folder_ + "\n");
    TRY(shown, command({"charter", "show", network_->charter_file()}, Exit::applied));
    return success();
}

Result<void> Demo::start_participants() {
    const auto start = Clock::now();
    CHECK(network_->start_all());
    for (size_t i = 0; i < network_->size(); ++i)
        output_.line(network_->plan().participants[i] + ": process " +
                     std::to_string(network_->pid(i)) + ", " + network_->url_text(i) + ", log " +
                     network_->log_file(i));
    output_.line("\nAll four ready after " + in_ms(seconds_since(start)) +
                 ". Each was started with a command such as\n$ " + program_ + " node --config " +
                 network_->config_file(0) + "\n");
    TRY(shown, command({"status", "--url", network_->url_text(0)}, Exit::applied));
    return success();
}

Result<void> Demo::load_records() {
    ImportPlan plan;
    plan.network = network_->network();
    plan.ledger = "packages";
    for (size_t i = 0; i < network_->size(); ++i) plan.participants.push_back(network_->url(i));
    for (size_t i = 0; i < maintainer_count; ++i) {
        TRY(key, read_identity_key(key_file(i)));
        plan.signers.push_back(std::move(key));
    }
    output_.line(std::to_string(maintainer_count) +
                 " maintainers sign; transactions go to all four participants in turn. Packages "
                 "depend on each other in\ncircles, so the first pass loads packages and the "
                 "second their dependencies, as references.\n");
    plan.stopped = [this] {
        return interrupted_ = interrupted_ || stop_signal_within(0) || output_is_gone();
    };
    plan.file = records_.file;
    TRY(report, import_packages(plan, output_));
    output_.line(import_summary(report));
    for (const auto& refusal : report.refusals)
        output_.line("  " + refusal.record + ": " + refusal.reason);
    if (report.error) return *report.error;
    if (report.refused > 0 || !report.is_complete() || report.packages_loaded == 0)
        return fail(DemoError::step_failed, "not every record was loaded");
    last_transaction_ = report.last_transaction;
    TRY(height, wait_for_agreement({0, 1, 2, 3}));
    reached_ = height;
    output_.line("All four have executed block " + std::to_string(height) +
                 " and have the same state.");
    return success();
}

Result<void> Demo::show_blocks() {
    output_.line(
        "Each participant executes each block for itself and signs the result; a block is "
        "certified when more than\nhalf signed the same, and final when a later decision "
        "carries that certificate.\n");
    TRY(shown, command({"blocks", "packages", "--count", "6", "--url", network_->url_text(1)},
                       Exit::applied));
    return success();
}

Result<void> Demo::show_query() {
    const std::string url = network_->url_text(2);
    TRY(first, command({"query", "packages", "package", "name>=libss", "name<libst", "--select",
                        "name,version,size", "--order", "name", "--limit", "8", "--url", url},
                       Exit::applied));
    TRY(second, command({"query", "packages", "package", "size>20000000", "--select", "name,size",
                         "--order", "size", "--desc", "--limit", "5", "--url", url},
                        Exit::applied));
    output_.line("The same question as of an earlier block, when less was loaded:\n");
    TRY(earlier, command({"query", "packages", "package", "size>20000000", "--select", "name,size",
                          "--order", "size", "--desc", "--limit", "5", "--at",
                          std::to_string(reached_ / 2), "--url", url},
                         Exit::applied));
    TRY(third, command({"get", "packages", "package/name=" + records_.first.name, "--url", url},
                       Exit::applied));
    return success();
}

Result<void> Demo::show_rejections() {
    const auto& name = records_.first.name;
    output_.line("A package of that name exists already:\n");
    TRY(duplicate, command({"tx", "submit", new_package(name), "--key", key_file(0), "--charter",
                            network_->charter_file(), "--url", network_->url_text(0)},
                           Exit::rejected));
    if (duplicate.find("unique") == duplicate.npos)
        return fail(DemoError::step_failed, "the reason is missing: " + duplicate);
    output_.line("Nobody gave this key a role:\n");
    TRY(stranger, command({"tx", "submit", new_package("mine"), "--key", folder_ + "/stranger.key",
                           "--charter", network_->charter_file(), "--url", network_->url_text(1)},
                          Exit::rejected));
    if (stranger.find("does not know the signer") == stranger.npos)
        return fail(DemoError::step_failed, "the reason is missing: " + stranger);
    return success();
}

Result<void> Demo::show_proof() {
    const std::string file = folder_ + "/" + records_.first.name + ".proof";
    output_.line(
        "A file that shows a package's fields to anyone who has the charter, without "
        "trust in who gave it:\n");
    TRY(taken, command({"proof", "subject", "packages", "package/name=" + records_.first.name,
                        "--out", file, "--url", network_->url_text(3)},
                       Exit::applied));
    TRY(verified, command({"verify", file, "--charter", network_->charter_file()}, Exit::applied));
    output_.line("Someone writes another version into it: now it proves nothing:\n");
    TRY(content, read_file(file, proof_bytes_max));
    const size_t at = content.find(records_.first.version);
    if (at == content.npos) return fail(DemoError::step_failed, "the proof shows no version");
    content[at] = content[at] == '9' ? '8' : '9';
    const std::string forged = folder_ + "/forged.proof";
    CHECK(write_file(forged, content));
    TRY(refused,
        command({"verify", forged, "--charter", network_->charter_file()}, Exit::rejected));
    output_.line("And one that shows the last loaded transaction and its result:\n");
    const std::string transaction = folder_ + "/transaction.proof";
    TRY(taken_too, command({"proof", "transaction", "packages", last_transaction_, "--out",
                            transaction, "--url", network_->url_text(0)},
                           Exit::applied));
    TRY(verified_too,
        command({"verify", transaction, "--charter", network_->charter_file()}, Exit::applied));
    return success();
}

Result<void> Demo::kill_one() {
    const auto& name = network_->plan().participants[victim];
    output_.line("$ kill -9 " + std::to_string(network_->pid(victim)) + "    # " + name + "\n");
    network_->kill(victim);
    TRY(submitted,
        command({"tx", "submit", new_package("meanwhile"), "--key", key_file(1), "--charter",
                 network_->charter_file(), "--timeout", "30000", "--url", network_->url_text(1)},
                Exit::applied));
    std::vector<std::string> compare{"status", "--all"};
    for (size_t i = 0; i < network_->size(); ++i) compare.push_back(network_->url_text(i));
    TRY(compared, command(compare, Exit::unreachable));
    return success();
}

Result<void> Demo::bring_back() {
    const auto& name = network_->plan().participants[victim];
    const auto start = Clock::now();
    output_.line("$ " + program_ + " node --config " + network_->config_file(victim) + " &\n");
    CHECK(network_->start(victim));
    CHECK(network_->wait_ready(victim, 30'000));
    const double ready = seconds_since(start);
    TRY(height, wait_for_agreement({0, 1, 2, 3}));
    output_.line(name + " was ready after " + in_ms(ready) + ", and after " +
                 in_ms(seconds_since(start)) + " it had executed block " + std::to_string(height) +
                 " like the others, with the same state:\n");
    std::vector<std::string> compare{"status", "--all"};
    for (size_t i = 0; i < network_->size(); ++i) compare.push_back(network_->url_text(i));
    TRY(compared, command(compare, Exit::applied));
    TRY(found,
        command({"get", "packages", "package/name=meanwhile", "--url", network_->url_text(victim)},
                Exit::applied));
    return success();
}

Result<void> Demo::alter_a_record() {
    const std::string corrupt =
        (std::filesystem::path(program_).parent_path() / "tally-corrupt").string();
    std::error_code failed;
    if (!std::filesystem::exists(corrupt, failed)) {
        output_.line("Left out: " + corrupt + " is not there.");
        return success();
    }
    const auto& name = network_->plan().participants[victim];
    const std::string subject = "package/name=meanwhile";
    network_->stop(victim);
    output_.line(name +
                 " is stopped; its database is altered behind its back, checksums and all:\n");
    CHECK(command_of(corrupt,
                     {"--charter", network_->charter_file(), "--data", network_->file(name),
                      "--ledger", "packages", "--subject", subject},
                     Exit::applied));
    CHECK(network_->start(victim));
    CHECK(network_->wait_ready(victim, 30'000));
    output_.line(name +
                 " runs again. It does not give the record away, and says so to the others:\n");
    CHECK(command({"get", "packages", subject, "--url", network_->url_text(victim)},
                  Exit::unreachable));
    CHECK(wait_for_peers_word(true));
    CHECK(command({"status", "--url", network_->url_text(0)}, Exit::applied));
    CHECK(wait_for_peers_word(false));
    output_.line(name + " took the true value from them, with its proof, and is whole again:\n");
    CHECK(
        command({"get", "packages", subject, "--url", network_->url_text(victim)}, Exit::applied));
    CHECK(command({"status", "--url", network_->url_text(victim)}, Exit::applied));
    CHECK(wait_for_agreement({0, 1, 2, 3}));
    return success();
}

/// Until the first participant has heard that the victim's copy is damaged, or whole again.
Result<void> Demo::wait_for_peers_word(bool damaged) {
    const auto deadline = Clock::now() + agreement_patience;
    while (Clock::now() < deadline) {
        Client client(network_->url(0));
        const auto status = client.get("/v1/status");
        if (status.ok()) {
            const auto& peer = status->body.at("peers").at(victim).as_object();
            if (!peer.at("quarantined").as_array().empty() == damaged) return success();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail(DemoError::step_failed, damaged ? "nobody heard of the altered record"
                                                : "the altered record was not healed");
}

Result<uint64_t> Demo::wait_for_agreement(const std::vector<size_t>& participants) {
    const auto deadline = Clock::now() + agreement_patience;
    std::string seen;
    while (Clock::now() < deadline) {
        std::set<std::string> states;
        uint64_t height = 0;
        seen.clear();
        for (const size_t i : participants) {
            Client client(network_->url(i));
            client.set_timeout_ms(2'000);
            const auto block = client.get("/v1/ledgers/packages/blocks/latest");
            const std::string state = block.ok()
                                          ? std::to_string(number_in(block->body, "height")) + " " +
                                                std::string(text_in(block->body, "state")) + " " +
                                                std::string(text_in(block->body, "header"))
                                          : block.error().message();
            if (block.ok()) height = number_in(block->body, "height");
            states.insert(state);
            seen += network_->plan().participants[i] + ": " + state + "\n";
        }
        if (states.size() == 1 && height > 0) return height;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail(DemoError::step_failed, "the participants do not agree:\n" + seen);
}

void Demo::say_how_to_try() const {
    const std::string url = network_->url_text(0);
    output_.line(
        "\n== Now you\n\nThe network runs until you press Ctrl-C here. Watch it in a browser, each "
        "participant's own view:\n");
    for (size_t i = 0; i < network_->size(); ++i)
        output_.line(network_->url_text(i) + "/    # " + network_->plan().participants[i]);
    output_.line("\nIn another terminal:\n");
    const std::vector<std::vector<std::string>> tries{
        {"status", "--url", url},
        {"query", "packages", "package", "name>=py", "--order", "name", "--url", url},
        {"tx", "submit", new_package("hello-tally"), "--key", key_file(0), "--charter",
         network_->charter_file(), "--url", url},
        {"proof", "subject", "packages", "package/name=hello-tally", "--out", "hello.proof",
         "--url", url},
        {"verify", "hello.proof", "--charter", network_->charter_file()},
    };
    for (const auto& arguments : tries) {
        std::string line = program_;
        for (const auto& argument : arguments) line += " " + quoted(argument);
        output_.line(line);
    }
    output_.line("curl -s " + url + "/v1/status");
    output_.line("kill -9 " + std::to_string(network_->pid(victim)) + "    # and start it again: " +
                 program_ + " node --config " + network_->config_file(victim));
}

void Demo::show_logs() const {
    if (network_ == nullptr) return;
    for (size_t i = 0; i < network_->size(); ++i)
        output_.note("--- " + network_->log_file(i) + " ends with" + network_->log_end(i));
}

void Demo::stop() {
    if (network_ != nullptr) network_->stop_all();
}

std::vector<std::string> Demo::start_commands() const {
    std::vector<std::string> lines;
    for (size_t i = 0; network_ != nullptr && i < network_->size(); ++i)
        lines.push_back(quoted(program_) + " node --config " + quoted(network_->config_file(i)));
    return lines;
}

bj::object Demo::report() const {
    bj::object json{{"steps", done_}, {"folder", folder_}};
    if (network_ != nullptr) json["network"] = network_->network().hex();
    return json;
}

}  // namespace tally::cli
