#include "cli/output/forgotten_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace fleetqshape {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::RelayStatus Status(const std::string& host, uint64_t deferred) {
  v1::RelayStatus relay;
  relay.set_cluster("eu");
  relay.set_host(host);
  relay.set_instance("postfix");
  for (const auto& [queue, messages] :
       {std::pair(v1::QUEUE_HOLD, uint64_t{0}), std::pair(v1::QUEUE_DEFERRED, deferred)}) {
    v1::QueueMessages* one = relay.add_queues();
    one->set_queue(queue);
    one->set_messages(messages);
  }
  relay.set_heard_seconds(1'700'000'000);
  relay.set_silent_seconds(7200);
  relay.set_freshness(v1::FRESHNESS_STALE);
  return relay;
}

TEST(TextOfForgottenTest, SaysWhatWasForgottenAndWhatToDoAboutTheRest) {
  v1::ForgetRelaysResponse response;
  *response.add_forgotten() = Status("gw1", 1234);
  *response.add_connected() = Status("gw2", 5);
  *response.add_stranded() = Status("gw3", 1);
  *response.add_stranded() = Status("gw4", 2);
  *response.add_stranded() = Status("gw5", 0);
  response.mutable_stranded(2)->set_damaged(true);
  const ForgottenText text = TextOfForgotten(response);
  EXPECT_THAT(text.forgotten,
              ElementsAre("eu/gw1/postfix forgotten: last heard of 2023-11-14 22:13:20 UTC (2h "
                          "ago), 1234 messages"));
  EXPECT_THAT(
      text.left,
      ElementsAre("eu/gw2/postfix is not forgotten: its agent reports; stop that agent first",
                  AllOf(HasSubstr("its queues held 1 message when"), HasSubstr("see to it on"),
                        HasSubstr("--stranded")),
                  AllOf(HasSubstr("its queues held 2 messages when"), HasSubstr("see to them on"),
                        HasSubstr("--stranded")),
                  AllOf(HasSubstr("what its queues hold is not known"), HasSubstr("--stranded"))));
}

TEST(TextOfForgottenTest, AnAbsurdTimeIsShownAsItIs) {
  v1::ForgetRelaysResponse response;
  *response.add_forgotten() = Status("gw1", 0);
  response.mutable_forgotten(0)->set_heard_seconds(INT64_MAX);
  EXPECT_THAT(TextOfForgotten(response).forgotten,
              ElementsAre(HasSubstr("9223372036854775807 seconds since 1970")));
}

TEST(TextOfForgottenTest, WhatComesFromAServerIsEscaped) {
  v1::ForgetRelaysResponse response;
  for (v1::RelayStatus* relay :
       {response.add_forgotten(), response.add_connected(), response.add_stranded()}) {
    *relay = Status("gw\x1b", 1);
  }
  const ForgottenText text = TextOfForgotten(response);
  EXPECT_THAT(text.forgotten, ElementsAre(HasSubstr("gw\\x1b")));
  EXPECT_THAT(text.left, ElementsAre(HasSubstr("gw\\x1b"), HasSubstr("gw\\x1b")));
}

}  // namespace
}  // namespace fleetqshape
