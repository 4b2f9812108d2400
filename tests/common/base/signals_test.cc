#include "common/base/signals.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace fleetqshape {
namespace {

// Afterwards the signals are as they were for other tests, and none waits.
class SignalsTest : public ::testing::Test {
 protected:
  void SetUp() override { pthread_sigmask(SIG_SETMASK, nullptr, &before_); }
  void TearDown() override {
    TakeWaiting();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    std::signal(SIGPIPE, SIG_DFL);
  }

  // A signal that nobody took; 0 if there is none.
  static int TakeWaiting() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    const timespec at_once{};
    const int signal = sigtimedwait(&set, nullptr, &at_once);
    return signal < 0 ? 0 : signal;
  }

 private:
  sigset_t before_{};
};

TEST_F(SignalsTest, ASignalIsARequestToStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    absl::Notification stopped;
    StopSignals signals;
    signals.Start([&] { stopped.Notify(); });
    kill(getpid(), signal);
    EXPECT_TRUE(stopped.WaitForNotificationWithTimeout(absl::Seconds(60)));
  }
}

TEST_F(SignalsTest, OneThatCameBeforeTheStartCounts) {
  absl::Notification stopped;
  StopSignals signals;
  kill(getpid(), SIGTERM);
  signals.Start([&] { stopped.Notify(); });
  EXPECT_TRUE(stopped.WaitForNotificationWithTimeout(absl::Seconds(60)));
}

TEST_F(SignalsTest, AfterTheEndNobodyIsCalledAndNobodyDies) {
  int calls = 0;
  {
    StopSignals signals;
    signals.Start([&] { ++calls; });
  }
  kill(getpid(), SIGTERM);
  EXPECT_EQ(TakeWaiting(), SIGTERM) << "it still waits";
  EXPECT_EQ(calls, 0);
}

TEST_F(SignalsTest, WhatWasNotStartedEnds) { const StopSignals signals; }

}  // namespace
}  // namespace fleetqshape
