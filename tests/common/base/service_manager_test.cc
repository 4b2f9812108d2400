#include "common/base/service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/base/file_descriptor.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A service manager's end of the socket.
class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  // What has come until now. A datagram on this machine is there when its sender returns.
  std::vector<std::string> Received() {
    std::vector<std::string> messages;
    char buffer[4096];
    for (;;) {
      const ssize_t length = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (length < 0) return messages;
      messages.emplace_back(buffer, static_cast<size_t>(length));
    }
  }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path("notify");
  FileDescriptor socket_;
  ServiceManager manager_;
};

TEST_F(ServiceManagerTest, EachCallIsOneMessage) {
  manager_.Ready("2 relays");
  manager_.Status("1 relay");
  manager_.Watchdog();
  manager_.Stopping();
  EXPECT_THAT(Received(), ElementsAre("READY=1\nSTATUS=2 relays", "STATUS=1 relay", "WATCHDOG=1",
                                      "STOPPING=1"));
}

TEST_F(ServiceManagerTest, AStatusIsOneLineWhateverIsInIt) {
  manager_.Status("a\nSTOPPING=1\r\x1b\x7f\xc3\xbc");
  manager_.Ready("b\nMAINPID=1");
  EXPECT_THAT(Received(),
              ElementsAre("STATUS=a STOPPING=1   \xc3\xbc", "READY=1\nSTATUS=b MAINPID=1"));
}

TEST_F(ServiceManagerTest, WithoutASocketNothingIsSent) {
  unsetenv("NOTIFY_SOCKET");
  setenv("WATCHDOG_USEC", "30000000", 1);
  manager_.Ready("ready");
  manager_.Status("status");
  manager_.Watchdog();
  manager_.Stopping();
  EXPECT_THAT(Received(), IsEmpty());
  EXPECT_EQ(manager_.WatchdogInterval(), std::nullopt);
}

TEST_F(ServiceManagerTest, AManagerThatIsGoneIsNoTrouble) {
  socket_ = FileDescriptor();
  manager_.Ready("ready");
  manager_.Watchdog();
  ASSERT_EQ(unlink(path_.c_str()), 0);
  manager_.Stopping();
}

TEST_F(ServiceManagerTest, TheWatchdogsIntervalIsTheManagers) {
  EXPECT_EQ(manager_.WatchdogInterval(), std::nullopt);
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(manager_.WatchdogInterval(), microseconds(30'000'000));
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(manager_.WatchdogInterval(), microseconds(30'000'000));
}

TEST_F(ServiceManagerTest, AWatchdogOfAnotherProcessIsNotOurs) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getppid()).c_str(), 1);
  EXPECT_EQ(manager_.WatchdogInterval(), std::nullopt);
}

TEST_F(ServiceManagerTest, AMalformedIntervalIsNone) {
  for (const char* text : {"", "0", "30s", "-1", "18446744073709551615"}) {
    setenv("WATCHDOG_USEC", text, 1);
    EXPECT_EQ(manager_.WatchdogInterval(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace fleetqshape
