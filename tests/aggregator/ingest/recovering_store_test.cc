#include "aggregator/ingest/recovering_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/aggregator/ingest/memory_store.h"
#include "tests/support/manual_clock.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

class RecoveringStoreTest : public ::testing::Test {
 protected:
  static RelayWrite SomeWrite() {
    RelayWrite write;
    write.relay = 1;
    write.forget = true;
    return write;
  }
  void Fail(absl::Status failure) {
    memory_.apply_result = failure;
    memory_.recover_result = std::move(failure);
    EXPECT_FALSE(store_.Apply({SomeWrite()}).ok());
  }
  void Mend() {
    memory_.apply_result = absl::OkStatus();
    memory_.recover_result = absl::OkStatus();
  }
  // After how many milliseconds a recovery is tried again.
  int64_t TimeToNextAttempt() {
    const int attempts = memory_.recoveries;
    for (int64_t passed = 0; passed <= 20'000; passed += 100) {
      store_.RecoverIfDue();
      if (memory_.recoveries > attempts) return passed;
      clock_.AdvanceMilliseconds(100);
    }
    return -1;
  }

  test::ManualClock clock_;
  Fleet fleet_;
  test::MemoryStore memory_;
  RecoveringStore store_{&memory_, &fleet_, &clock_};
};

TEST_F(RecoveringStoreTest, AStoreThatWorksIsLeftAlone) {
  EXPECT_TRUE(store_.problem().ok());
  EXPECT_TRUE(store_.Apply({SomeWrite()}).ok());
  EXPECT_EQ(TimeToNextAttempt(), -1);
  EXPECT_EQ(store_.counters().failed_batches, 0U);
  EXPECT_EQ(memory_.batches.size(), 1U);
}

TEST_F(RecoveringStoreTest, AFailureIsTheProblemUntilTheRecovery) {
  Fail(absl::ResourceExhaustedError("no space left on device"));
  EXPECT_EQ(store_.problem().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(store_.problem().message()), HasSubstr("its disk is full"));
  EXPECT_THAT(std::string(store_.problem().message()), HasSubstr("no space left on device"));
  EXPECT_EQ(fleet_.problem(), store_.problem().message());
  // The next attempt says why it failed.
  memory_.recover_result = absl::UnavailableError("an input/output error");
  clock_.AdvanceSeconds(1);
  EXPECT_FALSE(store_.RecoverIfDue());
  EXPECT_EQ(store_.problem().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(fleet_.problem(), HasSubstr("an input/output error"));
  Mend();
  clock_.AdvanceSeconds(10);
  EXPECT_TRUE(store_.RecoverIfDue());
  EXPECT_TRUE(store_.problem().ok());
  EXPECT_EQ(fleet_.problem(), "");
  EXPECT_FALSE(store_.RecoverIfDue()) << "once";
  EXPECT_EQ(store_.counters().failed_batches, 1U);
  EXPECT_EQ(store_.counters().recoveries, 1U);
}

TEST_F(RecoveringStoreTest, AttemptsAreFurtherAndFurtherApart) {
  for (int trouble = 0; trouble < 2; ++trouble) {  // the second begins anew
    Fail(absl::UnavailableError("an input/output error"));
    for (const int64_t pause : {500, 1000, 2000, 4000, 8000, 8000}) {
      EXPECT_EQ(TimeToNextAttempt(), pause);
    }
    Mend();
    EXPECT_EQ(TimeToNextAttempt(), 8000);
    EXPECT_TRUE(store_.problem().ok());
  }
}

TEST_F(RecoveringStoreTest, AStoreWorksOnlyWhenItSaysWhatTheFleetSays) {
  fleet_.Describe(1, std::make_shared<const RelayDescription>(
                         RelayDescription{{"eu", "a", "postfix"}, {}, "0.1.0"}));
  const auto state = EmptyRelayState();
  state->epoch = 9;
  fleet_.SetState(1, state);
  Fail(absl::UnavailableError("an input/output error"));
  memory_.recover_result = absl::OkStatus();
  clock_.AdvanceSeconds(1);
  EXPECT_FALSE(store_.RecoverIfDue()) << "it opens, and can't be written to";
  EXPECT_FALSE(store_.problem().ok());
  EXPECT_FALSE(memory_.relays.contains(1));
  Mend();
  clock_.AdvanceSeconds(10);
  EXPECT_TRUE(store_.RecoverIfDue());
  ASSERT_TRUE(memory_.relays.contains(1));
  EXPECT_EQ(memory_.relays.at(1).record.epoch(), 9U);
}

}  // namespace
}  // namespace fleetqshape
