// Scale, on paper and in simulation: what agreement and dispersal cost a participant of n, in one
// table. The real machines of availability/ and ordering/ run over an ideal network
// (scale_network.hpp); beside each figure stands what the formulas of docs/protocol.md, sections 1
// and 2, give for it.
//
//   build/bench/scale_bench [--json] [--nodes 4,16,31] [--rounds R] [--load NAME]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "scale_network.hpp"

namespace tally::scale {
namespace {

struct Row {
    Load load;
    uint32_t n = 0;
    availability::Shape shape;
    uint64_t slots = 0, rounds = 0, transactions = 0, views_changed = 0;
    double busiest = 0, mean = 0;  ///< bytes sent, for each byte of transactions
    double leading = 0;            ///< of `mean`: proposals
    double verified = 0;           ///< by a participant, for each transaction
    double alone = 0, decided = 0, decided_max = 0, readable = 0;  ///< delays
    std::map<std::string, double> bytes_by_kind;                   ///< of `mean`
    double paper_busiest = 0, paper_mean = 0, paper_verified = 0;
    double seconds = 0;
};

// --- on paper ---

/// Bytes of the parts that messages are made of: a hash takes 34, a signature 66, a time 9.
struct Sizes {
    double n, q, f;
    [[nodiscard]] double qc() const { return 45 + 69 * q; }
    [[nodiscard]] double certificate() const { return 110 + 78 * q; }
    [[nodiscard]] double header() const { return 142 + certificate(); }
    [[nodiscard]] double report() const { return 90 + 2 * n; }
    [[nodiscard]] double vote() const { return 112; }
    [[nodiscard]] double acknowledgement() const { return 120; }
    [[nodiscard]] double proposal(double lanes) const {
        return 300 + q * report() + n * 72 + qc() + lanes * certificate();
    }
};

/// What every participant does for a batch of each loaded lane and for the slot that decides them.
void on_paper(Row& row) {
    const Quorum quorum = Quorum::of(row.n);
    const Sizes size{double(row.n), double(quorum.votes_min), double(quorum.liars_max)};
    const double others = size.n - 1, q = size.q;
    const double lanes = row.load.every_lane ? size.n : 1;
    const double length = double(row.load.envelopes) * row.load.envelope_bytes;
    const double cells = double(row.shape.cells_each) * row.shape.cell_bytes + 10 +
                         34 * std::ceil(std::log2(size.n));
    // f others' cells are asked for of those who acknowledged; copies come with the Fragment.
    const double readings = row.shape.is_coded() ? others * size.f : 0;
    const double authored = others * (2 * size.header() + 70 + cells + size.certificate() + 3);
    const double served = readings * (size.header() + cells);
    const double acknowledged = others * size.acknowledgement() + readings * 45;
    const double voted = others * (size.report() + 2 * size.vote() + size.qc() + 10);
    const double led = others * size.proposal(lanes);
    const double round_bytes = lanes * length;
    row.paper_mean =
        (lanes / size.n * (authored + served + acknowledged) + voted + led / size.n) / round_bytes;
    // Who leads once more often than others, and is among the q whose acknowledgements always come
    // first: cells are asked for of those whom the certificate names.
    const double turns = std::ceil(double(row.slots) / size.n) / double(row.slots);
    row.paper_busiest =
        row.load.every_lane
            ? row.paper_mean +
                  (led * (turns - 1 / size.n) + served * (size.n / q - 1)) / round_bytes
            : (authored + served / q + voted + led * turns) / round_bytes;
    const double per_batch = others * (1 + 1 + q) + (q - 1);
    const double per_slot = 1 + q + q + 2 * (q - 1) + others / size.n;
    row.paper_verified =
        (per_batch * lanes / size.n + per_slot) / (lanes * double(row.load.envelopes));
}

// --- measured ---

std::string name_of_kind(size_t kind) {
    constexpr std::array names{"Fragment",
                               "Acknowledgement",
                               "LaneCertificate",
                               "Report",
                               "Proposal",
                               "PrepareVote",
                               "CommitVote",
                               "Timeout",
                               "TC",
                               "Decide",
                               "PrepareQC",
                               "Heartbeat",
                               "Attestation",
                               "BlockCertificate",
                               "Dispute",
                               "FetchDecisions",
                               "Decisions",
                               "FetchBlock",
                               "BlockBody",
                               "FetchLaneCertificate",
                               "FetchBatch",
                               "BatchBody",
                               "FetchBlockCertificate",
                               "Wake",
                               "FetchState",
                               "StateChunk",
                               "FetchStands",
                               "Stands",
                               "FetchOwnMessages",
                               "OwnMessages",
                               "Quarantined",
                               "FetchCells",
                               "BatchCells",
                               "VotedProposal",
                               "Ready",
                               "SharesOfBlock",
                               "FetchShares",
                               "FetchCellLeaf",
                               "BatchCellLeaf"};
    static_assert(names.size() == std::variant_size_v<model::Message>);
    return names.at(kind);
}

Row measure(uint32_t n, const Load& load, uint32_t rounds) {
    constexpr uint32_t first = 6;  // Until then slots follow each other as they do under load.
    Row row;
    row.load = load;
    row.n = n;
    row.rounds = rounds;
    const auto begun = std::chrono::steady_clock::now();
    Network network(n, load);
    network.run(first, first + rounds);
    row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const availability::Coder coder(n, {});
    // An envelope in a batch has its length and its ledger before it.
    row.shape =
        coder.shape_of(model::Forwarding::coded, load.envelopes * (load.envelope_bytes + 5) + 3);
    row.slots = network.slots();
    row.transactions = network.transactions();
    row.views_changed = network.views_changed();
    const double bytes = double(network.transaction_bytes());
    double verified = 0;
    for (const Counted& counted : network.counted()) {
        row.busiest = std::max(row.busiest, double(counted.bytes()) / bytes);
        row.mean += double(counted.bytes()) / bytes / n;
        verified += double(counted.verified) / n;
        for (const auto& [kind, sent] : counted.bytes_by_kind)
            row.bytes_by_kind[name_of_kind(kind)] += double(sent) / bytes / n;
    }
    row.leading = row.bytes_by_kind["Proposal"];
    row.verified = verified / double(row.transactions);
    row.alone = network.alone();
    row.decided = network.decided().mean();
    row.decided_max = network.decided().max();
    row.readable = network.readable().mean();
    on_paper(row);
    return row;
}

// --- printed ---

void print_header() {
    std::printf(
        "Bytes sent for each byte of transactions, by the busiest participant and by all on "
        "average;\n"
        "signatures checked by a participant for each transaction; message delays from the "
        "hand-in\n"
        "of a transaction until its batch is decided where it was handed in, and until it is "
        "decided\n"
        "and read everywhere. In brackets: on paper.\n"
        "Not counted, on either side: each transaction's own signature (one check more for each\n"
        "transaction and participant), attestations and block certificates (one ledger of p "
        "provers\n"
        "adds p attestations a block, and the m of them in its certificate), TLS and TCP.\n\n");
    std::printf("%-16s %4s %11s %6s | %19s %19s | %19s | %6s %7s %5s %5s\n", "load", "n", "c; K/N",
                "slots", "busiest", "mean", "signatures", "alone", "loaded", "max", "read");
}

void print(const Row& row) {
    std::ostringstream shape;
    shape << row.shape.cells_each << "; " << row.shape.data_cells << "/" << row.shape.cells;
    std::printf(
        "%-16s %4u %11s %6llu | %8.3f (%8.3f) %8.3f (%8.3f) | %8.3f (%8.3f) | %6.2f %7.2f %5.2f "
        "%5.2f\n",
        row.load.name.c_str(), row.n, shape.str().c_str(), (unsigned long long)row.slots,
        row.busiest, row.paper_busiest, row.mean, row.paper_mean, row.verified, row.paper_verified,
        row.alone, row.decided, row.decided_max, row.readable);
    std::fflush(stdout);
}

void print_json(const Row& row) {
    std::ostringstream out;
    out << "{\"load\":\"" << row.load.name << "\",\"n\":" << row.n
        << ",\"cells_each\":" << row.shape.cells_each << ",\"k\":" << row.shape.data_cells
        << ",\"cells\":" << row.shape.cells << ",\"envelopes\":" << row.load.envelopes
        << ",\"envelope_bytes\":" << row.load.envelope_bytes << ",\"slots\":" << row.slots
        << ",\"transactions\":" << row.transactions << ",\"views_changed\":" << row.views_changed
        << ",\"busiest_bytes\":" << row.busiest << ",\"paper_busiest_bytes\":" << row.paper_busiest
        << ",\"mean_bytes\":" << row.mean << ",\"paper_mean_bytes\":" << row.paper_mean
        << ",\"signatures\":" << row.verified << ",\"paper_signatures\":" << row.paper_verified
        << ",\"alone_delays\":" << row.alone << ",\"loaded_delays\":" << row.decided
        << ",\"loaded_delays_max\":" << row.decided_max << ",\"read_delays\":" << row.readable
        << ",\"seconds\":" << row.seconds << ",\"mean_bytes_by_kind\":{";
    const char* comma = "";
    for (const auto& [kind, bytes] : row.bytes_by_kind) {
        out << comma << "\"" << kind << "\":" << bytes;
        comma = ",";
    }
    out << "}}";
    std::printf("%s\n", out.str().c_str());
    std::fflush(stdout);
}

struct Arguments {
    bool json = false;
    std::vector<uint32_t> nodes{4, 16, 31, 64, 100};
    std::optional<uint32_t> rounds;
    std::string load;
};

/// Whole rotations of leaders, so that each has led as often as the others; fewer where the work of
/// a round grows with n² batches that are coded.
uint32_t rounds_of(const Arguments& arguments, uint32_t n, const Load& load) {
    if (arguments.rounds) return *arguments.rounds;
    const bool is_heavy = load.every_lane && load.envelopes > 100;
    return is_heavy && n > 31 ? 8 : n * std::max(1u, 16 / n);
}

int run(const Arguments& arguments) {
    const Load loads[] = {{.name = "coded", .envelopes = 430},
                          {.name = "whole", .envelopes = 26},
                          {.name = "coded, one lane", .envelopes = 430, .every_lane = false},
                          {.name = "whole, one lane", .envelopes = 26, .every_lane = false}};
    if (!arguments.json) print_header();
    for (const Load& load : loads) {
        if (!arguments.load.empty() && arguments.load != load.name) continue;
        for (const uint32_t n : arguments.nodes) {
            const Row row = measure(n, load, rounds_of(arguments, n, load));
            if (arguments.json) {
                print_json(row);
            } else {
                print(row);
            }
        }
    }
    return 0;
}

int usage() {
    std::fprintf(stderr,
                 "usage: scale_bench [--json] [--nodes N,N,...] [--rounds R] [--load NAME]\n");
    return 2;
}

std::vector<uint32_t> numbers_in(const std::string& text) {
    std::vector<uint32_t> numbers;
    std::istringstream in(text);
    for (std::string word; std::getline(in, word, ',');)
        numbers.push_back(uint32_t(std::strtoul(word.c_str(), nullptr, 10)));
    return numbers;
}

}  // namespace
}  // namespace tally::scale

int main(int count, char** words) {
    using namespace tally::scale;
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const bool has_value = i + 1 < count;
        if (word == "--json") {
            arguments.json = true;
        } else if (word == "--nodes" && has_value) {
            arguments.nodes = numbers_in(words[++i]);
        } else if (word == "--rounds" && has_value) {
            arguments.rounds = numbers_in(words[++i]).at(0);
        } else if (word == "--load" && has_value) {
            arguments.load = words[++i];
        } else {
            return usage();
        }
    }
    const auto is_legal = [](uint32_t n) { return n >= 1 && n <= 255; };
    if (!std::all_of(arguments.nodes.begin(), arguments.nodes.end(), is_legal) ||
        (arguments.rounds && *arguments.rounds == 0))
        return usage();
    return run(arguments);
}
