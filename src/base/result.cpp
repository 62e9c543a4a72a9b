#include "base/result.hpp"

namespace tally {

std::string Error::message() const {
    std::string text(cause);
    if (!detail.empty()) text += ": " + detail;
    if (!next.empty()) {
        text += ". ";
        text += next;
    }
    return text;
}

}  // namespace tally
