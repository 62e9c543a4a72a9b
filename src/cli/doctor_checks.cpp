#include "cli/doctor_checks.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/ensure.hpp"
#include "cli/client.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr uint64_t gib = uint64_t{1024} * 1024 * 1024;
constexpr uint64_t space_bytes_min = gib, space_bytes_low = 10 * gib;
constexpr uint64_t inodes_min = 1'000, inodes_low = 100'000;
constexpr uint64_t sync_us_slow = 20'000, sync_us_max = 500'000;
constexpr uint64_t clock_error_us_large = 100'000;
constexpr int64_t clock_apart_ms_large = 300;
constexpr uint64_t descriptors_min = 1'024, descriptors_low = 8'192;

Finding fine(const std::string& check, const std::string& what) {
    return {Health::ok, check, what};
}

std::string milliseconds(uint64_t us) {
    if (us >= 10'000) return std::to_string(us / 1000) + " ms";
    return std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + " ms";
}
std::string gibibytes(uint64_t bytes) {
    if (bytes < gib) return std::to_string(bytes / (gib / 1024)) + " MiB";
    return std::to_string(bytes / gib) + " GiB";
}

Finding judge_peer(const bj::object& peer, const std::string& self) {
    const std::string name(text_in(peer, "name"));
    const std::string check = "peer " + name;
    if (!flag_in(peer, "connected"))
        return {Health::warning, check, "not connected",
                std::string(text_in(peer, "refusal").empty() ? "it was not reached yet"
                                                             : text_in(peer, "refusal")),
                "Check its address, its firewall and yours, and ask its operator"};
    if (!flag_in(peer, "heard"))
        return {Health::warning, check, "connected, and nothing was heard from it",
                "we reach it, and it has not reached " + self,
                "See that its firewall lets it out to the address that the charter names, and "
                "yours lets it in"};
    if (!flag_in(peer, "signing"))
        return {
            Health::warning, check, "signs nothing in this epoch",
            "it says so: it cannot know what it has signed, and counts among those that may fail",
            "Ask its operator: its journal is lost, or it has just started"};
    const auto* audits = peer.if_contains("audits");
    if (audits != nullptr && audits->is_object() && !flag_in(audits->get_object(), "keeps"))
        return {Health::warning, check, "does not keep what it should",
                "it missed " + std::to_string(number_in(audits->get_object(), "missed")) +
                    " audits of its part of what was ordered, though it was heard",
                "Ask its operator: its disk is new and still being filled, or it saves the room"};
    return fine(check, "connected, last heard " + std::to_string(number_in(peer, "silent_ms")) +
                           " ms ago in slot " + std::to_string(number_in(peer, "slot")));
}

/// A clock that the others' reports contradict, or that contradicts theirs.
Finding judge_peer_clocks(const std::vector<const bj::object*>& peers) {
    const std::string check = "clock against peers";
    size_t known = 0, ahead = 0, behind = 0;
    std::string apart;
    for (const auto* peer : peers) {
        const auto* value = peer->if_contains("clock_ahead_ms");
        if (value == nullptr || !value->is_int64()) continue;
        ++known;
        const int64_t ms = value->get_int64();
        if (ms > -clock_apart_ms_large && ms < clock_apart_ms_large) continue;
        ++(ms > 0 ? ahead : behind);
        apart += (apart.empty() ? "" : ", ") + std::string(text_in(*peer, "name")) + " by " +
                 std::to_string(ms) + " ms";
    }
    if (known == 0) return fine(check, "not known: no peer has reported yet");
    if (apart.empty())
        return fine(check, "within 300 ms of " + std::to_string(known) + " peers' clocks");
    const bool own = std::max(ahead, behind) * 2 > known;
    return {Health::warning, check, "peers' clocks differ from this one: " + apart,
            own ? "most peers disagree with this machine's clock: it is probably wrong"
                : "a minority of clocks disagrees: those are probably wrong",
            own ? "Synchronise this machine's clock (chronyc tracking)"
                : "Tell their operators; the network's time does not follow up to f wrong clocks"};
}

Finding judge_ledger(const bj::object& ledger, uint64_t slot) {
    const std::string check = "ledger " + std::string(text_in(ledger, "name"));
    const auto executed = std::to_string(number_in(ledger, "executed"));
    if (!text_in(ledger, "failure").empty())
        return {Health::failed, check, "no longer executed here, at block " + executed,
                std::string(text_in(ledger, "failure")),
                "See the log; the own database is damaged"};
    if (flag_in(ledger, "diverged"))
        return {Health::failed, check, "DIVERGED at block " + executed,
                "the own result contradicts what more than half of the provers signed",
                "Look at the disk and memory of this machine; it executes the ledger again by "
                "itself"};
    if (flag_in(ledger, "quarantined"))
        return {
            Health::failed, check, "quarantined at block " + executed,
            "it was altered on this disk, and is not attested until it is healed",
            "It heals by itself from the others; see docs/altered-data.md, and look at the disk "
            "and at who has access to it"};
    if (flag_in(ledger, "paused"))
        return {Health::warning, check, "paused at block " + executed,
                "its newest blocks are not certified by enough provers",
                "`tally status` names who has not signed: ask their operators"};
    const uint64_t at = number_in(ledger, "slot");
    if (slot > at + 100)
        return {Health::warning, check, std::to_string(slot - at) + " slots behind what is decided",
                "it is catching up, or this machine is too slow",
                "Ask again in a minute: the number should fall"};
    return fine(check, "block " + executed + " executed, " +
                           std::to_string(number_in(ledger, "certified")) + " certified");
}

Finding judge_disk_content(const bj::object& scrub) {
    const std::string check = "data on disk";
    const std::string_view damage = text_in(scrub, "journal_damage");
    if (!damage.empty())
        return {Health::failed, check, "the journal was altered", std::string(damage),
                "Do not restart this participant before reading docs/altered-data.md"};
    const uint64_t found = number_in(scrub, "last_found");
    if (found > 0)
        return {Health::warning, check, std::to_string(found) + " altered things found",
                "the last pass of the scrubber found them, and had them healed",
                "Look at the disk, and at who has access to it: docs/altered-data.md"};
    if (number_in(scrub, "passes") == 0)
        return fine(check, "not all of it read since the start: `tally scrub` reads it now");
    return fine(check, "as it was written, the last pass of the scrubber says");
}

}  // namespace

