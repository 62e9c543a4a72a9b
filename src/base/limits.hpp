// Every limit that a stranger can run into, in one place. Each is enforced before a byte is
// believed, and the README's table of limits is read off this file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::limits {

constexpr uint32_t participants_max = 255;
constexpr uint32_t ledgers_max = 256;
constexpr size_t ledger_name_bytes_max = 64;
constexpr size_t name_bytes_max = 128;  ///< participants, collections, predicates, roles

constexpr size_t envelope_bytes_max = 60 * 1024;
constexpr size_t batch_bytes_aim = 1024 * 1024;
constexpr size_t batch_bytes_max = 4 * 1024 * 1024;
/// The cells that show that a batch is void: of f + 1 holders, each cell rounded up to 64 bytes,
/// with the ways of their hashes.
constexpr size_t void_batch_bytes_max = batch_bytes_max + size_t{64} * 1024;
constexpr uint32_t batch_envelopes_max = 65'536;
/// The largest is a proposal or a decision of 255 participants in which every lane and every ledger
/// has something new (node/message_sizes_test.cpp composes it).
constexpr size_t peer_message_bytes_max = 14 * 1024 * 1024;
constexpr size_t state_chunk_bytes_max = 768 * 1024;  ///< a piece of a snapshot
constexpr size_t http_body_bytes_max = 1024 * 1024;
constexpr uint32_t cbor_depth_max = 16;
constexpr uint32_t json_depth_max = 16;

constexpr size_t nonce_bytes_max = 64;
constexpr size_t key_bytes_max = 128;          ///< a key of the state
constexpr size_t value_bytes_max = 64 * 1024;  ///< a value of the state
constexpr uint32_t transaction_changes_max = 2'048;
/// Of all sealed transactions that one block opens, counted before any is opened.
constexpr uint32_t sealed_shares_per_block_max = 8'192;
constexpr uint32_t schema_predicates_max = 4'095;

constexpr uint32_t segment_transactions_max = 32;
constexpr uint32_t segment_keys_max = 128;
constexpr size_t segment_witness_bytes_max = 128 * 1024;
constexpr size_t segment_envelope_bytes_max = 64 * 1024;
constexpr uint32_t expired_ids_per_block_max = 256;
constexpr uint64_t expire_ahead_ms_max = 24ull * 60 * 60 * 1000;
constexpr uint32_t query_rows_max = 10'000;
constexpr uint64_t query_scanned_max = 1'000'000;  ///< index entries and rows looked at

}  // namespace tally::limits
