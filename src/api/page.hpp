// The page of one participant, as built in from page.html.
#pragma once

#include <string_view>

namespace tally::api {

[[nodiscard]] std::string_view page_document();
/// Its Content-Security-Policy: the page's own script and style, by hash, and this participant's
/// interface; nothing else may be loaded, run or framed.
[[nodiscard]] std::string_view page_policy();

}  // namespace tally::api
