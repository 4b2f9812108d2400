// Options that come from the command line, the environment and a TOML file, in this order: the
// first that names an option wins.
#ifndef FLEETQSHAPE_COMMON_OPTIONS_LAYERED_OPTIONS_H_
#define FLEETQSHAPE_COMMON_OPTIONS_LAYERED_OPTIONS_H_

#include <string>
#include <string_view>

#include "CLI/App.hpp"

namespace fleetqshape {

// Exit codes that all programs share.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

// Gives each long option of `app` (but help, version and config) a variable of its own in the
// environment: `prefix` and the option's name in capitals with underscores, FLEETQSHAPE_AGENT_HOST
// for --host. Adds --config FILE, whose TOML keys are the long options' names;
// `default_config_file` is read if it is there and no other is named. CLI11 alone would let the
// file win over the environment.
void AddLayers(CLI::App* app, const std::string& prefix,
               const std::string& default_config_file = "");

// Parses. False if the program has to end with *exit_status: help or the version was printed to
// standard output, or one line about the wrong usage to standard error.
bool ParseOptions(CLI::App* app, int argc, const char* const* argv, int* exit_status);

// One line on standard error: "PROGRAM: MESSAGE".
void PrintError(std::string_view program, std::string_view message);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_OPTIONS_LAYERED_OPTIONS_H_
