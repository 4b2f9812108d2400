#include "agent/watch/queue_state.h"

#include <algorithm>
#include <optional>

namespace fleetqshape {

Block BlockOf(std::vector<std::pair<uint32_t, int64_t>> arrivals) {
  std::sort(arrivals.begin(), arrivals.end());
  BlockBuilder builder;
  std::optional<uint32_t> current;
  for (const auto& [name_id, arrival] : arrivals) {
    if (current != name_id) builder.StartName(name_id);
    current = name_id;
    builder.AddArrival(arrival);
  }
  return builder.Finish();
}

}  // namespace fleetqshape
