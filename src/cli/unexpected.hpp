// What is thrown all the same: nothing of ours throws, but libraries do where the machine has no
// more to give. It is told as every error is: what, why and what next.
#pragma once

#include <exception>

#include "base/result.hpp"

namespace tally::cli {

enum class ProcessError { too_few_descriptors, out_of_descriptors, out_of_memory, unexpected };
ErrorText describe(ProcessError error);

/// What a participant needs at all: `tally doctor` fails below it.
constexpr uint64_t node_descriptors_min = 1'024;
/// Error too_few_descriptors: a participant would end later, in the middle of something.
[[nodiscard]] Result<void> check_descriptors(uint64_t descriptors_max);

[[nodiscard]] Error error_of(const std::exception& thrown);

/// From now on a thread that ends by what it throws says so, and ends the process.
void tell_what_ends_a_thread();

}  // namespace tally::cli
