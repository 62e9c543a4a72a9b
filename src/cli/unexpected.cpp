#include "cli/unexpected.hpp"

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <optional>
#include <system_error>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

/// The system's error number, if it is about one.
std::optional<int> system_number_of(const std::exception& thrown) {
    if (const auto* one = dynamic_cast<const std::system_error*>(&thrown))
        return one->code().default_error_condition().value();
    if (const auto* one = dynamic_cast<const boost::system::system_error*>(&thrown))
        return one->code().default_error_condition().value();
    return {};
}

/// Threads cannot be told to end in order here: some may hold what others wait for.
[[noreturn]] void tell_and_end() {
    if (const auto thrown = std::current_exception()) {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& one) {
            const Error error = error_of(one);
            const Exit exit = Output(false).error(error);
            // Of a mistake of ours the memory's image is wanted.
            if (!error.is(ProcessError::unexpected)) std::_Exit(int(exit));
        } catch (...) {
        }
    }
    std::abort();
}

}  // namespace

ErrorText describe(ProcessError error) {
    switch (error) {
    case ProcessError::too_few_descriptors:
        return {"descriptors_too_few", "this process may open too few files and connections",
                "Raise the limit: LimitNOFILE=65536 in the service's unit, or ulimit -n"};
    case ProcessError::out_of_descriptors:
        return {"descriptors_exhausted", "this process may open no more files and connections",
                "Raise the limit: LimitNOFILE=65536 in the service's unit, or ulimit -n"};
    case ProcessError::out_of_memory:
        return {"out_of_memory", "the system gives this process no more memory",
                "See what uses it, or give the machine more"};
    case ProcessError::unexpected:
        return {"unexpected", "something failed that nobody thought of",
                "If nothing is wrong with the machine, report it, with this line"};
    }
    std::abort();
}

Result<void> check_descriptors(uint64_t descriptors_max) {
    if (descriptors_max >= node_descriptors_min) return success();
    return fail(ProcessError::too_few_descriptors,
                std::to_string(descriptors_max) + " at most, and the database alone needs more: " +
                    std::to_string(node_descriptors_min) + " at least");
}

Error error_of(const std::exception& thrown) {
    const std::string said = thrown.what();
    if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr)
        return fail(ProcessError::out_of_memory, said);
    const auto number = system_number_of(thrown);
    if (number == EMFILE || number == ENFILE) return fail(ProcessError::out_of_descriptors, said);
    if (number == ENOMEM) return fail(ProcessError::out_of_memory, said);
    return fail(ProcessError::unexpected, said);
}

void tell_what_ends_a_thread() {
    std::set_terminate(tell_and_end);
}

}  // namespace tally::cli
