// A port of this machine that takes connections. Who is behind it is up to the test.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_LOOPBACK_LISTENER_H_
#define FLEETQSHAPE_TESTS_SUPPORT_LOOPBACK_LISTENER_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "common/base/file_descriptor.h"

namespace fleetqshape::test {

// The kernel takes the connections until it ends; it says nothing by itself.
class LoopbackListener {
 public:
  LoopbackListener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof any;
    auto* const address = reinterpret_cast<sockaddr*>(&any);
    EXPECT_EQ(bind(socket_.get(), address, length), 0);
    EXPECT_EQ(listen(socket_.get(), 16), 0);
    EXPECT_EQ(getsockname(socket_.get(), address, &length), 0);
    port_ = ntohs(any.sin_port);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  FileDescriptor Accept() const {
    return FileDescriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  const FileDescriptor socket_;
  uint16_t port_ = 0;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_LOOPBACK_LISTENER_H_
