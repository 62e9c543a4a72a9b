#include "cli/doctor_network.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "cli/address.hpp"
#include "io/peer_net.hpp"

namespace tally::cli {
namespace {

constexpr auto dial_time_max = std::chrono::milliseconds(4'000);

/// Why the address cannot be bound; 0 if it can.
int bind_error(const addrinfo& address) {
    const int file = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return errno;
    const int yes = 1;
    ::setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const bool bound =
        ::bind(file, address.ai_addr, address.ai_addrlen) == 0 && ::listen(file, 1) == 0;
    const int why = bound ? 0 : errno;
    ::close(file);
    return why;
}

}  // namespace

Finding examine_port(const std::string& check, const std::string& address, bool held) {
    const auto at = parse_address(address);
    if (!at)
        return {Health::failed, check, address + " is no address",
                "an address is written host:port", "Correct the configuration"};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const int unresolved =
        ::getaddrinfo(at->host.c_str(), std::to_string(at->port).c_str(), &hints, &found);
    if (unresolved != 0)
        return {Health::failed, check, address + " has no address", ::gai_strerror(unresolved),
                "Check the name, or listen on 0.0.0.0"};
    const int why = bind_error(*found);
    ::freeaddrinfo(found);
    if (why == 0 && held)
        return {Health::failed, check, address + " is free, while the participant runs",
                "it listens elsewhere: it was started with another configuration",
                "Restart it with this one"};
    if (why == 0) return {Health::ok, check, address + " is free"};
    if (why == EADDRINUSE && held)
        return {Health::ok, check, address + " is held by the participant"};
    if (why == EADDRINUSE)
        return {Health::failed, check, address + " is in use by another process",
                "one process at a time can listen there",
                "End that process (ss -tlnp shows it), or configure another port"};
    return {Health::failed, check, address + " cannot be listened on", std::strerror(why),
            "Configure an address of this machine, or 0.0.0.0"};
}

Findings dial_peers(const model::Charter& charter, Participant self,
                    const Ed25519Secret& identity) {
    io::PeerNetSetup setup;
    setup.listen = "127.0.0.1:0";
    setup.table.network = model::network_id_of(charter.body);
    setup.table.self = self;
    const auto& participants = charter.now().participants;
    for (size_t i = 0; i < participants.size(); ++i) {
        if (participants[i].is_vacant()) continue;
        setup.table.peers.push_back(
            {{uint8_t(i)}, participants[i].identity_key, participants[i].addresses.front()});
    }
    setup.identity = std::shared_ptr<const Signer>(ed25519_signer(identity));
    setup.on_message = [](Participant, Bytes) { return true; };
    const auto net = io::open_peer_net(std::move(setup));
    if (!net.ok())
        return {{Health::failed, "peers", "they could not be dialled", net.error().message(),
                 "Run it again"}};
    const auto deadline = std::chrono::steady_clock::now() + dial_time_max;
    const auto all_known = [&] {
        const auto peers = (*net)->peers();
        return peers.size() + 1 >= charter.participant_count() &&
               std::all_of(peers.begin(), peers.end(),
                           [](const auto& peer) { return peer.connected; });
    };
    while (!all_known() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    Findings findings;
    for (const auto& peer : (*net)->peers()) {
        const std::string check = "peer " + std::string(participants[peer.peer.value].name);
        if (peer.connected) {
            findings.push_back({Health::ok, check,
                                "reached at " + peer.address +
                                    "; both sides proved who they are, and speak one version"});
        } else {
            findings.push_back({Health::warning, check, "not reached at " + peer.address,
                                peer.last_refusal.empty() ? "no answer in time" : peer.last_refusal,
                                "Does it run? If so, check its address, its firewall and yours"});
        }
    }
    return findings;
}

}  // namespace tally::cli
