#include "cli/client/connection_trouble.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace fleetqshape {
namespace {

// Listens on a port of its own, and says nothing by itself.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const general = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_, general, length), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    EXPECT_EQ(getsockname(fd_, general, &length), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int Accept() const { return accept(fd_, nullptr, nullptr); }

 private:
  int fd_;
  int port_ = 0;
};

TEST(FindConnectionTrouble, SomebodyWhoSaysNothing) {
  const Listener listener;
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
  const Listener listener;
  std::thread other([&listener] { close(listener.Accept()); });
  const ConnectionTrouble trouble = FindConnectionTrouble(listener.address(), {});
  other.join();
  EXPECT_TRUE(trouble.connected);
  EXPECT_FALSE(trouble.silent);
}

}  // namespace
}  // namespace fleetqshape
