// A TCP socket that listens.
#ifndef FLEETQSHAPE_AGGREGATOR_METRICS_LISTENING_SOCKET_H_
#define FLEETQSHAPE_AGGREGATOR_METRICS_LISTENING_SOCKET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/file_descriptor.h"

namespace fleetqshape {

struct ListeningSocket {
  FileDescriptor fd;  // does not block
  uint16_t port = 0;
};

// `address` is HOST:PORT as ValidateAddress has it. A name is listened on at the first of its
// addresses that can be had; [::] is all addresses, IPv4 included. Port 0: the system chooses one.
// UNAVAILABLE, with the system's reason, if that fails.
absl::StatusOr<ListeningSocket> Listen(const std::string& address);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_METRICS_LISTENING_SOCKET_H_
