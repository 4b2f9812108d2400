// memory_bandwidth: how fast this machine reads memory, as a question to the aggregator does.
//
//   memory_bandwidth [MEGABYTES] [ROUNDS]      (1024, 10)
//
// Sums up an array of numbers, in one thread and in two, each with a half of its own. Prints a line
// of JSON for each: the bytes a second of the best round.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

namespace {

using SteadyClock = std::chrono::steady_clock;

// Four sums beside each other, or the additions would wait for each other, and not for memory.
uint64_t Sum(std::span<const uint64_t> numbers) {
  std::array<uint64_t, 4> sums{};
  size_t i = 0;
  for (; i + sums.size() <= numbers.size(); i += sums.size()) {
    for (size_t k = 0; k < sums.size(); ++k) sums[k] += numbers[i + k];
  }
  for (; i < numbers.size(); ++i) sums[0] += numbers[i];
  return sums[0] + sums[1] + sums[2] + sums[3];
}

double SecondsOfSum(std::span<const uint64_t> numbers, size_t threads, uint64_t expected) {
  std::vector<uint64_t> sums(threads);
  const auto begin = SteadyClock::now();
  std::vector<std::thread> others;
  const size_t part = numbers.size() / threads;
  for (size_t i = 1; i < threads; ++i) {
    others.emplace_back([&, i] { sums[i] = Sum(numbers.subspan(i * part, part)); });
  }
  sums[0] = Sum(numbers.first(part));
  for (std::thread& other : others) other.join();
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  if (Sum(sums) != expected) std::abort();  // so that no sum is left out
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1024;
  const size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10;
  std::vector<uint64_t> numbers(std::max<size_t>(megabytes, 1) * 125'000);
  std::iota(numbers.begin(), numbers.end(), 1);
  const uint64_t expected = Sum(numbers);
  const auto bytes = static_cast<double>(numbers.size() * sizeof(uint64_t));
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    double best = SecondsOfSum(numbers, threads, expected);
    for (size_t i = 1; i < rounds; ++i) {
      best = std::min(best, SecondsOfSum(numbers, threads, expected));
    }
    std::printf("{\"threads\": %zu, \"bytes_per_second\": %.0f}\n", threads, bytes / best);
  }
  return EXIT_SUCCESS;
}
