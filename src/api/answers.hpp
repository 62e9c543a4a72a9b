// How the interface says things: one shape for errors, one for transactions.
#pragma once

#include <boost/json/object.hpp>

#include "model/sealed.hpp"
#include "node/client.hpp"
#include "ports/http_server.hpp"
#include "ports/net.hpp"

namespace tally::api {

[[nodiscard]] ports::HttpResponse json_response(int status, const boost::json::value& body);
/// {"error": {"code", "message", "next"}}, with the HTTP status that the code deserves.
[[nodiscard]] ports::HttpResponse error_response(const Error& error);
[[nodiscard]] ports::HttpResponse error_response(int status, std::string_view code,
                                                 std::string_view message,
                                                 std::string_view next = {});
/// 429 with how long to wait: in the header in seconds, rounded up, and in the error as
/// `retry_after_ms`.
[[nodiscard]] ports::HttpResponse too_fast_response(std::string_view message, uint64_t wait_us);
[[nodiscard]] boost::json::object transaction_json(const node::TransactionStatus& status);
/// 200 applied, 409 rejected, 202 not known yet.
[[nodiscard]] ports::HttpResponse transaction_response(const node::TransactionStatus& status,
                                                       node::Level wanted);
/// To whom transactions are sealed in the newest epoch: this participant's word.
[[nodiscard]] boost::json::object sealing_json(const model::Charter& charter);
[[nodiscard]] boost::json::object status_json(const node::Status& status,
                                              const std::vector<ports::PeerState>& connections);
[[nodiscard]] boost::json::object scrub_json(const node::ScrubStatus& scrub);
/// Null: nothing is decided of it.
[[nodiscard]] boost::json::value next_epoch_json(const node::NextEpochStatus& next);
[[nodiscard]] std::string_view name_of(node::Level level);
[[nodiscard]] std::optional<node::Level> level_of(std::string_view name);

}  // namespace tally::api
