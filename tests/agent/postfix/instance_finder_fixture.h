// An InstanceFinder over configuration directories of the test's own, with the real postconf.
#ifndef FLEETQSHAPE_TESTS_AGENT_POSTFIX_INSTANCE_FINDER_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGENT_POSTFIX_INSTANCE_FINDER_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/postfix/instances.h"
#include "tests/support/main_cf.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {

inline std::vector<std::string> NamesOf(const std::vector<PostfixInstance>& instances) {
  std::vector<std::string> names;
  for (const PostfixInstance& instance : instances) names.push_back(instance.name);
  return names;
}

class InstanceFinderTest : public ::testing::Test {
 protected:
  InstanceFinderTest() { options_.config_directory = directory_.MakeDirectory("postfix"); }

  // Writes an instance's main.cf. Its queue is spool/NAME unless the text says otherwise.
  std::string Configure(const std::string& name, const std::string& text) {
    test::WriteMainCf(directory_, name,
                      "queue_directory = " + directory_.path("spool/" + name) + "\n" + text);
    return directory_.path(name);
  }
  // The primary's, with the instances `others` beside it.
  void ConfigurePrimary(const std::vector<std::string>& others, const std::string& text = "") {
    std::string line = "multi_instance_directories =";
    for (const std::string& name : others) line += " " + directory_.path(name);
    Configure("postfix", line + "\n" + text);
  }
  // Puts a script in postconf's place.
  void Replace(const std::string& script) {
    options_.postconf = directory_.WriteFile("postconf", "#!/bin/sh\n" + script + "\n");
    finder_ = InstanceFinder(options_);
  }

  std::vector<PostfixInstance> Find() {
    auto instances = finder_.Find();
    EXPECT_TRUE(instances.ok()) << instances.status();
    return instances.ok() ? *std::move(instances) : std::vector<PostfixInstance>{};
  }
  std::string Error() {
    const auto instances = finder_.Find();
    EXPECT_EQ(instances.status().code(), absl::StatusCode::kUnavailable) << instances.status();
    return std::string(instances.status().message());
  }

  test::TemporaryDirectory directory_;
  InstanceFinder::Options options_;
  InstanceFinder finder_{options_};

 private:
  void SetUp() override { finder_ = InstanceFinder(options_); }
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGENT_POSTFIX_INSTANCE_FINDER_FIXTURE_H_
