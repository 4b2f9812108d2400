// The options that are about a fleet's table: what to show of it, and how.
#ifndef FLEETQSHAPE_CLI_OPTIONS_FLEET_OPTIONS_H_
#define FLEETQSHAPE_CLI_OPTIONS_FLEET_OPTIONS_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "cli/options.h"
#include "cli/options/command_line.h"

namespace fleetqshape {

// Of --watch without a value.
inline constexpr double kWatchSeconds = 2;

// What these options may be given; of --by a label's key too, of --sort a group's name.
std::vector<std::string> RowKeyWords();
std::vector<std::string> SortWords();
std::vector<std::string> OutputWords();
std::vector<std::string> ColorWords();

// For this machine's files. INVALID_ARGUMENT also if an option was typed that only an aggregator
// can answer.
absl::Status FillLocalOptions(const CLI::App& app, const RawOptions& raw, CliOptions* options);

// For a fleet. INVALID_ARGUMENT for values that make no sense, and for options that exclude each
// other.
absl::Status FillFleetOptions(const CLI::App& app, const RawOptions& raw, CliOptions* options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_FLEET_OPTIONS_H_
