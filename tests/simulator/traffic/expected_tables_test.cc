#include "simulator/traffic/expected_tables.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(ExpectedTablesTest, AreThoseOfAllRelays) {
  const Domains domains({.count = 100});
  SimulatedQueue one(&domains, [](const Cell&, int64_t) {});
  SimulatedQueue two(&domains, [](const Cell&, int64_t) {});
  one.Add(Queue::kDeferred,
          {.arrival = 10'000, .sender = 2, .domains = {1, 2}, .recipients = {3, 1}});
  two.Add(Queue::kDeferred,
          {.arrival = 9'000, .sender = kMailerDaemon, .domains = {1}, .recipients = {1}});
  two.Remove(two.Add(Queue::kDeferred,
                     {.arrival = 9'000, .sender = 1, .domains = {1}, .recipients = {1}}));
  ExpectedTables tables(&domains, 10'100);
  tables.Add(one);
  tables.Add(two);
  const test::TemporaryDirectory directory;
  const std::string path = directory.path("not/yet/there");
  ASSERT_TRUE(tables.Write(path).ok());
  EXPECT_EQ(ContentOf(path + "/at"), "10100\n");
  EXPECT_EQ(ContentOf(path + "/deferred.recipients"),
            "                                         T  5 10 20 40 80 160 320 640 1280 1280+\n"
            "                                  TOTAL  5  4  0  1  0  0   0   0   0    0     0\n"
            "                          gmail.example  4  3  0  1  0  0   0   0   0    0     0\n"
            "                        outlook.example  1  1  0  0  0  0   0   0   0    0     0\n");
  EXPECT_EQ(ContentOf(path + "/deferred.senders"),
            "                                         T  5 10 20 40 80 160 320 640 1280 1280+\n"
            "                                  TOTAL  2  1  0  1  0  0   0   0   0    0     0\n"
            "                          MAILER-DAEMON  1  0  0  1  0  0   0   0   0    0     0\n"
            "                        outlook.example  1  1  0  0  0  0   0   0   0    0     0\n");
  EXPECT_EQ(ContentOf(path + "/hold.senders"),
            "                                         T  5 10 20 40 80 160 320 640 1280 1280+\n"
            "                                  TOTAL  0  0  0  0  0  0   0   0   0    0     0\n");
}

TEST(ExpectedTablesTest, ADirectoryThatCannotBeMade) {
  const Domains domains({.count = 100});
  EXPECT_FALSE(ExpectedTables(&domains, 1).Write("/proc/nothing/here").ok());
}

}  // namespace
}  // namespace fleetqshape
