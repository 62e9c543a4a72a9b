// The OpenAPI document of `/v1`, as built in from docs/openapi.json.
#pragma once

#include <string_view>

namespace tally::api {

[[nodiscard]] std::string_view openapi_document();

}  // namespace tally::api
