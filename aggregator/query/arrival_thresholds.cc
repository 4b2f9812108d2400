#include "aggregator/query/arrival_thresholds.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace fleetqshape {
namespace {

constexpr uint32_t kBias = uint32_t{1} << 31;

// The compilers make of this what the machine has: one register of AVX2, two of SSE2.
constexpr size_t kLanes = 8;
typedef int32_t Lanes __attribute__((vector_size(kLanes * sizeof(int32_t))));

// So many thresholds, and the counts for them, fit into the sixteen registers.
constexpr size_t kAtOnce = 5;
// What is compared with the first thresholds is still in the nearest cache for the next ones.
constexpr size_t kValuesAtOnce = 4096;

int32_t Biased(uint32_t value) { return static_cast<int32_t>(value ^ kBias); }

// Adds to below[j] how many values lie below biased threshold j, for all j in kIndices.
template <size_t... kIndices>
[[gnu::always_inline]] inline void CountBelow(const uint32_t* values, size_t count,
                                              const int32_t* thresholds, uint64_t* below,
                                              std::index_sequence<kIndices...> /*indices*/) {
  const Lanes bias = Lanes{} + static_cast<int32_t>(kBias);
  std::array<Lanes, sizeof...(kIndices)> wanted{};
  ((wanted[kIndices] += thresholds[kIndices]), ...);
  std::array<Lanes, sizeof...(kIndices)> found{};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Lanes lanes;
    std::memcpy(&lanes, values + i, sizeof(lanes));
    lanes ^= bias;
    // A comparison that holds is -1.
    ((found[kIndices] -= wanted[kIndices] > lanes), ...);
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    ((below[kIndices] += static_cast<uint64_t>(found[kIndices][lane])), ...);
  }
  for (; i < count; ++i) {
    const int32_t value = Biased(values[i]);
    ((below[kIndices] += thresholds[kIndices] > value ? 1 : 0), ...);
  }
}

[[gnu::always_inline]] inline void CountBelow(const uint32_t* values, size_t count,
                                              absl::Span<const int32_t> thresholds,
                                              uint64_t* below) {
  while (count > 0) {
    const size_t part = std::min(count, kValuesAtOnce);
    size_t k = 0;
    for (; k + kAtOnce <= thresholds.size(); k += kAtOnce) {
      CountBelow(values, part, thresholds.data() + k, below + k,
                 std::make_index_sequence<kAtOnce>());
    }
    for (; k + 2 <= thresholds.size(); k += 2) {
      CountBelow(values, part, thresholds.data() + k, below + k, std::make_index_sequence<2>());
    }
    if (k < thresholds.size()) {
      CountBelow(values, part, thresholds.data() + k, below + k, std::make_index_sequence<1>());
    }
    values += part;
    count -= part;
  }
}

void CountBelowAnywhere(const uint32_t* values, size_t count, absl::Span<const int32_t> thresholds,
                        uint64_t* below) {
  CountBelow(values, count, thresholds, below);
}

#ifdef __x86_64__
// Debian's compilers build for machines without AVX2.
[[gnu::target("avx2")]] void CountBelowWithAvx2(const uint32_t* values, size_t count,
                                                absl::Span<const int32_t> thresholds,
                                                uint64_t* below) {
  CountBelow(values, count, thresholds, below);
}

const auto kCountBelow =
    __builtin_cpu_supports("avx2") != 0 ? &CountBelowWithAvx2 : &CountBelowAnywhere;
#else
constexpr auto kCountBelow = &CountBelowAnywhere;
#endif

}  // namespace

ArrivalThresholds::ArrivalThresholds(std::vector<int64_t> thresholds)
    : thresholds_(std::move(thresholds)) {
  for (size_t k = 0; k < thresholds_.size(); ++k) {
    if (thresholds_[k] <= 0) {
      always_.push_back(k);
    } else if (thresholds_[k] <= int64_t{std::numeric_limits<uint32_t>::max()}) {
      biased_.push_back(Biased(static_cast<uint32_t>(thresholds_[k])));
      biased_indices_.push_back(k);
    }
  }
}

void ArrivalThresholds::CountNotBelow(absl::Span<const uint32_t> values, uint64_t* counts) const {
  for (const size_t k : always_) counts[k] += values.size();
  constexpr size_t kFew = 32;
  std::array<uint64_t, kFew> below;
  for (size_t first = 0; first < biased_.size(); first += kFew) {
    const auto part = absl::MakeConstSpan(biased_).subspan(first, kFew);
    std::fill_n(below.begin(), part.size(), 0);
    kCountBelow(values.data(), values.size(), part, below.data());
    for (size_t k = 0; k < part.size(); ++k) {
      counts[biased_indices_[first + k]] += values.size() - below[k];
    }
  }
}

void ArrivalThresholds::CountNotBelow(absl::Span<const int64_t> values, uint64_t* counts) const {
  for (size_t k = 0; k < thresholds_.size(); ++k) {
    counts[k] += static_cast<uint64_t>(
        std::count_if(values.begin(), values.end(),
                      [threshold = thresholds_[k]](int64_t value) { return value >= threshold; }));
  }
}

}  // namespace fleetqshape
