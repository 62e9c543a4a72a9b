#include "cli/batch_check.hpp"

#include <algorithm>

namespace tally::cli {

ErrorText describe(BatchCheckError error) {
    switch (error) {
    case BatchCheckError::no_such_participant:
        return {"no_such_participant", "the charter names no such participant",
                "`tally status` lists them, each with the number of its newest batch"};
    case BatchCheckError::not_certified:
        return {"batch_not_certified", "what is shown is not a batch that a quorum certified",
                "That participant is broken or lies: ask others, and keep what it answered"};
    case BatchCheckError::false_cells:
        return {"false_cells", "what is shown is not part of that batch",
                "That participant's disk is damaged, or it lies: ask others"};
    case BatchCheckError::too_few_cells:
        return {"too_few_cells", "too few participants gave their part of the batch",
                "Name more of them with --url; older batches than the charter's retention may be "
                "gone"};
    }
    std::abort();
}

BatchCheck::BatchCheck(const model::Charter& charter)
    : charter_(charter), epochs_(charter), coder_(epochs_), verifier_(ed25519_verifier()) {}

Result<Participant> BatchCheck::participant(std::string_view name) const {
    for (size_t i = 0; i < charter_.now().participants.size(); ++i) {
        if (charter_.now().participants[i].name == name) return Participant{uint8_t(i)};
    }
    return fail(BatchCheckError::no_such_participant, "\"" + std::string(name) + "\"");
}

std::string BatchCheck::name_of(Participant participant) const {
    return charter_.now().participants[participant.value].name;
}

Result<void> BatchCheck::check(const node::ServedHeader& served, Participant lane,
                               LaneHeight height) const {
    const auto& header = served.header;
    const auto& certificate = served.certificate;
    const size_t epoch = header.da.epoch.value;
    const bool is_named = header.lane == lane && header.height == height &&
                          certificate.lane == lane && certificate.height == height &&
                          certificate.header == header.hash();
    if (!is_named || epoch >= epochs_.all().size() ||
        !model::check_lane_certificate(epochs_.all()[epoch], *verifier_, certificate) ||
        !coder_.parameters_follow({header.da.epoch, lane, height}, header.da))
        return BatchCheckError::not_certified;
    return success();
}

double fooled(const model::DaParameters& da, uint32_t draws) {
    if (da.data_cells <= 1) return 0;
    double probability = 1;
    for (uint32_t i = 0; i < draws; ++i) {
        if (i + 1 >= da.data_cells) return 0;
        probability *= double(da.data_cells - 1 - i) / double(da.cells - i);
    }
    return probability;
}

std::string batch_path(const BatchCheck& check, Participant lane, LaneHeight height) {
    return "/v1/batches/" + percent_encoded(check.name_of(lane)) + "/" +
           std::to_string(height.value);
}

namespace {

Result<node::ServedCells> cells_from(const BatchCheck& check, const Connection& source,
                                     Participant lane, LaneHeight height) {
    TRY(client, connect(source, batch_patience_ms));
    TRY(bytes, client.get_bytes(batch_path(check, lane, height) + "/cells"));
    auto served = cbor::decode<node::ServedCells>(bytes);
    if (!served.ok()) return BatchCheckError::not_certified;
    CHECK(check.check(served->of, lane, height));
    if (!check.coder().cells_verify_as(served->of.header.da, served->cells.holder, served->cells))
        return BatchCheckError::false_cells;
    return served;
}

}  // namespace

Result<RebuiltBatch> rebuild_batch(
    const BatchCheck& check, const std::vector<Connection>& sources, Participant lane,
    LaneHeight height,
    const std::function<void(const std::string& url, const Error&)>& on_failure) {
    // A batch that was certified and lapsed with its epoch has a header that holds as well.
    struct Gathered {
        node::ServedHeader of;
        std::map<Participant, model::CellSet> sets;
        size_t needed = 0;
    };
    std::map<Hash, Gathered> all;
    std::vector<Error> failures;
    for (const Connection& source : sources) {
        auto served = cells_from(check, source, lane, height);
        if (!served.ok()) {
            on_failure(source.url, served.error());
            failures.push_back(served.error());
            continue;
        }
        auto& gathered = all[served->of.header.hash()];
        gathered.of = std::move(served->of);
        gathered.needed = check.coder().shape_of(gathered.of.header.da).holders_needed();
        gathered.sets.emplace(served->cells.holder, std::move(served->cells));
        if (gathered.sets.size() < gathered.needed) continue;
        RebuiltBatch out{std::move(gathered.of), nullptr, {}};
        model::CellSets list;
        for (auto& [holder, set] : gathered.sets) {
            out.from.push_back(holder);
            list.push_back(std::move(set));
        }
        out.batch = check.coder().batch_of(out.of.header, list);
        return out;
    }
    size_t most = 0, needed = 0;
    for (const auto& [hash, gathered] : all) {
        if (gathered.sets.size() < most) continue;
        most = gathered.sets.size();
        needed = gathered.needed;
    }
    // Where all say the same that is why.
    const bool all_alike = all.empty() && !failures.empty() &&
                           std::all_of(failures.begin(), failures.end(), [&](const Error& one) {
                               return one.code == failures.front().code;
                           });
    if (all_alike) return failures.front();
    return fail(BatchCheckError::too_few_cells,
                std::to_string(most) + " of " +
                    (needed == 0 ? std::string("those needed") : std::to_string(needed)));
}

}  // namespace tally::cli
