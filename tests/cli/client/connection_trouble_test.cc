#include "cli/client/connection_trouble.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "common/base/file_descriptor.h"
#include "tests/support/loopback_listener.h"

namespace fleetqshape {
namespace {

using test::LoopbackListener;

TEST(FindConnectionTrouble, SomebodyWhoSaysNothing) {
  const LoopbackListener listener;
  for (const bool tls : {false, true}) {
    TlsOptions options;
    options.required = tls;
    const ConnectionTrouble trouble = FindConnectionTrouble(listener.address(), options);
    EXPECT_TRUE(trouble.connected);
    EXPECT_TRUE(trouble.silent);
    EXPECT_EQ(trouble.text, "");
  }
}

TEST(FindConnectionTrouble, SomebodyWhoBreaksOff) {
  std::signal(SIGPIPE, SIG_IGN);
  const LoopbackListener listener;
  std::thread other([&listener] { listener.Accept(); });
  const ConnectionTrouble trouble = FindConnectionTrouble(listener.address(), {});
  other.join();
  EXPECT_TRUE(trouble.connected);
  EXPECT_FALSE(trouble.silent);
}

}  // namespace
}  // namespace fleetqshape
