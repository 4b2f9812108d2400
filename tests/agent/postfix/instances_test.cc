// Which instances are found.
#include "agent/postfix/instances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/agent/postfix/instance_finder_fixture.h"
#include "tests/support/main_cf.h"
#include "tests/support/unprivileged.h"

namespace fleetqshape {
namespace {

using test::WriteMainCf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST_F(InstanceFinderTest, APrimaryAloneIsCalledPostfix) {
  Configure("postfix", "");
  const std::vector<PostfixInstance> instances = Find();
  ASSERT_EQ(instances.size(), 1U);
  EXPECT_EQ(instances[0].name, "postfix");
  EXPECT_EQ(instances[0].config_directory, directory_.path("postfix"));
  EXPECT_EQ(instances[0].queue_directory, directory_.path("spool/postfix"));
  ASSERT_TRUE(instances[0].settings.has_value());
  PostfixSettings defaults = *instances[0].settings;
  EXPECT_THAT(defaults.mail_version, testing::MatchesRegex("[0-9]+\\.[0-9]+\\..*"));
  defaults.mail_version.clear();
  EXPECT_EQ(defaults,
            (PostfixSettings{"", 20'000, 20'000, 300, 4'000, 300, 5 * 86'400, 5 * 86'400}));
  EXPECT_THAT(finder_.problems(), IsEmpty());
}

TEST_F(InstanceFinderTest, FurtherInstancesHaveTheirNamesOrTheirDirectorys) {
  ConfigurePrimary({"postfix-out", "postfix-in"}, "multi_instance_name = postfix-main\n");
  Configure("postfix-out", "multi_instance_name = out\n");
  Configure("postfix-in", "");
  const std::vector<PostfixInstance> instances = Find();
  EXPECT_THAT(NamesOf(instances), ElementsAre("postfix-main", "out", "postfix-in"));
  EXPECT_EQ(instances[1].config_directory, directory_.path("postfix-out"));
  EXPECT_EQ(instances[1].queue_directory, directory_.path("spool/postfix-out"));
  EXPECT_EQ(instances[2].queue_directory, directory_.path("spool/postfix-in"));
  EXPECT_THAT(finder_.problems(), IsEmpty());
}

TEST_F(InstanceFinderTest, TheListsSeparatorsAreCommasAndSpaces) {
  Configure("a", "");
  Configure("b", "");
  Configure("c", "");
  Configure("postfix", "base = " + directory_.path() +
                           "\nmulti_instance_directories = , $base/a,$base/b/\n\t,  $base/c\n");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a", "b", "c"));
  EXPECT_THAT(finder_.problems(), IsEmpty());
}

TEST_F(InstanceFinderTest, TheListsOfOthersThanThePrimaryAreNotFollowed) {
  ConfigurePrimary({"a"});
  Configure("a", "multi_instance_directories = " + directory_.path("b") + "\n");
  Configure("b", "");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a"));
}

TEST_F(InstanceFinderTest, InstancesThatAreNotEnabledCount) {
  ConfigurePrimary({"a"}, "multi_instance_enable = yes\n");
  Configure("a", "multi_instance_enable = no\n");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a"));
}

TEST_F(InstanceFinderTest, ValuesAreExpandedInTheirOwnInstance) {
  ConfigurePrimary({"a"}, "data_root = /primary\nqueue_directory = $data_root/x\n");
  Configure("a",
            "data_root = /further\nqueue_directory = ${data_root}/y\n"
            "delay = 7m\nqueue_run_delay = $delay\nmultiple = 4\n"
            "qmgr_message_active_limit = ${multiple}00\n");
  const std::vector<PostfixInstance> instances = Find();
  ASSERT_EQ(instances.size(), 2U);
  EXPECT_EQ(instances[0].queue_directory, "/primary/x");
  EXPECT_EQ(instances[1].queue_directory, "/further/y");
  EXPECT_THAT(instances[1].settings,
              Optional(AllOf(Field(&PostfixSettings::queue_run_delay_seconds, 420),
                             Field(&PostfixSettings::active_limit, 400))));
}

TEST_F(InstanceFinderTest, TimesMayHaveAnyUnit) {
  Configure("postfix",
            "minimal_backoff_time = 90s\nmaximal_backoff_time = 30m\nqueue_run_delay = 1h\n"
            "maximal_queue_lifetime = 1w\nbounce_queue_lifetime = 2d\n");
  const std::vector<PostfixInstance> instances = Find();
  ASSERT_EQ(instances.size(), 1U);
  ASSERT_TRUE(instances[0].settings.has_value());
  const PostfixSettings& settings = *instances[0].settings;
  EXPECT_EQ(settings.minimal_backoff_seconds, 90);
  EXPECT_EQ(settings.maximal_backoff_seconds, 1'800);
  EXPECT_EQ(settings.queue_run_delay_seconds, 3'600);
  EXPECT_EQ(settings.maximal_queue_lifetime_seconds, 604'800);
  EXPECT_EQ(settings.bounce_queue_lifetime_seconds, 172'800);
}

TEST_F(InstanceFinderTest, AMalformedSettingLeavesTheInstanceWithoutSettings) {
  ConfigurePrimary({"a", "b"});
  Configure("a", "qmgr_message_active_limit = 20k\n");
  Configure("b", "");
  const std::vector<PostfixInstance> instances = Find();
  EXPECT_THAT(NamesOf(instances), ElementsAre("postfix", "a", "b"));
  EXPECT_TRUE(instances[0].settings.has_value());
  EXPECT_EQ(instances[1].settings, std::nullopt);
  EXPECT_TRUE(instances[2].settings.has_value());
  EXPECT_THAT(finder_.problems(), ElementsAre(AllOf(HasSubstr(directory_.path("a")),
                                                    HasSubstr("qmgr_message_active_limit = 20k"))));
}

TEST_F(InstanceFinderTest, AFurtherInstanceThatCannotBeReadIsLeftOutAndTold) {
  ConfigurePrimary({"none", "malformed", "closed", "a"});
  WriteMainCf(directory_, "malformed", "no equals sign\n");
  Configure("closed", "");
  Configure("a", "");
  ASSERT_EQ(chmod(directory_.path("closed/main.cf").c_str(), 0), 0);
  const test::UnprivilegedFileAccess unprivileged;
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a"));
  EXPECT_THAT(
      finder_.problems(),
      ElementsAre(AllOf(HasSubstr(directory_.path("none")), HasSubstr("No such file")),
                  AllOf(HasSubstr(directory_.path("malformed")), HasSubstr("missing '='")),
                  AllOf(HasSubstr(directory_.path("closed")), HasSubstr("Permission denied"))));
}

TEST_F(InstanceFinderTest, APrimaryThatCannotBeReadIsAnError) {
  EXPECT_THAT(Error(), AllOf(HasSubstr(directory_.path("postfix/main.cf")),
                             HasSubstr("No such file"), HasSubstr("name a queue directory")));
  Configure("postfix", "");
  ASSERT_EQ(chmod(directory_.path("postfix/main.cf").c_str(), 0), 0);
  const test::UnprivilegedFileAccess unprivileged;
  EXPECT_THAT(Error(), HasSubstr("Permission denied"));
}

TEST_F(InstanceFinderTest, WithoutPostconfThereIsWhatToDo) {
  options_.postconf = directory_.path("no-postconf");
  options_.config_directory.clear();
  unsetenv("MAIL_CONFIG");
  finder_ = InstanceFinder(options_);
  EXPECT_THAT(Error(), AllOf(HasSubstr("no-postconf: No such file"), HasSubstr("is installed")));
  Replace("exit 0");
  EXPECT_TRUE(finder_.Changed());
}

TEST_F(InstanceFinderTest, WhatWasWrongIsForgottenWithTheNextFind) {
  ConfigurePrimary({"a"});
  Find();
  EXPECT_EQ(finder_.problems().size(), 1U);
  Configure("a", "");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a"));
  EXPECT_THAT(finder_.problems(), IsEmpty());
}

TEST_F(InstanceFinderTest, OfTwoEqualNamesTheSecondIsLeftOut) {
  ConfigurePrimary({"a", "b"});
  Configure("a", "multi_instance_name = out\n");
  Configure("b", "multi_instance_name = out\n");
  const std::vector<PostfixInstance> instances = Find();
  EXPECT_THAT(NamesOf(instances), ElementsAre("postfix", "out"));
  EXPECT_EQ(instances[1].config_directory, directory_.path("a"));
  EXPECT_THAT(finder_.problems(),
              ElementsAre(AllOf(HasSubstr("instance " + directory_.path("b")),
                                HasSubstr("name, out"), HasSubstr(directory_.path("a")))));
}

TEST_F(InstanceFinderTest, OfTwoEqualQueueDirectoriesTheSecondIsLeftOut) {
  directory_.MakeDirectory("spool/a");
  std::filesystem::create_symlink("spool/a", directory_.path("link"));
  ConfigurePrimary({"a", "b", "c"});
  Configure("a", "");
  Configure("b", "queue_directory = " + directory_.path("link") + "/\n");
  Configure("c", "queue_directory = " + directory_.path("spool/postfix") + "/\n");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "a"));
  EXPECT_THAT(finder_.problems(),
              ElementsAre(AllOf(HasSubstr("instance " + directory_.path("b")),
                                HasSubstr("queue_directory, " + directory_.path("link")),
                                HasSubstr(directory_.path("a"))),
                          AllOf(HasSubstr("instance " + directory_.path("c")),
                                HasSubstr(directory_.path("postfix")))));
}

TEST_F(InstanceFinderTest, ThePrimaryInItsOwnListIsLeftOut) {
  ConfigurePrimary({"postfix"});
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix"));
  EXPECT_EQ(finder_.problems().size(), 1U);
}

TEST_F(InstanceFinderTest, NamesAndQueueDirectoriesThatAreNoneAreLeftOut) {
  ConfigurePrimary({"a", "b", "c"});
  Configure("a", "multi_instance_name = a@b\n");
  Configure("b", "queue_directory = spool\n");
  Configure("c", "");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "c"));
  EXPECT_THAT(finder_.problems(), ElementsAre(HasSubstr("a@b"), HasSubstr("path: spool")));
}

TEST_F(InstanceFinderTest, APrimaryThatCannotBeARelayDoesNotHideTheOthers) {
  ConfigurePrimary({"a"}, "multi_instance_name = a@b\n");
  Configure("a", "");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("a"));
  EXPECT_EQ(finder_.problems().size(), 1U);
}

TEST_F(InstanceFinderTest, AHangingPostconfIsStopped) {
  Configure("postfix", "");
  options_.time_limit = std::chrono::milliseconds(100);
  Replace("sleep 1000");
  EXPECT_THAT(Error(), HasSubstr("did not end within 100 ms"));
}

TEST_F(InstanceFinderTest, TheOthersAreFoundIfPostconfHangsForOne) {
  ConfigurePrimary({"a", "b"});
  Configure("a", "");
  Configure("b", "");
  options_.time_limit = std::chrono::seconds(2);
  Replace("case $2 in */a) sleep 1000;; esac\nexec /usr/sbin/postconf \"$@\"");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("postfix", "b"));
  EXPECT_THAT(finder_.problems(),
              ElementsAre(AllOf(HasSubstr(directory_.path("a")), HasSubstr("did not end"))));
}

TEST_F(InstanceFinderTest, WithoutADirectoryItIsTheEnvironmentsOrPostconfsOwn) {
  Configure("postfix", "multi_instance_name = from-environment\n");
  options_.config_directory.clear();
  finder_ = InstanceFinder(options_);
  setenv("MAIL_CONFIG", directory_.path("postfix").c_str(), 1);
  const std::vector<PostfixInstance> instances = Find();
  unsetenv("MAIL_CONFIG");
  EXPECT_THAT(NamesOf(instances), ElementsAre("from-environment"));
  // A change there is noticed without the environment, too.
  EXPECT_FALSE(finder_.Changed());
  Configure("postfix", "multi_instance_name = another-name\n");
  EXPECT_TRUE(finder_.Changed());

  Replace("case $1 in -dh) echo " + directory_.path("postfix") +
          ";; *) exec /usr/sbin/postconf \"$@\";; esac");
  EXPECT_THAT(NamesOf(Find()), ElementsAre("another-name"));
  EXPECT_FALSE(finder_.Changed());
}

TEST_F(InstanceFinderTest, AQueueDirectorysInstanceIsFoundByAnyPath) {
  ConfigurePrimary({"a"});
  Configure("a", "");
  directory_.MakeDirectory("spool/a");
  directory_.MakeDirectory("spool/postfix");
  std::filesystem::create_symlink("spool", directory_.path("link"));
  const std::vector<PostfixInstance> instances = Find();
  ASSERT_EQ(instances.size(), 2U);
  for (const char* path : {"spool/a", "spool/a/", "link/a", "spool/../spool/./a"}) {
    EXPECT_EQ(InstanceOfQueueDirectory(instances, directory_.path(path)), &instances[1]) << path;
  }
  EXPECT_EQ(InstanceOfQueueDirectory(instances, directory_.path("spool/postfix")), &instances[0]);
  EXPECT_EQ(InstanceOfQueueDirectory(instances, directory_.path("spool")), nullptr);
  EXPECT_EQ(InstanceOfQueueDirectory({}, directory_.path("spool/a")), nullptr);
}

TEST_F(InstanceFinderTest, AQueueDirectoryThatIsNotThereIsFoundByItsPath) {
  const std::vector<PostfixInstance> instances = {{"a", "/nonexistent/a", "/nonexistent/q/", {}}};
  EXPECT_EQ(InstanceOfQueueDirectory(instances, "/nonexistent/q"), &instances[0]);
  EXPECT_EQ(InstanceOfQueueDirectory(instances, "/nonexistent/r"), nullptr);
}

}  // namespace
}  // namespace fleetqshape