std::string_view name_of(Health health) {
    switch (health) {
    case Health::ok: return "ok";
    case Health::warning: return "warning";
    case Health::failed: return "failed";
    }
    std::abort();
}

Finding judge_clock(const ClockReading& reading) {
    const std::string check = "clock";
    const std::string next =
        "Install chrony, let it reach at least three time servers, and see "
        "`chronyc tracking`";
    if (!reading.known)
        return {Health::warning, check, "not known whether it is synchronised",
                "the kernel does not say", next};
    if (!reading.synchronised)
        return {Health::warning, check, "not synchronised",
                "times in the ledger come from the participants' clocks", next};
    const std::string what = "synchronised, wrong by at most " + milliseconds(reading.error_us_max);
    if (reading.error_us_max > clock_error_us_large)
        return {Health::warning, check, what, "that is more than 100 ms", next};
    return fine(check, what);
}

Findings judge_space(const SpaceReading& reading, const std::string& folder) {
    Findings findings;
    const std::string what =
        gibibytes(reading.bytes_free) + " free of " + gibibytes(reading.bytes) + " at " + folder;
    const std::string next = "Make room, or move the data folder to a larger disk";
    if (reading.bytes_free < space_bytes_min) {
        findings.push_back({Health::failed, "disk space", what,
                            "below 1 GiB: when the disk is full this participant stops signing",
                            next});
    } else if (reading.bytes_free < space_bytes_low) {
        findings.push_back({Health::warning, "disk space", what, "below 10 GiB", next});
    } else {
        findings.push_back(fine("disk space", what));
    }
    if (reading.inodes == 0) {
        findings.push_back(fine("free inodes", "this file system does not run out of them"));
        return findings;
    }
    const std::string inodes = std::to_string(reading.inodes_free) + " free of " +
                               std::to_string(reading.inodes) + " at " + folder;
    const bool few = reading.inodes_free < inodes_min;
    if (few || reading.inodes_free < inodes_low) {
        findings.push_back({few ? Health::failed : Health::warning, "free inodes", inodes,
                            "no file can be made without one", next});
    } else {
        findings.push_back(fine("free inodes", inodes));
    }
    return findings;
}

