#include "cli/local_network.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <thread>

#include "base/quorum.hpp"
#include "cli/charter_draft.hpp"
#include "cli/clock.hpp"
#include "cli/key_file.hpp"
#include "cli/output.hpp"

namespace tally::cli {
namespace {

constexpr int port_tries_max = 200;
constexpr size_t log_bytes_max = 64 * 1024 * 1024;

bool is_free(uint16_t port) {
    const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return false;
    const int yes = 1;
    ::setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(file);
    return bound;
}

/// A name that one process at a time can hold: an abstract Unix socket, which ends with it.
Result<HeldName> hold_name(const std::string& name) {
    const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return LocalError::no_free_ports;
    HeldName held(file);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
    const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(file, reinterpret_cast<sockaddr*>(&address), length) != 0)
        return LocalError::no_free_ports;
    return held;
}

/// Free now, and taken by no other network like this one that is about to start.
Result<uint16_t> free_ports(uint16_t first, size_t count, std::vector<HeldName>& held) {
    for (int tries = 0; tries < port_tries_max; ++tries) {
        const auto from = uint16_t(first + tries * int(count + 10 - count % 10));
        auto name = hold_name("tally-ports-" + std::to_string(from));
        if (!name.ok()) continue;
        size_t free = 0;
        while (free < count && is_free(uint16_t(from + free))) ++free;
        if (free < count) continue;
        held.push_back(std::move(*name));
        return from;
    }
    return LocalError::no_free_ports;
}

std::string draft_participant(const std::string& name, uint16_t port,
                              const ParticipantKeyFile& keys) {
    const auto json = keys.public_json();
    const auto text = [&](const char* key) { return std::string(json.at(key).as_string()); };
    return "\n[[participant]]\nname = \"" + name +
           "\"\naddress = \"127.0.0.1:" + std::to_string(port) + "\"\nidentity = \"" +
           text("identity") + "\"\nsigning = \"" + text("signing") + "\"\nopening = \"" +
           text("opening") + "\"\n";
}

bool heard_from(const boost::json::object& status, size_t count) {
    const auto* peers = status.if_contains("peers");
    if (peers == nullptr || !peers->is_array()) return false;
    size_t heard = 0;
    for (const auto& peer : peers->get_array())
        heard += peer.is_object() && peer.get_object().contains("slot") ? 1 : 0;
    return heard >= count;
}

}  // namespace

ErrorText describe(LocalError error) {
    switch (error) {
    case LocalError::folder_in_use:
        return {"folder_in_use", "the folder is not empty", "Choose another, or remove it"};
    case LocalError::no_free_ports:
        return {"no_free_ports", "no run of free ports was found on this machine",
                "End other networks on this machine, then try again"};
    case LocalError::not_ready:
        return {"not_ready", "a participant was not ready in time", "See its log"};
    case LocalError::ended:
        return {"participant_ended", "a participant's process ended", "See its log"};
    }
    std::abort();
}

Result<LocalNetwork> LocalNetwork::make(LocalPlan plan) {
    std::error_code failed;
    std::filesystem::create_directories(plan.folder, failed);
    if (failed) return fail(FileError::unwritable, plan.folder + ": " + failed.message());
    if (!std::filesystem::is_empty(plan.folder, failed))
        return fail(LocalError::folder_in_use, plan.folder);
    plan.folder = std::filesystem::absolute(plan.folder).lexically_normal().string();
    while (plan.folder.size() > 1 && plan.folder.back() == '/') plan.folder.pop_back();
    LocalNetwork network;
    TRY(peer_port, free_ports(plan.peer_port, plan.participants.size(), network.held_));
    TRY(http_port, free_ports(plan.http_port, plan.participants.size(), network.held_));
    plan.peer_port = peer_port;
    plan.http_port = http_port;
    if (plan.front_port > 0) {
        TRY(front_port, free_ports(plan.front_port, plan.participants.size(), network.held_));
        plan.front_port = front_port;
    }
    network.plan_ = std::move(plan);
    CHECK(network.write_files());
    network.children_.resize(network.plan_.participants.size());
    network.commands_.resize(network.plan_.participants.size(), {network.plan_.program});
    return network;
}

