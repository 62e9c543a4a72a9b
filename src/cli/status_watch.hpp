// StatusWatch: turns what a participant's status says into lines about what has changed, so that an
// operator who reads only the log learns when agreement stops, and when it is back.
#pragma once

#include <set>
#include <vector>

#include "cli/operator_log.hpp"
#include "node/client.hpp"

namespace tally::cli {

/// Told of the status now and then. Not thread-safe.
class StatusWatch {
public:
    [[nodiscard]] std::vector<LogLine> changes(const node::Status& status);

private:
    void watch_agreement(const node::Status& status, std::vector<LogLine>& lines);
    void watch_peers(const node::Status& status, std::vector<LogLine>& lines);
    void watch_ledgers(const node::Status& status, std::vector<LogLine>& lines);

    bool known_ = false;
    bool ordering_ = false;
    std::set<std::string> silent_, not_signing_, apart_, paused_;  ///< names
};

}  // namespace tally::cli
