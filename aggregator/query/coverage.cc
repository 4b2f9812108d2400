#include "aggregator/query/coverage.h"

#include <numeric>

namespace fleetqshape {
namespace {

uint64_t SkippedFiles(const RelayState& state) {
  return state.files == nullptr ? 0 : state.files->unreadable() + state.files->damaged();
}

}  // namespace

Freshness CoverageRules::FreshnessOf(const RelayView& relay) const {
  if (relay.state->epoch == 0) return Freshness::kMissing;
  return SilentSeconds(relay) > stale_after_seconds_ ? Freshness::kStale : Freshness::kFresh;
}

RelayNotice CoverageRules::NoticeOf(const RelayView& relay) const {
  const auto messages = MessagesOf(*relay.state);
  return {.identity = relay.description->identity,
          .silent_seconds = SilentSeconds(relay),
          .messages = std::accumulate(messages.begin(), messages.end(), uint64_t{0}),
          .damaged = relay.state->damaged,
          .clock_offset_milliseconds = relay.clock_offset_milliseconds,
          .skipped_files = SkippedFiles(*relay.state)};
}

Coverage CoverageRules::CoverageOf(const std::vector<RelayView>& relays) const {
  Coverage coverage;
  coverage.relays = relays.size();
  for (const RelayView& relay : relays) {
    switch (FreshnessOf(relay)) {
      case Freshness::kFresh:
        ++coverage.fresh;
        break;
      case Freshness::kStale:
        coverage.stale.push_back(NoticeOf(relay));
        break;
      case Freshness::kMissing:
        coverage.missing.push_back(NoticeOf(relay));
        break;
    }
    const int64_t offset = relay.clock_offset_milliseconds;
    if (offset > kSkewMilliseconds || offset < -kSkewMilliseconds) {
      coverage.skewed.push_back(NoticeOf(relay));
    }
    coverage.skipped_files += SkippedFiles(*relay.state);
  }
  return coverage;
}

}  // namespace fleetqshape
