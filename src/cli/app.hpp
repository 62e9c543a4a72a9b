// App: the command line. The only place that knows its grammar; each command is a function of a
// struct of options.
#pragma once

namespace tally::cli {

/// The program. Returns its exit code (cli/output.hpp).
int run_program(int argc, char** argv);

}  // namespace tally::cli
