// Which changes of the configuration are noticed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/postfix/instances.h"
#include "tests/agent/postfix/instance_finder_fixture.h"
#include "tests/support/main_cf.h"
#include "tests/support/unprivileged.h"

namespace fleetqshape {
namespace {

using test::WriteMainCf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Optional;

class InstanceChangesTest : public InstanceFinderTest {};

std::pair<int64_t, int64_t> ChangeTimeOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return {status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

// Changes the file until its time of change is another: that is as coarse as the kernel's clock
// tick.
void ChangeLater(const std::string& path, const std::function<void()>& change) {
  const auto before = ChangeTimeOf(path);
  do {
    change();
  } while (ChangeTimeOf(path) == before);
}

TEST_F(InstanceChangesTest, BeforeTheFirstFindEverythingIsNew) {
  Configure("postfix", "");
  EXPECT_TRUE(finder_.Changed());
  Find();
  EXPECT_FALSE(finder_.Changed());
  EXPECT_FALSE(finder_.Changed());
}

TEST_F(InstanceChangesTest, AChangeOfAnyMainCfIsNoticed) {
  ConfigurePrimary({"a"});
  Configure("a", "");
  Find();
  Configure("a", "queue_run_delay = 10s\n");
  EXPECT_TRUE(finder_.Changed());
  const std::vector<PostfixInstance> instances = Find();
  ASSERT_EQ(instances.size(), 2U);
  EXPECT_THAT(instances[1].settings,
              Optional(Field(&PostfixSettings::queue_run_delay_seconds, 10)));
  EXPECT_FALSE(finder_.Changed());

  Configure("b", "");
  EXPECT_FALSE(finder_.Changed());
  ConfigurePrimary({"a", "b"});
  EXPECT_TRUE(finder_.Changed());
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a", "b"));
  EXPECT_FALSE(finder_.Changed());
}

TEST_F(InstanceChangesTest, AChangeWhileItIsReadIsNoticed) {
  Configure("postfix", "");
  const std::string main_cf = directory_.path("postfix/main.cf");
  Replace("echo 'x = y' >> " + main_cf + "; touch -d @1000000000 " + main_cf +
          "; exec /usr/sbin/postconf \"$@\"");
  Find();
  EXPECT_TRUE(finder_.Changed());
}

TEST_F(InstanceChangesTest, ANewContentOfTheSameLengthIsAChange) {
  Configure("postfix", "queue_run_delay = 300s\n");
  Find();
  ChangeLater(directory_.path("postfix/main.cf"),
              [&] { Configure("postfix", "queue_run_delay = 400s\n"); });
  EXPECT_TRUE(finder_.Changed());
}

TEST_F(InstanceChangesTest, AnotherFileOfTheSameTimeAndLengthIsAChange) {
  // As a tool that keeps several configurations, and leads a link to one of them, leaves them.
  std::string first;
  std::string second;
  int tries = 0;
  do {
    const std::string suffix = std::to_string(++tries);
    first = WriteMainCf(directory_, "again" + suffix, "multi_instance_name = again\n");
    second = WriteMainCf(directory_, "first" + suffix, "multi_instance_name = first\n");
    // Changes both at once.
    ASSERT_EQ(renameat2(AT_FDCWD, first.c_str(), AT_FDCWD, second.c_str(), RENAME_EXCHANGE), 0);
  } while (ChangeTimeOf(first) != ChangeTimeOf(second) && tries < 1000);
  ASSERT_EQ(ChangeTimeOf(first), ChangeTimeOf(second));
  const std::string link = directory_.path("postfix/main.cf");
  std::filesystem::create_symlink(first, link);
  EXPECT_THAT(NamesOf(Find()), ElementsAre("first"));
  std::filesystem::remove(link);
  std::filesystem::create_symlink(second, link);
  EXPECT_TRUE(finder_.Changed());
  EXPECT_THAT(NamesOf(Find()), ElementsAre("again"));
}

TEST_F(InstanceChangesTest, AMainCfThatComesOrGoesIsAChange) {
  ConfigurePrimary({"a"});
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix"));
  EXPECT_FALSE(finder_.Changed());
  Configure("a", "");
  EXPECT_TRUE(finder_.Changed());
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a"));
  std::filesystem::remove(directory_.path("a/main.cf"));
  EXPECT_TRUE(finder_.Changed());
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix"));
  EXPECT_FALSE(finder_.Changed());
}

TEST_F(InstanceChangesTest, AMainCfThatBecomesReadableIsAChange) {
  Configure("postfix", "");
  const std::string path = directory_.path("postfix/main.cf");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  {
    const test::UnprivilegedFileAccess unprivileged;
    Error();
    EXPECT_FALSE(finder_.Changed());
  }
  ChangeLater(path, [&] { ASSERT_EQ(chmod(path.c_str(), 0644), 0); });
  EXPECT_TRUE(finder_.Changed());
}

TEST_F(InstanceChangesTest, APrimaryThatWasMissingIsNoticed) {
  Error();
  EXPECT_FALSE(finder_.Changed());
  Configure("postfix", "");
  EXPECT_TRUE(finder_.Changed());
}

TEST_F(InstanceChangesTest, ANewPostconfIsAChange) {
  Configure("postfix", "");
  Replace("exec /usr/sbin/postconf \"$@\"");
  Find();
  EXPECT_FALSE(finder_.Changed());
  directory_.WriteFile("postconf", "#!/bin/sh\nexit 1\n");
  EXPECT_TRUE(finder_.Changed());
}

}  // namespace
}  // namespace fleetqshape
