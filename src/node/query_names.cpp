// Queries name the subject that a reference must be by its number, or by a unique pair as people
// do.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "node/reader_view.hpp"

namespace tally::node {
namespace {

namespace bj = boost::json;

/// "package/name=zlib1g", or ["package/name", "zlib1g"] as in a transaction; else empty.
std::string pair_text(const bj::value& value) {
    if (value.is_string() && value.get_string().find('=') != bj::string::npos)
        return std::string(value.get_string());
    const auto* pair = value.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string()) return {};
    const auto& of = (*pair)[1];
    return std::string((*pair)[0].get_string()) + "=" +
           (of.is_string() ? std::string(of.get_string()) : bj::serialize(of));
}

/// "target=package/name=zlib1g" as [predicate, comparison, value]; other filters as they are.
bj::value triple_of(const bj::value& filter) {
    if (!filter.is_string()) return filter;
    const std::string_view text = filter.get_string();
    const size_t at = text.find_first_of("<>=");
    if (at == text.npos || at == 0) return filter;
    const bool two = text.size() > at + 1 && text[at] != '=' && text[at + 1] == '=';
    const size_t behind = at + (two ? 2 : 1);
    return bj::array{text.substr(0, at), text.substr(at, behind - at), text.substr(behind)};
}

}  // namespace

Result<bj::value> with_numbers(const ReaderView& view, bj::value query) {
    auto* object = query.if_object();
    const auto* from = object == nullptr ? nullptr : object->if_contains("from");
    auto* where = object == nullptr ? nullptr : object->if_contains("where");
    if (from == nullptr || !from->is_string() || where == nullptr || !where->is_array())
        return query;  // parse_query() says what is wrong with it, if anything.
    const auto* collection = view.schema->collection(std::string_view(from->get_string()));
    if (collection == nullptr) return query;
    for (auto& filter : where->get_array()) {
        bj::value triple = triple_of(filter);
        if (!triple.is_array() || triple.get_array().size() != 3 || !triple.at(0).is_string())
            continue;
        const auto* predicate = collection->find(std::string_view(triple.at(0).get_string()));
        if (predicate == nullptr || predicate->type != ledger::Type::ref) continue;
        const std::string pair = pair_text(triple.at(2));
        if (pair.empty()) continue;
        TRY(name, find_subject(view, pair));
        if (!name.subject) return fail(ReadError::unknown_subject, pair);
        triple.at(2) = int64_t(name.subject->value);
        filter = std::move(triple);
    }
    return query;
}

}  // namespace tally::node
