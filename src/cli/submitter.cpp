#include "cli/submitter.hpp"

#include <algorithm>
#include <chrono>

#include "ledger/result_code.hpp"

namespace tally::cli {
namespace {

using namespace std::chrono_literals;

/// Below the five minutes after which an envelope expires: it is never signed anew in doubt.
constexpr uint64_t patience_ms = 60'000;
constexpr uint64_t away_ms_min = 500, away_ms_max = 10'000;
constexpr int wait_ms = 20'000;
constexpr int unknown_tries_max = 3, again_tries_max = 60;

uint64_t now_ms() {
    return uint64_t(std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now().time_since_epoch())
                        .count());
}

bool is_busy(const Error& error) {
    return error.code == "busy" || error.code == "too_many_waiting" || error.code == "too_fast" ||
           error.code == "too_many_reads";
}

}  // namespace

bool is_away(const Error& error) {
    for (const std::string_view code :
         {"http_unreachable", "http_timed_out", "http_broken", "participant_stopped", "no_answer",
          "too_many_connections", "bad_answer", "journal_lost", "epoch_over", "state_altered",
          "own_lane_unknown", "database_io", "database_damaged"}) {
        if (error.code == code) return true;
    }
    return false;
}

Reachability::Reachability(size_t participants)
    : participants_(participants), answered_ms_(now_ms()) {}

size_t Reachability::choose(size_t home) {
    {
        const std::lock_guard lock(mutex_);
        const uint64_t now = now_ms();
        for (size_t i = 0; i < participants_.size(); ++i) {
            const size_t one = (home + i) % participants_.size();
            if (participants_[one].away_until_ms <= now) return one;
        }
    }
    std::this_thread::sleep_for(200ms);
    const std::lock_guard lock(mutex_);
    const auto first = std::min_element(
        participants_.begin(), participants_.end(),
        [](const auto& a, const auto& b) { return a.away_until_ms < b.away_until_ms; });
    return size_t(first - participants_.begin());
}

void Reachability::answered(size_t participant) {
    const std::lock_guard lock(mutex_);
    participants_[participant] = {};
    answered_ms_ = now_ms();
}

void Reachability::failed(size_t participant) {
    const std::lock_guard lock(mutex_);
    auto& one = participants_[participant];
    const uint64_t now = now_ms();
    if (one.away_until_ms > now) return;  // Several noticed it at once.
    one.away_ms = std::clamp(one.away_ms * 2, away_ms_min, away_ms_max);
    one.away_until_ms = now + one.away_ms;
}

bool Reachability::is_hopeless() const {
    const std::lock_guard lock(mutex_);
    return now_ms() - answered_ms_ > patience_ms;
}

