#include "cli/import.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <map>

#include "base/limits.hpp"
#include "cli/package_index.hpp"
#include "cli/submitter.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

/// A package as the index or the ledger has it.
struct Entry {
    enum class State : uint8_t { absent, loaded, refused };
    State state = State::absent;  ///< in the ledger
    bool there_before = false;
    bool complete = false;      ///< all its dependencies are in the ledger
    uint64_t line = 0;          ///< in the index; 0: not in it
    uint32_t dependencies = 0;  ///< in the index
    Hash index_sha256, ledger_sha256;
    std::string ledger_version;  ///< only if the ledger has another than the index
};

Result<void> read_digest(Result<Bytes> bytes, Hash& to) {
    if (!bytes.ok()) return std::move(bytes).error();
    if (bytes->size() != to.bytes.size()) return fail(ClientError::bad_answer, "sha256");
    std::copy(bytes->begin(), bytes->end(), to.bytes.begin());
    return success();
}

class Import {
public:
    Import(const ImportPlan& plan, const Output& output)
        : plan_(plan), output_(output), reachability_(plan.participants.size()) {
        for (const auto& url : plan.participants) {
            clients_.emplace_back(url);
            clients_.back().set_timeout_ms(30'000);
        }
    }

    Result<ImportReport> run();

private:
    Result<void> read_index();
    Result<void> check_participants();
    Result<void> ask_ledger();
    /// Calls `each` for the first stanza of every package that was not refused before.
    Result<void> for_packages(
        const std::function<Result<void>(const PackageRecord&, Entry&)>& each);
    void load_packages();
    void load_dependencies();
    using OnDone = std::function<void(const Job&, const JobOutcome&)>;
    using Changes = std::function<std::vector<std::string>(const PackageRecord&)>;
    /// One pass over the packages that `wanted` names.
    void pass(const std::string& what, const std::function<bool(const Entry&)>& wanted,
              const Changes& changes, const OnDone& on_done);
    void on_package_done(const Job& job, const JobOutcome& outcome);
    void on_dependencies_done(const Job& job, const JobOutcome& outcome);
    void compare(const std::string& name, Entry& entry);
    void refuse(const std::string& name, uint64_t line, std::string reason);
    void count(const JobOutcome& outcome);
    bool is_loaded(const std::string& name) const {
        const auto found = entries_.find(name);
        return found != entries_.end() && found->second.state == Entry::State::loaded;
    }
    Result<bj::object> post_anyone(const std::string& path, const std::string& body);

    const ImportPlan& plan_;
    const Output& output_;
    Reachability reachability_;
    std::vector<Client> clients_;
    std::map<std::string, Entry, std::less<>> entries_;
    bool doubtful_ = false;  ///< a package came to be there while we loaded
    ImportReport report_;
};

void Import::refuse(const std::string& name, uint64_t line, std::string reason) {
    ++report_.refused;
    if (report_.refusals.size() < refusals_kept_max)
        report_.refusals.push_back({name, line, std::move(reason)});
}

Result<void> Import::read_index() {
    TRY(index, PackageIndex::open(plan_.file));
    while (true) {
        TRY(stanza, index.next());
        if (!stanza) return success();
        ++report_.records;
        const auto& record = stanza->record;
        if (stanza->fault) {
            refuse(record.name, stanza->line, stanza->fault->detail);
            continue;
        }
        Entry& entry = entries_[record.name];
        if (entry.line != 0) {
            refuse(record.name, stanza->line,
                   "the index has this package already in line " + std::to_string(entry.line) +
                       "; only that record is loaded");
            continue;
        }
        entry.line = stanza->line;
        entry.dependencies = uint32_t(record.dependencies.size());
        CHECK(read_digest(from_hex(record.sha256), entry.index_sha256));
        if (entries_.size() > packages_max) return fail(ImportError::too_many_packages, plan_.file);
    }
}

/// All must be of this network; one at least must answer.
Result<void> Import::check_participants() {
    std::optional<Error> error;
    size_t here = 0;
    for (size_t i = 0; i < clients_.size(); ++i) {
        const auto& url = plan_.participants[i];
        const std::string name = url.host + ":" + std::to_string(url.port);
        const auto status = clients_[i].get("/v1/status");
        if (!status.ok()) {
            if (!is_away(status.error())) return status.error();
            error = status.error();
            output_.note(name + " does not answer; going on without it.");
            reachability_.failed(i);
            continue;
        }
        if (text_in(status->body, "network") != plan_.network.hex())
            return fail(ImportError::wrong_network, name);
        ++here;
    }
    if (here == 0) return *std::move(error);
    return success();
}

Result<bj::object> Import::post_anyone(const std::string& path, const std::string& body) {
    while (true) {
        const size_t one = reachability_.choose(0);
        auto answer = clients_[one].post(path, "application/json", body);
        if (answer.ok()) {
            reachability_.answered(one);
            return std::move(answer->body);
        }
        if (!is_away(answer.error())) return std::move(answer).error();
        reachability_.failed(one);
        if (reachability_.is_hopeless()) return std::move(answer).error();
        if (plan_.stopped && plan_.stopped()) return fail(ImportError::stopped);
    }
}

/// What the ledger has, by name; page by page.
Result<void> Import::ask_ledger() {
    std::string last;
    while (true) {
        bj::array where;
        where.push_back(bj::array{"name", ">", last});
        const bj::object query{
            {"from", "package"},
            {"where", std::move(where)},
            {"select", bj::array{"name", "version", "sha256", "dependency_count"}},
            {"order", "name"},
            {"limit", limits::query_rows_max}};
        TRY(answer, post_anyone("/v1/ledgers/" + plan_.ledger + "/query", bj::serialize(query)));
        const auto* rows = answer.if_contains("rows");
        if (rows == nullptr || !rows->is_array()) return fail(ClientError::bad_answer, "query");
        for (const auto& value : rows->get_array()) {
            if (!value.is_object()) return fail(ClientError::bad_answer, "query");
            const auto& row = value.get_object();
            last = text_in(row, "name");
            Entry& entry = entries_[last];
            if (entry.state == Entry::State::absent) {
                entry.state = Entry::State::loaded;
                entry.there_before = true;
            }
            entry.complete = row.contains("dependency_count");
            CHECK(read_digest(from_base64url(text_in(row, "sha256")), entry.ledger_sha256));
            if (entry.line != 0 && entry.ledger_sha256 != entry.index_sha256)
                entry.ledger_version = text_in(row, "version");
        }
        const auto* more = answer.if_contains("more");
        if (more == nullptr || !more->is_bool() || !more->get_bool()) return success();
        if (entries_.size() > packages_max) return fail(ImportError::too_many_packages);
    }
}

/// A package that the ledger had before us is as the index says, or the record is refused.
void Import::compare(const std::string& name, Entry& entry) {
    if (entry.line == 0 || entry.state != Entry::State::loaded || !entry.there_before) return;
    if (entry.ledger_sha256 == entry.index_sha256) {
        ++report_.packages_there;
        if (entry.complete) report_.dependencies_there += entry.dependencies;
        return;
    }
    entry.state = Entry::State::refused;
    refuse(name, entry.line,
           "the ledger has this package with other content (version " + entry.ledger_version + ")");
}

Result<void> Import::for_packages(
    const std::function<Result<void>(const PackageRecord&, Entry&)>& each) {
    TRY(index, PackageIndex::open(plan_.file));
    while (true) {
        TRY(stanza, index.next());
        if (!stanza) return success();
        if (stanza->fault) continue;
        const auto found = entries_.find(stanza->record.name);
        if (found == entries_.end() || found->second.line != stanza->line) continue;
        CHECK(each(stanza->record, found->second));
    }
}

void Import::count(const JobOutcome& outcome) {
    report_.transactions += outcome.applied;
    if (!outcome.last_transaction.empty()) report_.last_transaction = outcome.last_transaction;
}

void Import::on_package_done(const Job& job, const JobOutcome& outcome) {
    count(outcome);
    Entry& entry = entries_.find(job.name)->second;
    switch (outcome.fate) {
    case Fate::applied:
        ++report_.packages_loaded;
        entry.state = Entry::State::loaded;
        entry.complete = entry.dependencies == 0;
        return;
    case Fate::there: doubtful_ = true; return;
    case Fate::refused:
        entry.state = Entry::State::refused;
        refuse(job.name, job.line, outcome.why);
        return;
    case Fate::unknown: ++report_.unknown; return;
    }
}

void Import::on_dependencies_done(const Job& job, const JobOutcome& outcome) {
    count(outcome);
    const uint64_t dependencies = entries_.find(job.name)->second.dependencies;
    switch (outcome.fate) {
    case Fate::applied: report_.dependencies_loaded += dependencies; return;
    case Fate::there: report_.dependencies_there += dependencies; return;
    case Fate::refused: refuse(job.name, job.line, "its dependencies: " + outcome.why); return;
    case Fate::unknown: ++report_.unknown; return;
    }
}

void Import::pass(const std::string& what, const std::function<bool(const Entry&)>& wanted,
                  const Changes& changes, const OnDone& on_done) {
    uint64_t total = 0;
    for (const auto& [name, entry] : entries_) total += entry.line != 0 && wanted(entry) ? 1 : 0;
    if (total == 0) return;
    Progress progress(what, total, output_.json());
    std::atomic<uint64_t> done = 0;
    bool stopped = false;
    Submitter submitter({plan_.participants, plan_.signers, plan_.network, plan_.ledger,
                         std::min<size_t>(plan_.in_flight, total), reachability_,
                         [&](const Job& job, const JobOutcome& outcome) {
                             on_done(job, outcome);
                             ++done;
                         },
                         [&] {
                             progress.set(done);
                             stopped = stopped || (plan_.stopped && plan_.stopped());
                             return !stopped;
                         }});
    auto read = for_packages([&](const PackageRecord& record, Entry& entry) -> Result<void> {
        if (!wanted(entry)) return success();
        Job job{record.name, entry.line,
                std::hash<std::string>{}(record.maintainer) % plan_.signers.size(),
                changes(record)};
        if (!submitter.put(std::move(job))) return fail(ImportError::stopped);
        return success();
    });
    auto error = submitter.finish();
    progress.set(done);
    if (!error && !read.ok()) error = std::move(read).error();
    if (!error && stopped) error = fail(ImportError::stopped);
    report_.error = std::move(error);
}

void Import::load_packages() {
    pass(
        "pass 1 of 2, packages    ",
        [](const Entry& entry) { return entry.state == Entry::State::absent; },
        [](const PackageRecord& record) {
            return std::vector<std::string>{package_changes(record)};
        },
        [this](const Job& job, const JobOutcome& outcome) { on_package_done(job, outcome); });
    if (report_.error || !doubtful_) return;
    // Another run, or this one's forgotten half, was faster: see what the ledger has now.
    std::vector<std::string> absent;
    for (const auto& [name, entry] : entries_) {
        if (entry.line != 0 && entry.state == Entry::State::absent) absent.push_back(name);
    }
    if (auto asked = ask_ledger(); !asked.ok()) {
        report_.error = std::move(asked).error();
        return;
    }
    for (const auto& name : absent) compare(name, entries_.find(name)->second);
}

void Import::load_dependencies() {
    pass(
        "pass 2 of 2, dependencies",
        [](const Entry& entry) {
            return entry.state == Entry::State::loaded && !entry.complete && entry.dependencies > 0;
        },
        [this](const PackageRecord& record) {
            return dependency_changes(record,
                                      [this](const std::string& name) { return is_loaded(name); });
        },
        [this](const Job& job, const JobOutcome& outcome) { on_dependencies_done(job, outcome); });
}

Result<ImportReport> Import::run() {
    const auto start = std::chrono::steady_clock::now();
    CHECK(read_index());
    CHECK(check_participants());
    CHECK(ask_ledger());
    for (auto& [name, entry] : entries_) compare(name, entry);
    output_.note(std::to_string(report_.records) + " records; " +
                 std::to_string(report_.packages_there) + " packages are loaded already");
    load_packages();
    if (!report_.error) load_dependencies();
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
}

}  // namespace

ErrorText describe(ImportError error) {
    switch (error) {
    case ImportError::stopped:
        return {"stopped", "stopped before the end", "Run the same command again: it goes on"};
    case ImportError::wrong_network:
        return {"wrong_network", "the participant is one of another network than the charter",
                "Compare `tally status` with `tally charter show`"};
    case ImportError::too_many_packages:
        return {"too_many_packages", "there are over four million packages", "Import it in parts"};
    }
    std::abort();
}

Result<ImportReport> import_packages(const ImportPlan& plan, const Output& output) {
    return Import(plan, output).run();
}

}  // namespace tally::cli
