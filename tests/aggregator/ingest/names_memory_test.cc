// Names that come once and go again give their memory back, to the system.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ingest/fleet_names.h"
#include "aggregator/ingest/relay_names.h"

namespace fleetqshape {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kOwnAllocator = true;
#elif defined(__has_feature)
constexpr bool kOwnAllocator = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kOwnAllocator = false;
#endif

// Of this process, in bytes.
double ResidentMemory() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

class NamesMemoryTest : public ::testing::Test {
 protected:
  static constexpr int kRelays = 20;
  static constexpr int kNamesOfReport = 500;

  NamesMemoryTest() {
    // Relays that stay, whose names come between those that go.
    for (int i = 0; i < kRelays; ++i) Extend("stays", kRelays * 20, &stays_);
    Pass(total_ / 10, 1);
    before_ = ResidentMemory();
  }

  // Reports bring names that no other has.
  void Extend(const std::string& kind, int count, RelayNames* table) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i)
      names.push_back(kind + std::to_string(next_++) + ".example.com");
    *table = table->With(std::vector<std::string_view>(names.begin(), names.end()), &names_);
  }

  // One-time names of all relays: each gives its own up when it begins an epoch, which it does so
  // many times.
  void Pass(int total, int epochs) {
    std::vector<RelayNames> tables(kRelays);
    for (int epoch = 0; epoch < epochs; ++epoch) {
      for (RelayNames& table : tables) {
        table = RelayNames();
        for (int left = total / kRelays / epochs; left > 0; left -= kNamesOfReport) {
          Extend("once", kNamesOfReport, &table);
        }
      }
      names_.ReturnMemory();
    }
    most_ = ResidentMemory();
    tables.clear();
    names_.ReturnMemory();
  }

  void ExpectAsBefore() {
    EXPECT_LT(names_.size(), 2 * stays_.size());
    if (kOwnAllocator) return;  // which keeps what is freed
    EXPECT_LT(ResidentMemory(), 1.2 * before_);
  }

  const int total_ = std::getenv("FLEETQSHAPE_LONG_TESTS") == nullptr ? 1'000'000 : 10'000'000;
  FleetNames names_;
  RelayNames stays_;
  int next_ = 0;
  double before_ = 0;
  double most_ = 0;
};

TEST_F(NamesMemoryTest, NamesThatGoAllAtOnce) {
  Pass(total_, 1);
  EXPECT_GT(most_, before_ + 50.0 * total_) << "or this measures nothing";
  ExpectAsBefore();
}

TEST_F(NamesMemoryTest, NamesThatGoInWaves) {
  Pass(total_, 10);
  ExpectAsBefore();
}

}  // namespace
}  // namespace fleetqshape