Result<void> LocalNetwork::write_files() {
    const std::string genesis = plan_.ledger + "-genesis.json";
    CHECK(write_file(file(genesis), pretty(plan_.genesis) + "\n"));
    std::string draft = "name = \"" + plan_.name + "\"\n";
    if (plan_.expire_ahead_ms > 0)
        draft += "[parameters]\nexpire_ahead_ms = " + std::to_string(plan_.expire_ahead_ms) + "\n";
    std::vector<ParticipantKeyFile> keys;
    for (size_t i = 0; i < plan_.participants.size(); ++i) {
        const auto& name = plan_.participants[i];
        keys.push_back(new_participant_keys());
        CHECK(write_participant_keys(file(name + ".keys"), keys.back()));
        draft += draft_participant(name, front_port(i), keys.back());
        std::string config =
            "charter = \"network.charter\"\nkeys = \"" + name + ".keys\"\ndata = \"" + name +
            "\"\nhttp = \"127.0.0.1:" + std::to_string(plan_.http_port + i) + "\"\n";
        if (plan_.front_port > 0)
            config += "listen = \"127.0.0.1:" + std::to_string(peer_port(i)) + "\"\n";
        CHECK(write_file(config_file(i), config));
    }
    draft += "\n[[ledger]]\nname = \"" + plan_.ledger + "\"\ngenesis = \"" + genesis + "\"\n";
    CHECK(write_file(file("draft.toml"), draft));

    model::Charter charter;
    TRY(body, read_draft(file("draft.toml"), wall_now()));
    charter.body = std::move(body);
    network_ = model::network_id_of(charter.body);
    for (size_t i = 0; i < keys.size(); ++i)
        charter.signatures.push_back(
            {{uint8_t(i)}, keys[i].keys().identity.sign(model::founder_statement(network_))});
    CHECK(model::check_charter(charter));
    CHECK(write_file(charter_file(), text_of(cbor::encode(charter))));
    charter_ = std::make_shared<const model::Charter>(std::move(charter));
    return success();
}

HeldName::~HeldName() {
    if (file_ >= 0) ::close(file_);
}

LocalNetwork::~LocalNetwork() {
    stop_all();
}

std::string LocalNetwork::url_text(size_t index) const {
    return "http://127.0.0.1:" + std::to_string(url(index).port);
}
std::string LocalNetwork::config_file(size_t index) const {
    return file(plan_.participants[index] + ".toml");
}
std::string LocalNetwork::log_file(size_t index) const {
    return file(plan_.participants[index] + ".log");
}

Result<void> LocalNetwork::start(size_t index) {
    std::vector<std::string> arguments = commands_[index];
    arguments.insert(arguments.end(), {"node", "--config", config_file(index), "--with-parent",
                                       std::to_string(::getpid())});
    if (plan_.quiet) arguments.emplace_back("--quiet");
    TRY(child, ChildProcess::start(arguments, log_file(index)));
    children_[index] = std::move(child);
    return success();
}

Result<void> LocalNetwork::start_all() {
    for (size_t i = 0; i < size(); ++i) CHECK(start(i));
    for (size_t i = 0; i < size(); ++i) CHECK(wait_ready(i, 30'000));
    return success();
}

Result<void> LocalNetwork::wait_ready(size_t index, int timeout_ms) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    const auto& name = plan_.participants[index];
    const uint32_t quorum = Quorum::of(uint32_t(size())).votes_min;
    Client client(url(index));
    client.set_timeout_ms(2'000);
    while (std::chrono::steady_clock::now() < deadline) {
        if (!children_[index].running())
            return fail(LocalError::ended, name + "\n" + log_end(index));
        const auto status = client.get("/v1/status");
        if (status.ok() && heard_from(status->body, quorum)) return success();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return fail(LocalError::not_ready, name + "\n" + log_end(index));
}

void LocalNetwork::stop_all() {
    // All are asked before any is waited for.
    for (auto& child : children_) child.ask_to_stop();
    for (auto& child : children_) child.stop(10'000);
}

std::string LocalNetwork::log_end(size_t index, size_t lines) const {
    const auto text = read_file(log_file(index), log_bytes_max);
    if (!text.ok()) return text.error().message();
    size_t at = text->size();
    for (size_t i = 0; i <= lines && at > 0 && at != text->npos; ++i) {
        const size_t found = text->rfind('\n', at - 1);
        at = found == text->npos ? 0 : found;
    }
    return text->substr(at);
}

}  // namespace tally::cli
