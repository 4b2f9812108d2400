// Which relays an answer covers.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_COVERAGE_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_COVERAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/ingest/fleet.h"
#include "common/base/clock.h"

namespace fleetqshape {

enum class Freshness {
  kFresh,    // heard of lately
  kStale,    // not, so its state is what it was then
  kMissing,  // known, but never reported a state
};

// A relay that there is something to say of.
struct RelayNotice {
  RelayIdentity identity;
  int64_t silent_seconds = 0;  // since it was last heard of
  uint64_t messages = 0;       // in its queues then
  bool damaged = false;        // what was stored of it is lost (RelayState)
  int64_t clock_offset_milliseconds = 0;
  uint64_t skipped_files = 0;  // unreadable and damaged ones
};

struct Coverage {
  size_t relays = 0;
  size_t fresh = 0;
  std::vector<RelayNotice> stale;  // part of the answer
  std::vector<RelayNotice> missing;
  // Their clocks differ from the aggregator's by more than kSkewMilliseconds.
  std::vector<RelayNotice> skewed;
  uint64_t skipped_files = 0;
  size_t left_out = 0;  // relays that are in no group of a comparison: not among the others
  // Why the aggregator takes no reports at the moment, in words; empty if it does.
  std::string problem;
};

// A larger difference of clocks is worth telling, although ages are right all the same.
inline constexpr int64_t kSkewMilliseconds = 2000;

// How old what is known of relays is, at one moment.
class CoverageRules {
 public:
  // A relay that was not heard of for longer is stale.
  CoverageRules(const Clock& clock, int64_t stale_after_seconds)
      : monotonic_milliseconds_(clock.MonotonicMilliseconds()),
        stale_after_seconds_(stale_after_seconds) {}

  // Whole seconds since the relay was last heard of, whatever the wall clock did meanwhile.
  int64_t SilentSeconds(const RelayView& relay) const {
    return (monotonic_milliseconds_ - relay.heard.monotonic_milliseconds) / 1000;
  }
  Freshness FreshnessOf(const RelayView& relay) const;
  Coverage CoverageOf(const std::vector<RelayView>& relays) const;

 private:
  RelayNotice NoticeOf(const RelayView& relay) const;

  const int64_t monotonic_milliseconds_;
  const int64_t stale_after_seconds_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_COVERAGE_H_
