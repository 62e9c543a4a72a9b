// A charter's draft: the TOML file that the founders agree on before they sign.
//
//     name = "Package registry"
//     [parameters]                 # optional; each has a default
//     view_timer_us = 1000000
//     [[participant]]
//     name = "alice"
//     address = "alice.example:7000"
//     identity = "<64 hexadecimal digits>"      # from `tally keys show`
//     signing = "…"
//     opening = "…"
//     [[ledger]]
//     name = "packages"
//     genesis = "packages-schema.json"   # a JSON list of subject maps, beside this file
//     provers = ["alice", …]             # optional: all
#pragma once

#include "api/quotas.hpp"
#include "cli/operator_log.hpp"
#include "cli/toml_file.hpp"
#include "model/charter.hpp"

namespace tally::cli {

enum class DraftError { bad_genesis };
ErrorText describe(DraftError error);

/// What [parameters] names is set; the rest stays.
[[nodiscard]] Result<void> read_parameters(const toml::table& table, model::Parameters& to);
/// One [[participant]].
[[nodiscard]] Result<model::ParticipantEntry> read_participant(const toml::table& table);

/// Relative file names are taken from the draft's folder.
[[nodiscard]] Result<model::CharterBody> read_draft(const std::string& path, Micros genesis_time);
/// The charter that draft text describes; `folder` is where genesis files are looked for.
[[nodiscard]] Result<model::CharterBody> parse_draft(std::string_view text,
                                                     const std::string& folder,
                                                     Micros genesis_time);

[[nodiscard]] Result<model::Charter> read_charter(const std::string& path);
/// Not necessarily signed by all.
[[nodiscard]] Result<model::Charter> read_unsigned_charter(const std::string& path);

/// How a participant's own configuration names it: where everything is.
struct NodeConfig {
    std::string charter, keys, data;
    std::string listen;  ///< host:port; empty: the charter's address
    std::string http = "127.0.0.1:7080";
    uint64_t snapshot_after_slots = 5'000;               ///< node::Config
    uint64_t restore_bytes_per_s = 16ull * 1024 * 1024;  ///< likewise
    LogSetup log;
    api::QuotaRates quotas;
    size_t http_connections_max = 4'096;
    std::string start_counter;  ///< a file outside of the journal's disk; empty: none
    uint64_t scrub_hours = 24;  ///< everything on the disk is read again so often
    std::string join;           ///< a proposal in which this participant is to join; empty: none
};
/// Unknown keys are errors.
[[nodiscard]] Result<NodeConfig> read_node_config(const std::string& path);

}  // namespace tally::cli
