// Randomness, as something that a program is given.
#ifndef FLEETQSHAPE_COMMON_BASE_RANDOM_H_
#define FLEETQSHAPE_COMMON_BASE_RANDOM_H_

#include <cstdint>
#include <functional>
#include <random>

namespace fleetqshape {

// Random 64-bit numbers, seeded by the system. One thread at a time.
inline std::function<uint64_t()> SystemRandom() {
  std::random_device device;
  const uint64_t seed = (static_cast<uint64_t>(device()) << 32) | device();
  return [engine = std::mt19937_64(seed)]() mutable { return engine(); };
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_RANDOM_H_
