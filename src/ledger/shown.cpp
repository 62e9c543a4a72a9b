#include "ledger/shown.hpp"

#include <boost/json/serialize.hpp>

namespace tally::ledger {

std::string shown(const boost::json::value& value) {
    constexpr size_t shown_max = 120;
    const std::string text = boost::json::serialize(value);
    return text.size() <= shown_max ? text : "(" + std::to_string(text.size()) + " bytes)";
}

std::string shown(const Predicate& predicate, const boost::json::value& value) {
    return "\"" + predicate.name + "\" is " + std::string(name_of(predicate.type)) + ", not " +
           shown(value);
}

}  // namespace tally::ledger
