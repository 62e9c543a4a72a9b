#include "cli/import.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace tally::cli {
namespace {

constexpr size_t refusals_shown_max = 10;

/// One pass: transactions in any order, a few at a time on each of several connections.
class Pass {
public:
    struct Item {
        std::string changes;
        size_t signer;
    };
    Pass(const ImportPlan& plan, std::vector<Item> items, ImportReport& report)
        : plan_(plan), items_(std::move(items)), report_(report) {}

    Result<void> run(const std::string& what, const Output& output) {
        Progress progress(what, items_.size(), output.json());
        const size_t count = std::min(plan_.in_flight, items_.size());
        std::vector<std::thread> threads;
        for (size_t i = 0; i < count; ++i) threads.emplace_back([this, i] { work(i); });
        while (finished_ < count) {
            progress.set(done_);
            if (!stop_ && plan_.stopped && plan_.stopped()) {
                const std::lock_guard lock(mutex_);
                error_ = fail(ImportError::stopped);
                stop_ = true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        for (auto& thread : threads) thread.join();
        progress.set(done_);
        if (error_) return *error_;
        return success();
    }

private:
    void work(size_t number) {
        Client client(plan_.participants[number % plan_.participants.size()]);
        while (!stop_) {
            const size_t next = next_++;
            if (next >= items_.size()) break;
            submit(client, items_[next]);
            ++done_;
        }
        ++finished_;
    }

    void submit(Client& client, const Item& item) {
        const auto payload = fresh_payload(plan_.network, plan_.ledger, item.changes);
        const std::string envelope = model::sign_envelope(payload, plan_.signers[item.signer]);
        const std::string path =
            "/v1/ledgers/" + plan_.ledger + "/transactions?wait=certified&timeout_ms=60000";
        for (int tries = 0;; ++tries) {
            auto answer = client.post(path, "application/jose", envelope);
            const bool busy = !answer.ok() && (answer.error().code == "busy" ||
                                               answer.error().code == "too_many_waiting");
            if (busy && tries < 100) {
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
                continue;
            }
            note(answer);
            return;
        }
    }

    void note(const Result<Client::Answer>& answer) {
        const std::lock_guard lock(mutex_);
        ++report_.transactions;
        if (!answer.ok()) {
            error_ = answer.error();
            stop_ = true;
            return;
        }
        const auto text = [&](std::string_view name) {
            const auto* value = answer->body.if_contains(name);
            return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                          : std::string();
        };
        const std::string outcome = text("outcome");
        if (outcome == "applied") {
            ++report_.applied;
            report_.last_transaction = text("transaction");
            return;
        }
        if (outcome == "rejected") {
            ++report_.rejected;
        } else {
            ++report_.unknown;
        }
        if (report_.refusals.size() < refusals_shown_max)
            report_.refusals.push_back(
                text("transaction") + ": " +
                (outcome == "rejected" ? text("explanation") : text("next")));
    }

    const ImportPlan& plan_;
    std::vector<Item> items_;
    ImportReport& report_;
    std::atomic<size_t> next_ = 0, done_ = 0, finished_ = 0;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::optional<Error> error_;
};

}  // namespace

ErrorText describe(ImportError error) {
    switch (error) {
    case ImportError::stopped: return {"stopped", "stopped before the end", ""};
    }
    std::abort();
}

Result<ImportReport> import_packages(const ImportPlan& plan,
                                     const std::vector<PackageRecord>& records,
                                     const Output& output) {
    ImportReport report;
    const auto start = std::chrono::steady_clock::now();
    std::set<std::string, std::less<>> known;
    std::vector<Pass::Item> packages;
    for (const auto& record : records) {
        known.insert(record.name);
        packages.push_back({package_changes(record),
                            std::hash<std::string>{}(record.maintainer) % plan.signers.size()});
    }
    report.packages = records.size();
    CHECK(Pass(plan, std::move(packages), report).run("packages    ", output));

    std::vector<Pass::Item> dependencies;
    for (const auto& record : records) {
        std::string changes = dependency_changes(record, known);
        if (changes.empty()) continue;
        report.dependencies += record.dependencies.size();
        dependencies.push_back({std::move(changes),
                                std::hash<std::string>{}(record.maintainer) % plan.signers.size()});
    }
    CHECK(Pass(plan, std::move(dependencies), report).run("dependencies", output));
    report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return report;
}

}  // namespace tally::cli
