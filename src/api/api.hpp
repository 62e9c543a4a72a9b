// Api: the HTTP interface of one participant, `/v1`, over the HttpServer port. docs/openapi.json
// describes it and is served as `/v1/openapi.json`.
#pragma once

#include <functional>
#include <memory>

#include "api/metrics.hpp"
#include "api/quotas.hpp"
#include "node/batch_reads.hpp"
#include "node/client.hpp"
#include "node/reader.hpp"
#include "ports/http_server.hpp"
#include "ports/net.hpp"

namespace tally::api {

/// Hands a request to the node's step; `done` is called once, from any thread.
using Ask = std::function<void(node::Request request, std::function<void(node::Response)> done)>;

struct Config {
    std::shared_ptr<const model::Charter> charter;
    Participant self;
    const node::Reads* reads = nullptr;  ///< borrowed
    Ask ask;
    std::function<uint64_t()> now_seconds;
    std::function<std::vector<ports::PeerState>()> peers;
    Quotas* quotas = nullptr;                     ///< borrowed; none: no limits
    std::function<uint64_t()> monotonic_us = {};  ///< with quotas
    std::function<ProcessUse()> process = {};
    std::function<ports::HttpServerState()> http = {};
    std::string version = {};
};

class Api {
public:
    static constexpr size_t query_bytes_max = size_t{64} * 1024;  ///< of a query's JSON

    explicit Api(Config config);
    /// Handles one request. Thread-safe.
    void handle(const ports::HttpRequest& request, const ports::HttpRespond& respond) const;
    /// Whether it may take long, for it reads the database: a query, a subject, blocks or a proof.
    [[nodiscard]] static bool takes_long(const ports::HttpRequest& request);
    /// The address that asks: behind a proxy on this machine, what that says last.
    [[nodiscard]] static std::string client_of(const ports::HttpRequest& request);
    /// In place of handle(), when too many such requests wait.
    static void refuse(const ports::HttpRespond& respond);
    /// In place of handle(), when the body of such a request is above query_bytes_max.
    static void refuse_large(const ports::HttpRespond& respond);

private:
    Config config_;
    Hash network_;
    node::BatchReads batches_;
};

}  // namespace tally::api
