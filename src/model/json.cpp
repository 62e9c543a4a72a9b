#include "model/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include "base/limits.hpp"

namespace tally::model {
namespace {

namespace bj = boost::json;

/// Of one allocation, beside its elements: the library's head and the allocator's own.
constexpr size_t allocation_bytes = 40;
/// A shorter text stands inside its value.
constexpr size_t short_text_bytes = 14;

/// Builds a value and refuses every number that is not an exact integer.
class Builder {
public:
    // Named so by the parser that calls.
    static constexpr size_t max_object_size = bj::object::max_size();
    static constexpr size_t max_array_size = bj::array::max_size();
    static constexpr size_t max_key_size = bj::string::max_size();
    static constexpr size_t max_string_size = bj::string::max_size();

    Builder() { stack_.reset(); }

    bool on_document_begin(bj::error_code&) { return true; }
    bool on_document_end(bj::error_code&) { return true; }
    bool on_object_begin(bj::error_code&) { return true; }
    bool on_object_end(size_t count, bj::error_code&) {
        stack_.push_object(count);
        return true;
    }
    bool on_array_begin(bj::error_code&) { return true; }
    bool on_array_end(size_t count, bj::error_code&) {
        stack_.push_array(count);
        return true;
    }
    bool on_key_part(bj::string_view part, size_t, bj::error_code&) {
        stack_.push_chars(part);
        return true;
    }
    bool on_key(bj::string_view rest, size_t, bj::error_code&) {
        stack_.push_key(rest);
        ++key_count_;
        return true;
    }
    bool on_string_part(bj::string_view part, size_t, bj::error_code&) {
        stack_.push_chars(part);
        return true;
    }
    bool on_string(bj::string_view rest, size_t, bj::error_code&) {
        stack_.push_string(rest);
        return true;
    }
    bool on_number_part(bj::string_view, bj::error_code&) { return true; }
    bool on_int64(int64_t value, bj::string_view, bj::error_code& error) {
        if (value < -json_integer_max || value > json_integer_max) return refuse_number(error);
        stack_.push_int64(value);
        return true;
    }
    bool on_uint64(uint64_t, bj::string_view, bj::error_code& error) {
        return refuse_number(error);  // Above int64, so above 2^53 − 1.
    }
    // house: allow float, the parser's interface; every such number is refused
    bool on_double(double, bj::string_view, bj::error_code& error) { return refuse_number(error); }
    bool on_bool(bool value, bj::error_code&) {
        stack_.push_bool(value);
        return true;
    }
    bool on_null(bj::error_code&) {
        stack_.push_null();
        return true;
    }
    bool on_comment_part(bj::string_view, bj::error_code&) { return false; }
    bool on_comment(bj::string_view, bj::error_code&) { return false; }

    [[nodiscard]] bool bad_number() const { return bad_number_; }
    [[nodiscard]] size_t key_count() const { return key_count_; }
    bj::value release() { return stack_.release(); }

private:
    bool refuse_number(bj::error_code& error) {
        bad_number_ = true;
        error = bj::error::not_number;
        return false;
    }
    bj::value_stack stack_;
    size_t key_count_ = 0;
    bool bad_number_ = false;
};

size_t members_in(const bj::value& value) {
    size_t count = 0;
    if (const auto* object = value.if_object()) {
        count = object->size();
        for (const auto& member : *object) count += members_in(member.value());
    } else if (const auto* array = value.if_array()) {
        for (const auto& element : *array) count += members_in(element);
    }
    return count;
}

}  // namespace

ErrorText describe(JsonError error) {
    switch (error) {
    case JsonError::not_json:
        return {"not_json", "not valid JSON in UTF-8", "Check quotes, commas and brackets"};
    case JsonError::duplicate_key:
        return {"json_duplicate_key", "a JSON object has the same key twice", "Give each key once"};
    case JsonError::not_an_integer:
        return {"json_not_an_integer", "a JSON number is not an integer within ±(2^53 − 1)",
                "Write larger integers as decimal strings"};
    case JsonError::too_deep:
        return {"json_too_deep", "the JSON nests too deeply", "Nest at most 16 levels"};
    }
    std::abort();
}

Result<bj::value> parse_json(ByteView text) {
    bj::parse_options options;
    options.max_depth = limits::json_depth_max;
    bj::basic_parser<Builder> parser(options);
    bj::error_code error;
    const size_t taken =
        parser.write_some(false, reinterpret_cast<const char*>(text.data()), text.size(), error);
    if (parser.handler().bad_number()) return JsonError::not_an_integer;
    if (error == bj::error::too_deep) return JsonError::too_deep;
    if (error || taken != text.size()) return JsonError::not_json;
    bj::value value = parser.handler().release();
    // A key that came twice leaves fewer members than keys.
    if (members_in(value) != parser.handler().key_count()) return JsonError::duplicate_key;
    return value;
}

std::string quoted(std::string_view text) {
    constexpr size_t shown_max = 80;
    if (text.size() > shown_max) return "(a text of " + std::to_string(text.size()) + " bytes)";
    return bj::serialize(bj::string(text));
}

// As boost::json lays its trees out: a head before the elements of each array and object, which is
// larger and has an index of hashes where an object is not small.

size_t heap_bytes_of(const boost::json::array& array) {
    size_t bytes = array.capacity() == 0
                       ? 0
                       : allocation_bytes + array.capacity() * sizeof(boost::json::value);
    for (const auto& element : array) bytes += heap_bytes_of(element);
    return bytes;
}

size_t heap_bytes_of(const boost::json::value& value) {
    if (const auto* array = value.if_array()) return heap_bytes_of(*array);
    if (const auto* text = value.if_string())
        return text->capacity() <= short_text_bytes ? 0 : allocation_bytes + text->capacity();
    const auto* object = value.if_object();
    if (object == nullptr || object->capacity() == 0) return 0;
    constexpr size_t entry_bytes = sizeof(boost::json::key_value_pair) + sizeof(uint32_t);
    size_t bytes = allocation_bytes + object->capacity() * entry_bytes;
    for (const auto& entry : *object)
        bytes += allocation_bytes + entry.key().size() + heap_bytes_of(entry.value());
    return bytes;
}

}  // namespace tally::model
