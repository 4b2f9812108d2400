// fleetqshape: wiring.

#include <csignal>

#include "cli/client/completion_question.h"
#include "cli/client/fleet_question.h"
#include "cli/client/relays_question.h"
#include "cli/local/local_question.h"
#include "cli/options.h"
#include "cli/options/completion.h"
#include "cli/options/context_command.h"
#include "cli/options/parse.h"
#include "cli/output.h"
#include "cli/watch/watch.h"
#include "common/base/clock.h"
#include "common/base/standard_streams.h"

int main(int argc, char** argv) {
  fleetqshape::OccupyStandardStreams();
  // A reader that goes away is an error to be seen, not a reason to die without a word.
  std::signal(SIGPIPE, SIG_IGN);
  int exit_status = 0;
  const auto options = fleetqshape::ParseCliOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  if (options->local) return fleetqshape::AnswerLocally(*options, fleetqshape::SystemClock());
  switch (options->question) {
    case fleetqshape::Question::kRelays:
      return fleetqshape::ListRelays(*options);
    case fleetqshape::Question::kForget:
      return fleetqshape::ForgetRelays(*options);
    case fleetqshape::Question::kContextList:
      return fleetqshape::ListContexts(*options);
    case fleetqshape::Question::kContextUse:
      return fleetqshape::UseContext(*options);
    case fleetqshape::Question::kCompletionScript:
      return fleetqshape::PrintText(fleetqshape::CompletionScript(options->arguments[0])) ? 0 : 1;
    case fleetqshape::Question::kComplete:
      return fleetqshape::CompleteWord(*options);
    case fleetqshape::Question::kTable:
      break;
  }
  if (options->watch_seconds) {
    return fleetqshape::WatchFleet(*options, fleetqshape::SystemClock());
  }
  return fleetqshape::AnswerFromFleet(*options);
}