Finding judge_syncs(std::vector<uint64_t> times_us) {
    ENSURE(!times_us.empty());
    std::sort(times_us.begin(), times_us.end());
    const uint64_t median = times_us[times_us.size() / 2], slowest = times_us.back();
    const std::string what = "median " + milliseconds(median) + ", slowest " +
                             milliseconds(slowest) + " of " + std::to_string(times_us.size());
    const std::string next =
        "Put the data folder on a solid-state disk with power-loss protection, "
        "away from other writers";
    const std::string why = "every vote waits for a sync before it is sent";
    if (median > sync_us_max) return {Health::failed, "sync latency", what, why, next};
    if (median > sync_us_slow) return {Health::warning, "sync latency", what, why, next};
    return fine("sync latency", what);
}

Finding judge_key_file(const FileReading& file) {
    const bool others = (file.mode & (S_IRWXG | S_IRWXO)) != 0;
    if (!others) return fine("key file", file.path + " is its owner's alone");
    return {Health::failed, "key file", file.path + " may be read or changed by others",
            "whoever has it can sign in this participant's name",
            "chmod 400 " + file.path + "; if others have used that, the keys are not yours alone"};
}

Finding judge_config_file(const FileReading& file) {
    if ((file.mode & (S_IWGRP | S_IWOTH)) == 0)
        return fine("configuration", file.path + " is changed by its owner alone");
    return {Health::warning, "configuration", file.path + " may be changed by others",
            "it names the keys, the data and the addresses", "chmod go-w " + file.path};
}

Finding judge_open_files(uint64_t descriptors_max) {
    const std::string what = std::to_string(descriptors_max) + " at most";
    const std::string next = "Raise it: LimitNOFILE=65536 in the service's unit, or ulimit -n";
    if (descriptors_max < descriptors_min)
        return {Health::failed, "open files", what, "the database alone needs more", next};
    if (descriptors_max < descriptors_low)
        return {Health::warning, "open files", what, "each client's connection needs one", next};
    return fine("open files", what);
}

Findings judge_status(const bj::object& status) {
    Findings findings;
    const std::string self(text_in(status, "participant"));
    const std::string note(text_in(status, "note"));
    if (!flag_in(status, "signing")) {
        findings.push_back({Health::failed, "signing", "this participant signs nothing", note,
                            "See its log: what stopped it must be mended before it is restarted"});
    } else if (!flag_in(status, "ordering")) {
        findings.push_back({Health::failed, "agreement", "nothing is decided", note,
                            "See the peers below, and ask their operators"});
    } else {
        findings.push_back(
            fine("agreement", "signing, slot " + std::to_string(number_in(status, "slot")) + ", " +
                                  std::to_string(number_in(status, "heard")) + " of " +
                                  std::to_string(number_in(status, "participants")) + " heard"));
    }
    if (const auto* scrub = status.if_contains("scrub"); scrub != nullptr && scrub->is_object())
        findings.push_back(judge_disk_content(scrub->get_object()));
    const auto peers = objects_in(status, "peers");
    for (const auto* peer : peers) {
        if (text_in(*peer, "name") != self) findings.push_back(judge_peer(*peer, self));
    }
    if (peers.size() > 1) findings.push_back(judge_peer_clocks(peers));
    for (const auto* ledger : objects_in(status, "ledgers"))
        findings.push_back(judge_ledger(*ledger, number_in(status, "slot")));
    return findings;
}

}  // namespace tally::cli
