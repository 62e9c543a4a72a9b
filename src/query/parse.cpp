#include <charconv>

#include "query/query.hpp"

namespace tally::query {
namespace {

constexpr size_t filters_max = 32;

Result<Comparison> comparison_of(std::string_view text) {
    if (text == "=") return Comparison::equal;
    if (text == "<") return Comparison::less;
    if (text == "<=") return Comparison::less_or_equal;
    if (text == ">") return Comparison::greater;
    if (text == ">=") return Comparison::greater_or_equal;
    return fail(QueryError::bad_query, "comparisons are =, <, <=, > and >=");
}

Result<const ledger::Predicate*> find(const ledger::Collection& collection, std::string_view name) {
    const auto* predicate = collection.find(name);
    if (predicate == nullptr)
        return fail(QueryError::unknown_predicate, collection.name + "/" + std::string(name));
    return predicate;
}

Result<Filter> filter_from_json(const boost::json::value& from,
                                const ledger::Collection& collection) {
    if (from.is_string()) return parse_filter(from.get_string(), collection);
    const auto* triple = from.if_array();
    if (triple == nullptr || triple->size() != 3 || !(*triple)[0].is_string() ||
        !(*triple)[1].is_string())
        return fail(QueryError::bad_query,
                    "a filter is [predicate, comparison, value], or a text as name>=value");
    const std::string name((*triple)[0].get_string());
    TRY(predicate, find(collection, name));
    TRY(comparison, comparison_of((*triple)[1].get_string()));
    auto value = ledger::value_from_json(predicate->type, (*triple)[2]);
    if (!value)
        return fail(QueryError::bad_value,
                    name + " is of type " + std::string(ledger::name_of(predicate->type)));
    return Filter{name, comparison, std::move(*value)};
}

/// A command line has only text: numbers and booleans are read as JSON has them.
boost::json::value json_of_text(ledger::Type type, std::string_view text) {
    if (type == ledger::Type::boolean && text == "true") return true;
    if (type == ledger::Type::boolean && text == "false") return false;
    if (type == ledger::Type::integer || type == ledger::Type::ref) {
        int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        constexpr int64_t safe_max = (int64_t{1} << 53) - 1;
        if (error == std::errc{} && end == text.data() + text.size() && number <= safe_max &&
            number >= -safe_max)
            return number;
    }
    return boost::json::value(boost::json::string(text));
}

}  // namespace

Result<Filter> parse_filter(std::string_view text, const ledger::Collection& collection) {
    const size_t at = text.find_first_of("<>=");
    if (at == std::string_view::npos || at == 0)
        return fail(QueryError::bad_query,
                    "write a filter as name=value, name<value or name>=value");
    const bool two = text.size() > at + 1 && text[at] != '=' && text[at + 1] == '=';
    const std::string_view name = text.substr(0, at);
    TRY(comparison, comparison_of(text.substr(at, two ? 2 : 1)));
    TRY(predicate, find(collection, name));
    const std::string_view rest = text.substr(at + (two ? 2 : 1));
    auto value = ledger::value_from_json(predicate->type, json_of_text(predicate->type, rest));
    if (!value)
        return fail(QueryError::bad_value, std::string(name) + " is of type " +
                                               std::string(ledger::name_of(predicate->type)));
    return Filter{std::string(name), comparison, std::move(*value)};
}

Result<Query> parse_query(const boost::json::value& from, const ledger::Schema& schema) {
    const auto* object = from.if_object();
    if (object == nullptr) return fail(QueryError::bad_query, "it is not a JSON object");
    const auto* collection_name = object->if_contains("from");
    if (collection_name == nullptr || !collection_name->is_string())
        return fail(QueryError::bad_query, "\"from\" names the collection");
    Query query;
    query.collection = std::string(collection_name->get_string());
    const auto* collection = schema.collection(query.collection);
    if (collection == nullptr) return fail(QueryError::unknown_collection, query.collection);

    for (const auto& [key, value] : *object) {
        if (key == "from") continue;
        if (key == "where") {
            if (!value.is_array() || value.get_array().size() > filters_max)
                return fail(QueryError::bad_query, "\"where\" is a list of at most 32 filters");
            for (const auto& one : value.get_array()) {
                TRY(filter, filter_from_json(one, *collection));
                query.filters.push_back(std::move(filter));
            }
        } else if (key == "select") {
            if (!value.is_array() || value.get_array().size() > ledger::sheet_predicates_max)
                return fail(QueryError::bad_query, "\"select\" is a list of names");
            for (const auto& one : value.get_array()) {
                if (!one.is_string())
                    return fail(QueryError::bad_query, "\"select\" is a list of names");
                query.select.emplace_back(one.get_string());
            }
        } else if (key == "order") {
            if (!value.is_string()) return fail(QueryError::bad_query, "\"order\" is a name");
            query.order = std::string(value.get_string());
        } else if (key == "descending") {
            if (!value.is_bool())
                return fail(QueryError::bad_query, "\"descending\" is true or false");
            query.descending = value.get_bool();
        } else if (key == "limit") {
            if (!value.is_int64() || value.get_int64() < 1 ||
                value.get_int64() > int64_t{limits::query_rows_max})
                return fail(QueryError::bad_query,
                            "\"limit\" is 1 to " + std::to_string(limits::query_rows_max));
            query.limit = uint32_t(value.get_int64());
        } else {
            return fail(QueryError::bad_query, "unknown field \"" + std::string(key) + "\"");
        }
    }
    return query;
}

}  // namespace tally::query
