// What a user wrote, as messages show it: short enough to be read.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "ledger/schema.hpp"

namespace tally::ledger {

[[nodiscard]] std::string shown(const boost::json::value& value);
/// "price" is int, not "much".
[[nodiscard]] std::string shown(const Predicate& predicate, const boost::json::value& value);

}  // namespace tally::ledger
