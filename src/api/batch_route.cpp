#include "api/batch_route.hpp"

#include "api/request.hpp"

namespace tally::api {
namespace {

constexpr NumberRange cells{0, 65'535};

/// Names may hold slashes: the longest participant that fits is meant, and is cut off.
std::optional<Participant> take_lane(const model::Charter& charter, std::string_view& rest) {
    std::optional<Participant> lane;
    size_t longest = 0;
    for (size_t i = 0; i < charter.now().participants.size(); ++i) {
        const std::string_view name = charter.now().participants[i].name;
        if (!rest.starts_with(name) || !rest.substr(name.size()).starts_with('/')) continue;
        if (lane && name.size() <= longest) continue;
        lane = Participant{uint8_t(i)};
        longest = name.size();
    }
    if (lane) rest.remove_prefix(longest + 1);
    return lane;
}

}  // namespace

Result<Bytes> read_batch(const node::BatchReads& batches, const model::Charter& charter,
                         std::string_view rest, const ports::HttpRequest& request,
                         std::string_view reader) {
    const auto lane = take_lane(charter, rest);
    if (!lane)
        return fail(node::BatchReadError::unknown_lane,
                    std::string(rest.substr(0, rest.find('/'))));
    const auto height = number_in_text(rest.substr(0, rest.find('/')), heights);
    if (!height) return fail(RequestError::bad_parameter, "a batch's number is a number");
    rest.remove_prefix(std::min(rest.size(), rest.find('/')));
    if (rest.empty()) {
        CHECK(only_parameters(request, {}));
        return batches.header(*lane, {*height});
    }
    constexpr std::string_view of_cells = "/cells";
    if (!rest.starts_with(of_cells)) return fail(RequestError::not_found, request.path);
    rest.remove_prefix(of_cells.size());
    if (rest.empty()) {
        CHECK(only_parameters(request, {}));
        return batches.cells(*lane, {*height}, reader);
    }
    CHECK(only_parameters(request, {"leaf"}));
    const auto cell = rest.starts_with('/') ? number_in_text(rest.substr(1), cells) : std::nullopt;
    if (!cell) return fail(RequestError::not_found, request.path);
    TRY(leaf, number_parameter(request, "leaf", cells));
    return batches.leaf(*lane, {*height}, uint32_t(*cell), uint32_t(leaf.value_or(0)), reader);
}

}  // namespace tally::api