/// One thread's connections, and the transaction that it waits for.
class Submitter::Worker {
public:
    Worker(Submitter& owner, size_t number) : owner_(owner), setup_(owner.setup_), home_(number) {
        for (const auto& url : setup_.participants) {
            clients_.emplace_back(url);
            clients_.back().set_timeout_ms(wait_ms + 5'000);
        }
        home_ %= clients_.size();
        path_ = "/v1/ledgers/" + setup_.ledger +
                "/transactions?wait=certified&timeout_ms=" + std::to_string(wait_ms);
    }

    JobOutcome perform(const Job& job) {
        JobOutcome outcome;
        outcome.fate = Fate::there;
        for (const auto& changes : job.changes) {
            const Fate fate = submit(changes, job.signer, outcome);
            if (fate == Fate::there) continue;
            outcome.fate = fate;
            if (fate != Fate::applied) return outcome;
            ++outcome.applied;
        }
        if (outcome.applied > 0) outcome.fate = Fate::applied;
        return outcome;
    }

private:
    Fate submit(const std::string& changes, size_t signer, JobOutcome& outcome) {
        std::string envelope = sign(changes, signer);
        int unknown = 0, again = 0;
        while (!owner_.stopped_) {
            const auto answer = post(envelope);
            if (!answer.ok()) {
                if (is_away(answer.error())) continue;
                if (is_busy(answer.error())) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms_));
                    continue;
                }
                outcome.why = answer.error().message();
                return Fate::refused;
            }
            const auto fate = fate_of(*answer, outcome);
            if (fate) return *fate;
            if (is_passing(answer->body) && ++again < again_tries_max) {
                // It was skipped and is not remembered: its ledger is paused, or it expired.
                std::this_thread::sleep_for(1s);
                envelope = sign(changes, signer);
                continue;
            }
            if (++unknown == unknown_tries_max) break;
        }
        outcome.why = owner_.stopped_ ? "stopped while it was under way" : "not certified in time";
        return Fate::unknown;
    }

    Result<Client::Answer> post(const std::string& envelope) {
        const size_t one = setup_.reachability.choose(home_);
        auto answer = clients_[one].post(path_, "application/jose", envelope);
        wait_ms_ = std::clamp<uint64_t>(clients_[one].retry_after_ms(), 10, 2'000);
        if (answer.ok() || !is_away(answer.error())) {
            setup_.reachability.answered(one);
            return answer;
        }
        setup_.reachability.failed(one);
        if (setup_.reachability.is_hopeless()) owner_.stop(answer.error());
        return answer;
    }

    static bool is_passing(const boost::json::object& body) {
        const uint64_t code = number_in(body, "code");
        return text_in(body, "outcome") == "rejected" && code > 0 && code < 10;
    }

    /// Nothing if it is to be asked, or sent, again.
    static std::optional<Fate> fate_of(const Client::Answer& answer, JobOutcome& outcome) {
        const bool reached = answer.status != 202;
        const auto kind = text_in(answer.body, "outcome");
        if (!reached || is_passing(answer.body)) return {};
        if (kind == "applied") {
            outcome.last_transaction = text_in(answer.body, "transaction");
            return Fate::applied;
        }
        if (kind != "rejected") return {};
        if (number_in(answer.body, "code") == uint64_t(ledger::ResultCode::not_unique))
            return Fate::there;
        outcome.why = text_in(answer.body, "explanation");
        return Fate::refused;
    }

    std::string sign(const std::string& changes, size_t signer) const {
        return model::sign_envelope(fresh_payload(setup_.network, setup_.ledger, changes),
                                    setup_.signers[signer]);
    }

    Submitter& owner_;
    const Setup& setup_;
    size_t home_;
    std::vector<Client> clients_;
    std::string path_;
    uint64_t wait_ms_ = 0;  ///< what the last who was too busy asked for
};

Submitter::Submitter(Setup setup) : setup_(std::move(setup)) {
    for (size_t i = 0; i < setup_.in_flight; ++i) {
        threads_.emplace_back([this, i] {
            Worker worker(*this, i);
            while (auto job = take()) {
                const auto outcome = worker.perform(*job);
                const std::lock_guard lock(mutex_);
                --working_;
                setup_.on_done(*job, outcome);
                changed_.notify_all();
            }
        });
    }
}

Submitter::~Submitter() {
    stop({});
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

template <class Condition>
void Submitter::wait(std::unique_lock<std::mutex>& lock, const Condition& holds) {
    while (!holds() && !stopped_) {
        changed_.wait_for(lock, 50ms);
        lock.unlock();
        if (!setup_.go_on()) stop({});
        lock.lock();
    }
}

bool Submitter::put(Job job) {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return jobs_.size() < setup_.in_flight; });
    if (stopped_) return false;
    jobs_.push_back(std::move(job));
    changed_.notify_all();
    return true;
}

std::optional<Error> Submitter::finish() {
    {
        std::unique_lock lock(mutex_);
        complete_ = true;
        changed_.notify_all();
        wait(lock, [&] { return jobs_.empty() && working_ == 0; });
    }
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return error_;
}

std::optional<Job> Submitter::take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || complete_ || !jobs_.empty(); });
    if (stopped_ || jobs_.empty()) return {};
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++working_;
    changed_.notify_all();
    return job;
}

void Submitter::stop(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (error && !error_) error_ = std::move(error);
    changed_.notify_all();
}

}  // namespace tally::cli
