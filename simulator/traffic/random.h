// Seeded randomness that is cheap to have ten thousand of.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_RANDOM_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_RANDOM_H_

#include <cstdint>
#include <limits>

namespace fleetqshape {

// The finisher of splitmix64: nearby numbers give unrelated ones.
constexpr uint64_t Scramble(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}
constexpr uint64_t Scramble(uint64_t a, uint64_t b) { return Scramble(Scramble(a) ^ b); }
constexpr uint64_t Scramble(uint64_t a, uint64_t b, uint64_t c) {
  return Scramble(Scramble(a, b) ^ c);
}

// From 0 up to, and without, 1.
constexpr double FractionOf(uint64_t x) { return static_cast<double>(x >> 11) * 0x1.0p-53; }

// splitmix64: eight bytes. A standard random number engine; one thread at a time.
class Random {
 public:
  using result_type = uint64_t;

  explicit Random(uint64_t seed) : state_(seed) {}

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }
  uint64_t operator()() {
    const uint64_t number = Scramble(state_);
    state_ += 0x9E3779B97F4A7C15;
    return number;
  }

  double Fraction() { return FractionOf((*this)()); }
  bool Chance(double probability) { return Fraction() < probability; }
  // From 0 up to, and without, `end`, which is above 0.
  uint32_t Below(uint32_t end) { return static_cast<uint32_t>(Fraction() * end); }

 private:
  uint64_t state_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_RANDOM_H_
