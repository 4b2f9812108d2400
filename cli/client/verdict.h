// What an answer means to a program that looks at the exit status.
#ifndef FLEETQSHAPE_CLI_CLIENT_VERDICT_H_
#define FLEETQSHAPE_CLI_CLIENT_VERDICT_H_

#include <string>
#include <vector>

#include "cli/options.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// Of --strict and --fail-if. A threshold that is crossed wins: what the relays that are missing
// hold could only add to it, and it is the worse news.
inline constexpr int kExitIncomplete = 3;
inline constexpr int kExitThreshold = 4;

struct Verdict {
  int exit_status = 0;
  std::vector<std::string> lines;  // why it is not 0, for standard error
};
// `head` has ages if a threshold is about the oldest message.
Verdict VerdictOf(const CliOptions& options, const v1::TableHead& head);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_VERDICT_H_
