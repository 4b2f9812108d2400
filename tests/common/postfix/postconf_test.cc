#include "common/postfix/postconf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/main_cf.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape::postfix {
namespace {

using test::WriteMainCf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A variable of the environment, set for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = getenv(name); before != nullptr) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_.empty()) {
      unsetenv(name_);
    } else {
      setenv(name_, before_.c_str(), 1);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string before_;
};

class PostconfTest : public ::testing::Test {
 protected:
  PostconfTest() { question_.config_directory = directory_.path(); }

  absl::StatusOr<std::vector<std::string>> Ask(std::vector<std::string> names) {
    question_.names = std::move(names);
    return AskPostconf(question_);
  }
  // Puts a script in postconf's place.
  void Replace(const std::string& script) {
    question_.program = directory_.WriteFile("postconf", "#!/bin/sh\n" + script + "\n");
  }
  std::string Error(std::vector<std::string> names) {
    const auto values = Ask(std::move(names));
    EXPECT_EQ(values.status().code(), absl::StatusCode::kUnavailable) << values.status();
    return std::string(values.status().message());
  }

  test::TemporaryDirectory directory_;
  PostconfQuestion question_;
};

TEST_F(PostconfTest, OneCallGivesSeveralValuesInTheirOrder) {
  WriteMainCf(directory_, ".", "root = /var\nqueue_directory = $root/queue\nmyhostname = a.b\n");
  const auto values = Ask({"myhostname", "queue_directory", "multi_instance_name", "myhostname"});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, ElementsAre("a.b", "/var/queue", "", "a.b"));
}

TEST_F(PostconfTest, ValuesMayBeAskedForAsWritten) {
  WriteMainCf(directory_, ".", "root = /var\nqueue_directory = $root/queue\n");
  question_.values = PostconfValues::kAsWritten;
  const auto values = Ask({"queue_directory"});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, ElementsAre("$root/queue"));
}

TEST_F(PostconfTest, DefaultsNeedNoMainCf) {
  question_.values = PostconfValues::kDefault;
  const auto values = Ask({"qmgr_message_active_limit"});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, ElementsAre("20000"));
}

TEST_F(PostconfTest, TheDirectoryComesFromTheEnvironmentUnlessGiven) {
  const Variable variable("MAIL_CONFIG", directory_.path("other"));
  WriteMainCf(directory_, ".", "myhostname = given\n");
  WriteMainCf(directory_, "other", "myhostname = other\n");
  EXPECT_THAT(*Ask({"myhostname"}), ElementsAre("given"));
  question_.config_directory.clear();
  EXPECT_THAT(*Ask({"myhostname"}), ElementsAre("other"));
}

TEST_F(PostconfTest, AFailureIsToldInPostconfsWords) {
  EXPECT_THAT(Error({"queue_directory"}),
              HasSubstr(directory_.path("main.cf") + ": No such file or directory"));
}

TEST_F(PostconfTest, OfTheComplaintsTheLastOneIsTold) {
  Replace("echo value; echo a warning >&2; echo a warning >&2; echo the reason >&2; exit 1");
  const std::string error = Error({"queue_directory"});
  EXPECT_THAT(error, HasSubstr("the reason"));
  EXPECT_THAT(error, Not(HasSubstr("warning")));
}

TEST_F(PostconfTest, AParameterThatPostfixDoesNotKnowIsAnError) {
  WriteMainCf(directory_, ".", "");
  const std::string error = Error({"queue_directory", "nonsense", "myhostname"});
  EXPECT_THAT(error, HasSubstr("2 values of 3 parameters"));
}

TEST_F(PostconfTest, MoreLinesThanParametersAreAnError) {
  Replace("echo a; echo b");
  Error({"queue_directory"});
  Replace(":");
  Error({"queue_directory"});
}

TEST_F(PostconfTest, AProgramThatIsNotThereIsNotFound) {
  question_.program = directory_.path("none");
  EXPECT_EQ(Ask({"queue_directory"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PostconfTest, AHangingProgramIsStopped) {
  Replace("sleep 1000");
  question_.time_limit = std::chrono::milliseconds(100);
  EXPECT_THAT(Error({"queue_directory"}), HasSubstr("did not end within 100 ms"));
}

TEST_F(PostconfTest, TooMuchOutputIsRefused) {
  Replace("yes");
  Error({"queue_directory"});
}

TEST_F(PostconfTest, ANameIsLookedForInThePathAndThenInSbin) {
  const std::string first = directory_.MakeDirectory("first");
  const std::string second = directory_.MakeDirectory("second");
  directory_.WriteFile("first/postconf", "no program", 0600);
  const std::string program = directory_.WriteFile("second/postconf", "#!/bin/sh\n", 0700);
  // What is relative depends on where the agent is started.
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_.path());
  const Variable path("PATH", "second:" + first + "::" + second + ":/bin");
  EXPECT_EQ(PostconfPath("postconf"), program);
  EXPECT_EQ(PostconfPath("other-name"), "/usr/sbin/other-name");
  EXPECT_EQ(PostconfPath("./postconf"), "./postconf");
  EXPECT_EQ(PostconfPath(first + "/postconf"), first + "/postconf");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace fleetqshape::postfix
