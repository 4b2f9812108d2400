// Options that come from the command line, the environment and a TOML file, in this order: the
// first that names an option wins.
#ifndef FLEETQSHAPE_COMMON_OPTIONS_LAYERED_OPTIONS_H_
#define FLEETQSHAPE_COMMON_OPTIONS_LAYERED_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/statusor.h"
#include "common/options/toml_file.h"

namespace fleetqshape {

// Exit codes that all programs share.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

// Which keys of a file, given all its tables, are options. An error ends the parsing.
using KeysOfFile =
    std::function<absl::StatusOr<std::vector<TomlKey>>(const std::vector<TomlTable>& tables)>;

// Those of the top level; INVALID_ARGUMENT if there are other tables.
absl::StatusOr<std::vector<TomlKey>> TopLevelKeys(const std::vector<TomlTable>& tables);

// Gives each long option that `app` has so far (but help, version and config) a variable of its own
// in the environment: `prefix` and the option's name in capitals with underscores,
// FLEETQSHAPE_AGENT_HOST for --host. Adds --config FILE, whose TOML keys are the long options'
// names; `default_config_file` is read if it is there and no other is named. CLI11 alone would let
// the file win over the environment.
void AddLayers(CLI::App* app, const std::string& prefix,
               const std::string& default_config_file = "", KeysOfFile keys_of_file = TopLevelKeys);

// What a program has to say before it ends.
struct ParseEnd {
  int exit_status = kExitOk;
  std::string output;  // for standard output, whole lines
  std::string error;   // for standard error, a line without its end; empty: none
};

// Parses. Nothing if the program can go on.
std::optional<ParseEnd> Parse(CLI::App* app, int argc, const char* const* argv);

// Parses. False if the program has to end with *exit_status: help or the version was printed to
// standard output, or one line about the wrong usage to standard error.
bool ParseOptions(CLI::App* app, int argc, const char* const* argv, int* exit_status);

// The same, and then asks `check` whether the options fit each other: if not, the line is its
// message, and it is wrong usage, too.
bool ParseOptions(CLI::App* app, int argc, const char* const* argv,
                  const std::function<absl::Status()>& check, int* exit_status);

// Adds --log-level, for StartLogging.
void AddLogLevel(CLI::App* app, std::string* level);

// Writes all of `text` to standard output. False if that failed, which it says on standard error;
// if the reader just went away, the program ends by SIGPIPE instead, as other filters do.
bool PrintOutput(std::string_view program, std::string_view text);

// One line on standard error: "PROGRAM: MESSAGE".
void PrintError(std::string_view program, std::string_view message);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_OPTIONS_LAYERED_OPTIONS_H_
