// Serves one text, GET /metrics, over HTTP.
#ifndef FLEETQSHAPE_AGGREGATOR_METRICS_METRICS_SERVER_H_
#define FLEETQSHAPE_AGGREGATOR_METRICS_METRICS_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/base/file_descriptor.h"

struct MHD_Connection;
struct MHD_Daemon;

namespace fleetqshape {

// Works in a thread of its own, and in bounds whoever connects: a connection serves one request,
// and is closed when nothing comes over it. When too many are open the oldest is closed:
// connections that say nothing, or not much, cannot keep others out.
class MetricsServer {
 public:
  struct Limits {
    unsigned connections = 64;
    unsigned silent_seconds = 10;
    // A request's head has to fit in, and the answer's. Prometheus sends some 300 bytes.
    size_t connection_bytes = 8192;
  };

  // Makes the text. Called from the server's thread, for each request.
  using MakeText = std::function<std::string()>;

  // `address` is HOST:PORT, as Listen has it. UNAVAILABLE, with the reason, if it cannot be
  // listened on.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              const Limits& limits,
                                                              MakeText make_text);
  // Ends all connections at once; MakeText is not called any more.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // Where it listens: the host as it was given, with the port.
  const std::string& address() const { return address_; }

 private:
  // What libmicrohttpd calls back: from thread_, and when that is over from the one that ends it
  // all.
  struct Callbacks;

  MetricsServer(std::string address, const Limits& limits, MakeText make_text);
  // Serves until stop_ can be read.
  void Serve();

  const std::string address_;
  const Limits limits_;
  const MakeText make_text_;
  const FileDescriptor stop_;  // an eventfd
  MHD_Daemon* daemon_ = nullptr;

  // For Callbacks: the open sockets of connections, numbered as they came.
  std::map<uintptr_t, int> open_;
  uintptr_t last_number_ = 0;
  std::thread thread_;  // the only one that uses daemon_ while it runs
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_METRICS_METRICS_SERVER_H_
