#include "aggregator/metrics/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

absl::StatusOr<Addresses> Resolve(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error));
  }
  return Addresses(found, freeaddrinfo);
}

absl::StatusOr<ListeningSocket> ListenOn(const addrinfo& where) {
  const auto problem = [] { return absl::UnavailableError(std::strerror(errno)); };
  ListeningSocket result;
  result.fd =
      FileDescriptor(socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result.fd.valid()) return problem();
  const int on = 1;
  const int off = 0;
  // A port whose last connections are only just over can be had. It is not shared.
  setsockopt(result.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.ai_family == AF_INET6) {
    setsockopt(result.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  auto* const bound_address = reinterpret_cast<sockaddr*>(&bound);
  if (bind(result.fd.get(), where.ai_addr, where.ai_addrlen) != 0 ||
      listen(result.fd.get(), SOMAXCONN) != 0 ||
      getsockname(result.fd.get(), bound_address, &size) != 0) {
    return problem();
  }
  result.port =
      ntohs(where.ai_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                        : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return result;
}

}  // namespace

absl::StatusOr<ListeningSocket> Listen(const std::string& address) {
  FQS_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(address));
  absl::Status problem = absl::UnavailableError("the name has no address");
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    auto listening = ListenOn(*each);
    if (listening.ok()) return listening;
    problem = listening.status();
  }
  return problem;
}

}  // namespace fleetqshape
