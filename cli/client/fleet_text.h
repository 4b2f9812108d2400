// What is said of relays in words. Whatever comes from a server is made fit to be shown
// (PrintableName).
#ifndef FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_
#define FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// In its two largest units at most: 45s, 5m, 3h10m, 2d.
std::string DurationText(int64_t seconds);

// "1 message", "2 messages".
std::string CountText(uint64_t count, const char* what);

// What an answer covers: a line, and another one if the aggregator has a problem.
std::vector<std::string> CoverageLines(const v1::Coverage& coverage);

// Why a question to `server` has no answer, and what to do.
std::string FailureText(const absl::Status& failure, const std::string& server);

// A table of relays for people: a line of heads, and one a relay.
std::string RelaysText(const v1::ListRelaysResponse& relays);

// What became of each relay that was to be forgotten.
struct ForgottenText {
  std::vector<std::string> forgotten;
  std::vector<std::string> left;  // with what to do
};
ForgottenText TextOfForgotten(const v1::ForgetRelaysResponse& response);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_FLEET_TEXT_H_
