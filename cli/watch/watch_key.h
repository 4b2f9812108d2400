// The keys that a watched table knows.
#ifndef FLEETQSHAPE_CLI_WATCH_WATCH_KEY_H_
#define FLEETQSHAPE_CLI_WATCH_WATCH_KEY_H_

namespace fleetqshape {

enum class WatchKey {
  kOther,  // any that has no meaning
  kQuit,
  kAxis,  // senders or recipients
  kMaildrop,
  kHold,
  kIncoming,
  kActive,
  kDeferred,
  kCluster,  // the next one
  kPause,
  kGrowth,  // sorts by it
  kTotal,   // sorts by it, or as the command line says
  kReset,   // the first picture is the next one
  kFaster,
  kSlower,
  kHelp,
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kHome,
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_WATCH_KEY_H_
