#include "cli/batch_command.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cstdio>
#include <set>

#include "base/quorum.hpp"
#include "cli/batch_check.hpp"
#include "cli/key_file.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

std::vector<Connection> connections_of(const std::vector<std::string>& urls,
                                       const std::string& key) {
    std::vector<Connection> all;
    all.reserve(urls.size());
    for (const auto& url : urls) all.push_back({url, key});
    return all;
}

/// From the first that answers, unless there is a file.
Result<model::Charter> charter_from(const Trust& trust, const std::vector<std::string>& urls,
                                    const Output& output) {
    std::optional<Error> why;
    for (const auto& url : urls) {
        TRY(client, connect({url, {}}, batch_patience_ms));
        auto charter = obtain_charter(trust, client, output);
        if (charter.ok() || !trust.charter.empty()) return charter;
        why = charter.error();
    }
    return *why;
}

// --- fetch ---

struct Transaction {
    std::string ledger;
    availability::BatchLeaf leaf;
    std::string envelope;
};

Result<std::vector<Transaction>> transactions_in(const model::Charter& charter,
                                                 const availability::HeldBatch& batch) {
    std::vector<Transaction> all;
    if (batch.is_void) return all;
    TRY(leaves, availability::batch_leaves(batch.bytes));
    for (const auto& leaf : leaves) {
        const bool is_known = leaf.ledger.value < charter.body.ledgers.size();
        all.push_back(
            {is_known ? std::string(charter.body.ledgers[leaf.ledger.value].name)
                      : "ledger " + std::to_string(leaf.ledger.value),
             leaf, std::string(text_of(ByteView(batch.bytes).subspan(leaf.offset, leaf.length)))});
    }
    return all;
}

bj::array names_of(const BatchCheck& check, const std::vector<Participant>& participants) {
    bj::array names;
    for (const Participant one : participants) names.emplace_back(check.name_of(one));
    return names;
}

std::string names_text(const BatchCheck& check, const std::vector<Participant>& participants) {
    std::vector<std::string> names;
    names.reserve(participants.size());
    for (const Participant one : participants) names.push_back(check.name_of(one));
    return joined(names);
}

void tell_batch(const BatchCheck& check, const RebuiltBatch& rebuilt,
                const std::vector<Transaction>& transactions, const Output& output) {
    bj::array list;
    for (const auto& one : transactions)
        list.push_back({{"ledger", one.ledger},
                        {"id", one.leaf.transaction.hex()},
                        {"envelope", one.envelope}});
    const auto& header = rebuilt.of.header;
    output.json_only(bj::object{{"participant", check.name_of(header.lane)},
                                {"batch", header.height.value},
                                {"slot", rebuilt.of.slot.value},
                                {"bytes", header.da.length},
                                {"void", rebuilt.batch->is_void},
                                {"from", names_of(check, rebuilt.from)},
                                {"acknowledged_by", rebuilt.of.certificate.parts.size()},
                                {"transactions", std::move(list)}});
    std::vector<std::vector<std::string>> rows{{"", "ledger", "transaction", "bytes"}};
    for (size_t i = 0; i < transactions.size(); ++i)
        rows.push_back({std::to_string(i), transactions[i].ledger,
                        transactions[i].leaf.transaction.hex(),
                        std::to_string(transactions[i].leaf.length)});
    if (!transactions.empty()) output.line(table(rows));
    output.line("batch " + std::to_string(header.height.value) + " of " +
                check.name_of(header.lane) + ", slot " + std::to_string(rebuilt.of.slot.value) +
                ": " + std::to_string(header.da.length) + " bytes, rebuilt from the cells of " +
                names_text(check, rebuilt.from) + "; " +
                std::to_string(rebuilt.of.certificate.parts.size()) +
                " participants signed that they hold it");
    if (rebuilt.batch->is_void)
        output.line("It is VOID: what its author committed to is no batch, and counts as empty.");
}

}  // namespace

Result<Exit> fetch_batch(const FetchOptions& options, const Output& output) {
    TRY(charter, charter_from(options.trust, options.urls, output));
    const BatchCheck check(charter);
    TRY(lane, check.participant(options.participant));
    TRY(rebuilt, rebuild_batch(check, connections_of(options.urls, options.key), lane,
                               {options.height}, [&](const std::string& url, const Error& why) {
                                   output.note(url + ": " + why.message());
                               }));
    TRY(transactions, transactions_in(charter, *rebuilt.batch));
    if (!options.out.empty() && !rebuilt.batch->is_void)
        CHECK(write_file(options.out, text_of(rebuilt.batch->bytes)));
    tell_batch(check, rebuilt, transactions, output);
    return rebuilt.batch->is_void ? Exit::rejected : Exit::applied;
}

// --- sample ---

