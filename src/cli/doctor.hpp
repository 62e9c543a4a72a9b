// `tally doctor`: what is well and what is not with one participant's machine, files, ports and
// peers, whether it runs or not. Nothing is changed: it measures with a file of its own in the data
// folder, and dials the peers as the participant when that does not run.
#pragma once

#include <string>

#include "cli/output.hpp"

namespace tally::cli {

struct DoctorOptions {
    std::string config;
};

/// Exit::rejected if a check failed; warnings alone are Exit::applied.
[[nodiscard]] Result<Exit> run_doctor(const DoctorOptions& options, const Output& output);

}  // namespace tally::cli
