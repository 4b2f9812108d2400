// What became of relays that were to be forgotten, in words fit to be shown (PrintableName).
#ifndef FLEETQSHAPE_CLI_OUTPUT_FORGOTTEN_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_FORGOTTEN_TEXT_H_

#include <string>
#include <vector>

#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// A line for each relay.
struct ForgottenText {
  std::vector<std::string> forgotten;
  std::vector<std::string> left;  // with what to do
};
ForgottenText TextOfForgotten(const v1::ForgetRelaysResponse& response);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_FORGOTTEN_TEXT_H_