namespace {

/// What nobody who answers can foresee.
class Draw {
public:
    /// From 0 up to, not including, `count`. Requires count ≥ 1.
    uint64_t below(uint64_t count) {
        // Of 64 random bits: what the remainder favours is beyond measure.
        return read_u64(ByteView(random_secret()).first(8)) % count;
    }
};

struct Source {
    Connection connection;
    Participant participant;
};
/// Of a lane: which of its batches all who answer say that they keep.
struct KeptLane {
    Participant lane;
    uint64_t from = 0, to = 0;  ///< both included; none if from > to
};

class Sampler {
public:
    Sampler(const BatchCheck& check, const SampleOptions& options, const Output& output)
        : check_(check), options_(options), output_(output) {}

    Result<Exit> run() {
        CHECK(look_around());
        uint64_t batches_there = 0;
        for (const KeptLane& lane : lanes_) batches_there += lane.to + 1 - lane.from;
        if (batches_there == 0 && is_anything_said_)
            return fail(BatchCheckError::too_few_cells,
                        "those who answer do not agree on any batch that they keep");
        if (batches_there == 0) {
            output_.json_only(bj::object{{"batches", bj::array()}, {"available", true}});
            output_.line("there is no batch to sample yet");
            return Exit::applied;
        }
        Progress progress("cells sampled", uint64_t{options_.batches} * options_.cells,
                          output_.json());
        for (uint32_t i = 0; i < options_.batches; ++i) {
            uint64_t number = draw_.below(batches_there);
            for (const KeptLane& lane : lanes_) {
                const uint64_t count = lane.to + 1 - lane.from;
                if (number < count) {
                    sample(lane.lane, {lane.from + number});
                    break;
                }
                number -= count;
            }
            progress.set(uint64_t{i + 1} * options_.cells);
        }
        progress.finish();
        return tell();
    }

private:
    struct Seen {
        Participant lane;
        LaneHeight height;
        uint32_t asked = 0, answered = 0;
        bool rebuilt = false;  ///< who should have answered did not, and others' cells were enough
        bool available = false;
        double fooled = 1;
    };

    /// Who is where, and what they say that they keep. Of what they say of a lane the (f + 1)-th
    /// largest counts: no liars among those who answer make it more than an honest one says.
    Result<void> look_around() {
        std::map<Participant, std::vector<uint64_t>> from, to;
        for (const auto& url : options_.urls) {
            const auto looked = look_at({url, options_.key}, from, to);
            if (!looked.ok()) output_.note(url + ": " + looked.error().message());
        }
        if (sources_.empty()) return BatchCheckError::too_few_cells;
        const size_t liars_max = Quorum::of(check_.participant_count()).liars_max;
        const auto counted = [&](std::vector<uint64_t> said) {
            std::sort(said.begin(), said.end(), std::greater<>());
            return said[std::min(liars_max, said.size() - 1)];
        };
        for (const auto& [lane, said] : to) {
            is_anything_said_ = is_anything_said_ || counted(said) > 0;
            const KeptLane kept{lane, std::max<uint64_t>(counted(from.at(lane)), 1), counted(said)};
            if (kept.from <= kept.to) lanes_.push_back(kept);
        }
        return success();
    }
    Result<void> look_at(const Connection& connection,
                         std::map<Participant, std::vector<uint64_t>>& from,
                         std::map<Participant, std::vector<uint64_t>>& to) {
        TRY(client, connect(connection, batch_patience_ms));
        TRY(status, client.get("/v1/status"));
        TRY(who, check_.participant(text_in(status.body, "participant")));
        std::map<Participant, std::pair<uint64_t, uint64_t>> said;
        for (const auto* one : objects_in(status.body, "lanes")) {
            TRY(lane, check_.participant(text_in(*one, "participant")));
            constexpr uint64_t batches_max = uint64_t{1} << 40;
            said[lane] = {std::min(number_in(*one, "kept_from"), batches_max),
                          std::min(number_in(*one, "height"), batches_max)};
        }
        for (const auto& [lane, range] : said) {
            from[lane].push_back(range.first);
            to[lane].push_back(range.second);
        }
        sources_.push_back({connection, who});
        return success();
    }

    /// Of two that hold the one of the later epoch: what lapsed with its epoch was not decided.
    Result<node::ServedHeader> header_of(Participant lane, LaneHeight height) {
        Result<node::ServedHeader> found = BatchCheckError::not_certified;
        for (const Source& source : sources_) {
            auto served = header_from(source, lane, height);
            const bool is_later =
                !found.ok() || (served.ok() && found->header.da.epoch < served->header.da.epoch);
            if (is_later) found = std::move(served);
        }
        return found;
    }
    Result<node::ServedHeader> header_from(const Source& source, Participant lane,
                                           LaneHeight height) {
        TRY(client, connect({source.connection.url, {}}, batch_patience_ms));
        TRY(bytes, client.get_bytes(batch_path(check_, lane, height)));
        auto served = cbor::decode<node::ServedHeader>(bytes);
        if (!served.ok()) return BatchCheckError::not_certified;
        CHECK(check_.check(*served, lane, height));
        return served;
    }

