// Runs another program to its end and takes what it writes.
#ifndef FLEETQSHAPE_COMMON_BASE_COMMAND_H_
#define FLEETQSHAPE_COMMON_BASE_COMMAND_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fleetqshape {

struct Command {
  std::string program;                 // its path
  std::vector<std::string> arguments;  // without the program's name
  std::chrono::milliseconds time_limit{10'000};
  size_t max_output_bytes = size_t{64} << 10;
};

struct CommandResult {
  // What the program exited with, or 128 and the number of the signal that ended it.
  int exit_status = 0;
  std::string output;  // its standard output
  std::string errors;  // the beginning of its standard error: at most max_output_bytes
};

// Runs `command`, without a shell, and waits for its end. The program gets this process's
// environment and working directory, an empty standard input, no other open files, and no signals
// blocked or ignored. It is in a process group of its own: when the time is over, it and what it
// started are killed. What it leaves running when it ends in time is not waited for.
//
// NOT_FOUND if there is no such program, UNAVAILABLE if it cannot be run, DEADLINE_EXCEEDED if it
// took longer than `time_limit` (it is waited for a second more, until it is dead),
// RESOURCE_EXHAUSTED if it wrote more than `max_output_bytes` to its standard output; it is killed
// then, too. That it fails is no error of this function: see exit_status.
//
// Any number of threads may run commands at a time.
absl::StatusOr<CommandResult> RunCommand(const Command& command);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_COMMAND_H_
