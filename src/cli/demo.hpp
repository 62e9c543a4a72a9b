// Demo: the steps that `tally demo` shows, one after another. Each says what it does, runs the
// commands that a user would type, and fails if anything is not as it should be.
#pragma once

#include "cli/local_network.hpp"
#include "cli/output.hpp"
#include "cli/packages.hpp"

namespace tally::cli {

enum class DemoError { step_failed, interrupted };
ErrorText describe(DemoError error);

/// A package index, and what the demonstration says of it.
struct DemoRecords {
    std::string file;
    size_t count = 0;
    PackageRecord first;
};
/// Every record of the file must be usable.
[[nodiscard]] Result<DemoRecords> look_at_records(const std::string& file);

class Demo {
public:
    Demo(const Output& output, std::string folder, DemoRecords records);

    /// Every step in order; the error says which failed, and why.
    [[nodiscard]] Result<void> run();
    /// How to go on from here.
    void say_how_to_try() const;
    /// The ends of the participants' logs, to standard error.
    void show_logs() const;
    /// What starts each participant again later, if the folder is kept.
    [[nodiscard]] std::vector<std::string> start_commands() const;
    void stop();
    /// What ran, for scripts.
    [[nodiscard]] boost::json::object report() const;

private:
    Result<void> make_network();
    Result<void> start_participants();
    Result<void> load_records();
    Result<void> show_blocks();
    Result<void> show_query();
    Result<void> show_rejections();
    Result<void> show_proof();
    Result<void> kill_one();
    Result<void> bring_back();
    Result<void> alter_a_record();
    Result<void> wait_for_peers_word(bool damaged);

    Result<void> step(const char* name, const std::string& heading,
                      Result<void> (Demo::*perform)());
    /// Prints the command and what it prints; fails unless it ends with this exit code.
    Result<std::string> command(const std::vector<std::string>& arguments, Exit expected);
    Result<std::string> command_of(const std::string& program,
                                   const std::vector<std::string>& arguments, Exit expected);
    /// All participants that run have executed the same blocks and have the same state.
    Result<uint64_t> wait_for_agreement(const std::vector<size_t>& participants);
    [[nodiscard]] std::string key_file(size_t maintainer) const;

    const Output& output_;
    std::string folder_;
    std::string program_;
    DemoRecords records_;
    std::unique_ptr<LocalNetwork> network_;
    std::string last_transaction_;
    bool interrupted_ = false;
    uint64_t reached_ = 0;  ///< the newest block once all is loaded
    boost::json::array done_;
};

}  // namespace tally::cli
