// Which relays an agent is for.
#ifndef FLEETQSHAPE_AGENT_RELAY_FINDER_H_
#define FLEETQSHAPE_AGENT_RELAY_FINDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/options.h"
#include "agent/postfix/instances.h"

namespace fleetqshape {

// The queue directories that the options name, or else those of Postfix's instances; with what
// Postfix is configured to do, where that can be told. For use by one thread.
class RelayFinder {
 public:
  explicit RelayFinder(const AgentOptions& options);

  // An error says what to do. May take some seconds if main.cf has just changed.
  absl::StatusOr<std::vector<RelayOptions>> Find();
  // What the last Find left out or could not tell, a line each.
  const std::vector<std::string>& problems() const { return problems_; }
  // Whether Find may have another answer than the last time. Cheap.
  bool Changed() const { return instances_.Changed(); }

 private:
  absl::StatusOr<std::vector<RelayOptions>> FindNamed();

  const AgentOptions options_;
  InstanceFinder instances_;
  std::vector<std::string> problems_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_RELAY_FINDER_H_
