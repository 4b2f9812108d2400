// Answers questions from the fleet's state in memory.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_QUERY_ENGINE_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_QUERY_ENGINE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/coverage.h"
#include "aggregator/query/question.h"
#include "aggregator/query/selection.h"
#include "aggregator/query/worker_pool.h"
#include "common/base/clock.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// One relay by itself, as of its last report.
struct RelayStatus {
  RelayId id = 0;
  std::shared_ptr<const RelayDescription> description;
  std::array<uint64_t, kAllQueues.size()> messages{};  // in the order of kAllQueues
  // Null: unknown.
  std::shared_ptr<const v1::PostfixSettings> settings;
  std::shared_ptr<const v1::FileCounts> files;
  int64_t heard_milliseconds = 0;         // when it was last heard of, on the aggregator's clock
  int64_t clock_offset_milliseconds = 0;  // how far its clock is ahead of the aggregator's
  bool connected = false;                 // its agent has a stream open
  Freshness freshness = Freshness::kMissing;
  int64_t silent_seconds = 0;  // since it was last heard of
  bool damaged = false;        // what was stored of it is lost (RelayState)
};

struct RelayList {
  std::vector<RelayStatus> relays;  // by cluster, host and instance
  int64_t at_seconds = 0;           // on the aggregator's clock
};

// How many relays there are of each kind.
struct RelayCounts {
  size_t fresh = 0;
  size_t stale = 0;
  size_t missing = 0;
  size_t connected = 0;  // an agent has a stream open: any of the above
};

// Safe for use by several threads.
class QueryEngine {
 public:
  struct Options {
    // A relay that was not heard of for longer is stale.
    int64_t stale_after_seconds = 60;
    // So many threads work on one question, the caller's among them.
    size_t threads = 1;
  };

  // `fleet` and `clock` outlive the engine.
  QueryEngine(const Fleet* fleet, const Clock* clock, Options options);

  // The table of the relays that match. NOT_FOUND, with what to do, if none does; INVALID_ARGUMENT
  // for a question that makes no table; RESOURCE_EXHAUSTED for a table that would not fit into
  // memory; CANCELLED soon after `cancelled`, which may be null, became true.
  absl::StatusOr<TableAnswer> GetTable(const TableQuestion& question,
                                       const std::atomic<bool>* cancelled = nullptr) const;

  // The relays that match, each by itself. NOT_FOUND, with what to do, if none does.
  absl::StatusOr<RelayList> ListRelays(const Selection& selection) const;

  // Of the whole fleet, which may be empty.
  RelayCounts CountRelays() const;

 private:
  CoverageRules Rules() const { return {clock_, options_.stale_after_seconds}; }

  const Fleet& fleet_;
  const Clock& clock_;
  const Options options_;
  const std::unique_ptr<WorkerPool> pool_;  // null: one thread
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_QUERY_ENGINE_H_
