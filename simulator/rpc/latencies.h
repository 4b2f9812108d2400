// How long things took.
#ifndef FLEETQSHAPE_SIMULATOR_RPC_LATENCIES_H_
#define FLEETQSHAPE_SIMULATOR_RPC_LATENCIES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fleetqshape {

// Counts by millisecond, up to a minute; what took longer counts as that. One thread at a time.
class Latencies {
 public:
  Latencies() : counts_(60'001) {}

  void Add(int64_t milliseconds) {
    const auto last = static_cast<int64_t>(counts_.size()) - 1;
    ++counts_[static_cast<size_t>(std::clamp<int64_t>(milliseconds, 0, last))];
    ++count_;
  }
  uint64_t count() const { return count_; }
  // The least time within which this share (from 0 to 1) was done; 0 if there is none.
  int64_t Quantile(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size() && count_ > 0; ++i) {
      seen += counts_[i];
      if (seen > 0 && seen >= wanted) return static_cast<int64_t>(i);
    }
    return 0;
  }

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_RPC_LATENCIES_H_
