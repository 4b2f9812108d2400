// Randomness that a failed test can be run again with.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_RANDOM_SOURCE_H_
#define FLEETQSHAPE_TESTS_SUPPORT_RANDOM_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace fleetqshape::test {

// The first seed of a test that runs with several: FLEETQSHAPE_FIRST_SEED, or 1. Tests name the
// seed of a run that fails (SCOPED_TRACE).
inline uint64_t FirstSeed() {
  const char* text = std::getenv("FLEETQSHAPE_FIRST_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

// How many runs: four times as many if FLEETQSHAPE_LONG_TESTS is set.
inline uint64_t Runs(uint64_t usual) {
  return std::getenv("FLEETQSHAPE_LONG_TESTS") == nullptr ? usual : usual * 4;
}

inline std::string SeedTrace(uint64_t seed) {
  return "run again with FLEETQSHAPE_FIRST_SEED=" + std::to_string(seed);
}

class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : engine_(seed) {}

  uint64_t Bits() { return engine_(); }
  // At least `first`, at most `last`.
  int64_t Between(int64_t first, int64_t last) {
    return std::uniform_int_distribution<int64_t>(first, last)(engine_);
  }
  bool OneIn(int64_t chances) { return Between(1, chances) == 1; }
  template <typename Values>
  const auto& OneOf(const Values& values) {
    return values[static_cast<size_t>(Between(0, static_cast<int64_t>(values.size()) - 1))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_RANDOM_SOURCE_H_
