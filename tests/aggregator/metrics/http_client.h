// HTTP clients, good and bad ones.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_METRICS_HTTP_CLIENT_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_METRICS_HTTP_CLIENT_H_

#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "common/base/file_descriptor.h"

namespace fleetqshape::test {

// A connection, which says nothing by itself. Beyond a minute a test hangs.
class HttpClient {
 public:
  // `address`: HOST:PORT.
  explicit HttpClient(const std::string& address) {
    const size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0) return;
    fd_ = FileDescriptor(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{60, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = connect(fd_.get(), found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
  }

  bool connected() const { return connected_; }
  void Send(std::string_view text) const {
    // The server may have closed the connection already.
    send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  // All that comes until the server closes the connection.
  std::string ReadAll() const {
    std::string all;
    char buffer[4096];
    for (;;) {
      const ssize_t count = recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        ADD_FAILURE() << "the connection stays open, after: " << all;
        return all;
      }
      if (count <= 0) return all;
      all.append(buffer, static_cast<size_t>(count));
    }
  }

 private:
  FileDescriptor fd_;
  bool connected_ = false;
};

// The whole response to a request.
inline std::string Exchange(const std::string& address, std::string_view request) {
  const HttpClient client(address);
  client.Send(request);
  return client.ReadAll();
}

inline std::string Scrape(const std::string& address) {
  return Exchange(address, "GET /metrics HTTP/1.1\r\nHost: x\r\nUser-Agent: Prometheus\r\n\r\n");
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_METRICS_HTTP_CLIENT_H_
