// /v1/batches/PARTICIPANT/HEIGHT: the transactions as they were signed, in cells.
#pragma once

#include "node/batch_reads.hpp"
#include "ports/http_server.hpp"

namespace tally::api {

/// `rest`: PARTICIPANT/HEIGHT for the header, with /cells for this participant's cells, with
/// /cells/INDEX and the parameter `leaf` for a leaf of one. CBOR, as in node/batch_reads.hpp.
[[nodiscard]] Result<Bytes> read_batch(const node::BatchReads& batches,
                                       const model::Charter& charter, std::string_view rest,
                                       const ports::HttpRequest& request, std::string_view reader);

}  // namespace tally::api
