// How long to wait before the next attempt to connect.
#ifndef FLEETQSHAPE_AGENT_REPORT_BACKOFF_H_
#define FLEETQSHAPE_AGENT_REPORT_BACKOFF_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

namespace fleetqshape {

// Doubles from 100 ms up to 2 s, which with the time of an attempt to connect has a relay report
// again within 5 s after the last fault. Each delay is drawn at random from its upper half, so that
// a thousand agents that lost one aggregator do not come back at once. One thread at a time.
class Backoff {
 public:
  static constexpr int64_t kFirstMilliseconds = 100;
  static constexpr int64_t kLongestMilliseconds = 2000;

  explicit Backoff(std::function<uint64_t()> random) : random_(std::move(random)) {}

  int64_t NextDelayMilliseconds() {
    const int64_t longest = longest_;
    longest_ = std::min(longest_ * 2, kLongestMilliseconds);
    const int64_t half = longest / 2;
    return half + static_cast<int64_t>(random_() % static_cast<uint64_t>(half + 1));
  }
  // After a connection that worked.
  void Reset() { longest_ = kFirstMilliseconds; }

 private:
  std::function<uint64_t()> random_;
  int64_t longest_ = kFirstMilliseconds;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_REPORT_BACKOFF_H_