    /// All of a cell, over a connection of its own, so that nobody sees which questions belong
    /// together. A part of it would say nothing of the rest.
    Result<void> ask(const node::ServedHeader& of, uint32_t cell) {
        const auto& da = of.header.da;
        const Participant holder = availability::holder_of(da, cell);
        for (const Source& source : sources_) {
            if (check_.coder().holder_of(da.epoch, source.participant) != holder) continue;
            if (da.data_cells <= 1) {  // All copies are alike: its own is the whole batch.
                TRY(copy, rebuild_batch(check_, {source.connection}, da.lane, da.height,
                                        [](const auto&, const auto&) {}));
                return copy.of.header == of.header ? success()
                                                   : Result<void>(BatchCheckError::false_cells);
            }
            TRY(client, connect(source.connection, batch_patience_ms));
            const std::string path =
                batch_path(check_, da.lane, da.height) + "/cells/" + std::to_string(cell);
            for (uint32_t leaf = 0; leaf < availability::leaves_of_cell(da); ++leaf) {
                TRY(bytes, client.get_bytes(path + "?leaf=" + std::to_string(leaf)));
                const auto served = cbor::decode<node::ServedLeaf>(bytes);
                if (!served.ok() || served->leaf.cell != cell || served->leaf.leaf != leaf ||
                    !availability::leaf_verifies(da, served->leaf))
                    return BatchCheckError::false_cells;
            }
            return success();
        }
        return fail(BatchCheckError::too_few_cells,
                    "no --url is that of " + check_.name_of(holder));
    }

    void sample(Participant lane, LaneHeight height) {
        Seen seen{lane, height};
        const auto of = header_of(lane, height);
        if (!of.ok()) {
            output_.note(name_of(seen) + ": " + of.error().message());
            return seen_.push_back(seen);
        }
        const auto& da = of->header.da;
        std::set<uint32_t> cells;
        while (cells.size() < std::min<size_t>(options_.cells, da.cells))
            cells.insert(uint32_t(draw_.below(da.cells)));
        seen.fooled = fooled(da, uint32_t(cells.size()));
        for (const uint32_t cell : cells) {
            ++seen.asked;
            const auto answered = ask(*of, cell);
            if (answered.ok()) {
                ++seen.answered;
                continue;
            }
            if (!seen.rebuilt)
                output_.note(name_of(seen) + ", cell " + std::to_string(cell) + ": " +
                             answered.error().message());
            if (seen.rebuilt) continue;
            std::vector<Connection> others;
            for (const Source& source : sources_) others.push_back(source.connection);
            seen.rebuilt =
                rebuild_batch(check_, others, lane, height, [](const auto&, const auto&) {}).ok();
            if (!seen.rebuilt) break;
        }
        seen.available = seen.rebuilt || seen.answered == seen.asked;
        seen_.push_back(seen);
    }

    [[nodiscard]] std::string name_of(const Seen& seen) const {
        return "batch " + std::to_string(seen.height.value) + " of " + check_.name_of(seen.lane);
    }

    [[nodiscard]] Exit tell() const {
        bool all = true;
        double fooled = 0;
        bj::array list;
        std::vector<std::vector<std::string>> rows{{"batch of", "number", "cells", "result"}};
        for (const Seen& seen : seen_) {
            all = all && seen.available;
            if (!seen.rebuilt) fooled = std::max(fooled, seen.fooled);
            list.push_back({{"participant", check_.name_of(seen.lane)},
                            {"batch", seen.height.value},
                            {"asked", seen.asked},
                            {"answered", seen.answered},
                            {"rebuilt", seen.rebuilt},
                            {"available", seen.available},
                            {"fooled_at_most", seen.rebuilt ? 0.0 : seen.fooled}});
            rows.push_back({check_.name_of(seen.lane), std::to_string(seen.height.value),
                            std::to_string(seen.answered) + " of " + std::to_string(seen.asked),
                            !seen.available ? "NOT AVAILABLE"
                            : seen.rebuilt  ? "some holders did not answer; rebuilt from others"
                                            : "available"});
        }
        output_.json_only(bj::object{
            {"batches", std::move(list)}, {"available", all}, {"fooled_at_most", fooled}});
        output_.line(table(rows));
        if (!all) {
            output_.line("NOT ALL IS AVAILABLE: no participant that was asked can give it");
            return Exit::rejected;
        }
        char text[64];
        std::snprintf(text, sizeof text, "%.1g", fooled);
        output_.line(
            "available; were one of these batches lost, this sample would look the same "
            "with a probability of at most " +
            std::string(text));
        return Exit::applied;
    }

    const BatchCheck& check_;
    const SampleOptions& options_;
    const Output& output_;
    bool is_anything_said_ = false;  ///< there are batches
    Draw draw_;
    std::vector<Source> sources_;
    std::vector<KeptLane> lanes_;
    std::vector<Seen> seen_;
};

}  // namespace

Result<Exit> sample_batches(const SampleOptions& options, const Output& output) {
    TRY(charter, charter_from(options.trust, options.urls, output));
    const BatchCheck check(charter);
    return Sampler(check, options, output).run();
}

}  // namespace tally::cli
