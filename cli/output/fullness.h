// How full the active queues of relays are, against qmgr_message_active_limit.
#ifndef FLEETQSHAPE_CLI_OUTPUT_FULLNESS_H_
#define FLEETQSHAPE_CLI_OUTPUT_FULLNESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "cli/output/screen_text.h"
#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

// The active queue of some relays together.
struct ActiveQueue {
  uint64_t messages = 0;
  uint64_t limit = 0;
  bool known = true;  // false: what a relay has or its limit is not known

  void Add(const v1::RelayStatus& relay);
  // In percent, not rounded; nothing if it is not known.
  std::optional<double> Percent() const;
};

// "87%", above the limit more than 100%; "-" if it is not known.
std::string FullText(const ActiveQueue& queue);

// kWarning from 80 percent, kBad from 95: what else comes waits in incoming.
Style StyleOf(const ActiveQueue& queue);

// By the rows that v1::TableRequest.rows_by makes of relays.
class Fullness {
 public:
  Fullness(const v1::ListRelaysResponse& relays, std::string_view rows_by);

  // Null if no relay is in that row.
  const ActiveQueue* Find(std::string_view row) const;
  const ActiveQueue& total() const { return total_; }

 private:
  absl::flat_hash_map<std::string, ActiveQueue> rows_;
  ActiveQueue total_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_FULLNESS_H_
