#include "common/rpc/channel.h"

#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include "absl/synchronization/mutex.h"

namespace fleetqshape {
namespace {

// Which it would, at the second order, where Abseil is built with assertions.
TEST(ChannelTest, AbseilDoesNotWatchTheOrderOfMutexes) {
  MakeChannel("127.0.0.1:1");
  absl::Mutex one;
  absl::Mutex two;
  {
    absl::MutexLock first(&one);
    absl::MutexLock second(&two);
  }
  absl::MutexLock first(&two);
  absl::MutexLock second(&one);
}

}  // namespace
}  // namespace fleetqshape
