// Asks Postfix for its configuration, through its own program postconf(1).
#ifndef FLEETQSHAPE_COMMON_POSTFIX_POSTCONF_H_
#define FLEETQSHAPE_COMMON_POSTFIX_POSTCONF_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fleetqshape::postfix {

// Which values of the parameters are asked for.
enum class PostconfValues {
  kExpanded,   // as they are in force, with $name expanded
  kAsWritten,  // as main.cf has them
  kDefault,    // as they were compiled in; main.cf is not read
};

struct PostconfQuestion {
  std::string program = "postconf";  // a path, or a name for PostconfPath
  // The instance's configuration directory. Empty: postconf's own choice, which is MAIL_CONFIG in
  // the environment or the directory compiled in.
  std::string config_directory;
  std::vector<std::string> names;  // of parameters, at least one
  PostconfValues values = PostconfValues::kExpanded;
  std::chrono::milliseconds time_limit{10'000};
};

// Where `program` is: itself if it is a path; a name is looked for in the absolute directories of
// PATH and then in /usr/sbin, which the PATH of an ordinary user lacks. Whether there is such a
// program is not sure.
std::string PostconfPath(const std::string& program);

// The values, one for each name. Any thread may ask. It takes postconf some milliseconds; two
// seconds if main.cf has just changed, because Postfix waits until nobody seems to write it any
// more (src/util/dict.c); and one second to fail (src/util/msg.c).
//
// NOT_FOUND if there is no such program; UNAVAILABLE if it cannot be run, fails, does not answer in
// time, or does not know one of the parameters. The message says what happened, with postconf's own
// words, and not what to do.
absl::StatusOr<std::vector<std::string>> AskPostconf(const PostconfQuestion& question);

}  // namespace fleetqshape::postfix

#endif  // FLEETQSHAPE_COMMON_POSTFIX_POSTCONF_H_
