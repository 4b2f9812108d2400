#include "aggregator/metrics/metrics_server.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregator/metrics/listening_socket.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kPlainType = "text/plain; charset=utf-8";

MHD_Result Respond(MHD_Connection* connection, unsigned status, const char* type,
                   const std::string& text) {
  MHD_Response* const response = MHD_create_response_from_buffer(
      text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;  // closes the connection
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  const MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

struct MetricsServer::Callbacks {
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* path,
                              const char* method, const char* /*version*/, const char* /*data*/,
                              size_t* /*data_size*/, void** /*request*/) {
    if (path != std::string_view("/metrics")) {
      return Respond(connection, MHD_HTTP_NOT_FOUND, kPlainType, "There is /metrics only.\n");
    }
    if (method != std::string_view(MHD_HTTP_METHOD_GET) &&
        method != std::string_view(MHD_HTTP_METHOD_HEAD)) {
      return Respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, kPlainType,
                     "/metrics can be read only.\n");
    }
    return Respond(connection, MHD_HTTP_OK, kMetricsType,
                   static_cast<MetricsServer*>(self)->make_text_());
  }

  // A connection begins or is about to be closed. Its number is kept as its context.
  static void OnConnection(void* self, MHD_Connection* connection, void** context,
                           MHD_ConnectionNotificationCode what) {
    MetricsServer& server = *static_cast<MetricsServer*>(self);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      server.open_.erase(reinterpret_cast<uintptr_t>(*context));
      return;
    }
    const uintptr_t number = ++server.last_number_;
    *context = reinterpret_cast<void*>(number);
    server.open_[number] =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (server.open_.size() > server.limits_.connections) {
      // libmicrohttpd sees the end of its stream, and closes it.
      shutdown(server.open_.begin()->second, SHUT_RDWR);
      server.open_.erase(server.open_.begin());
    }
  }
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const Limits& limits,
                                                                    MakeText make_text) {
  FQS_ASSIGN_OR_RETURN(ListeningSocket socket, Listen(address));
  const std::string host = address.substr(0, address.rfind(':'));
  std::unique_ptr<MetricsServer> server(
      new MetricsServer(absl::StrCat(host, ":", socket.port), limits, std::move(make_text)));
  if (!server->stop_.valid()) return absl::UnavailableError(std::strerror(errno));
  // Twice as many connections, for those that were shut down and are not yet gone.
  server->daemon_ =
      MHD_start_daemon(MHD_USE_EPOLL, /*port=*/0,
                       /*apc=*/nullptr, /*apc_cls=*/nullptr, Callbacks::OnRequest, server.get(),
                       MHD_OPTION_LISTEN_SOCKET, socket.fd.get(),                            //
                       MHD_OPTION_CONNECTION_LIMIT, 2 * limits.connections,                  //
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.connection_bytes,          //
                       MHD_OPTION_CONNECTION_TIMEOUT, limits.silent_seconds,                 //
                       MHD_OPTION_NOTIFY_CONNECTION, Callbacks::OnConnection, server.get(),  //
                       MHD_OPTION_END);
  // The daemon closes the socket, also one that did not start.
  socket.fd.Release();
  if (server->daemon_ == nullptr) return absl::UnavailableError("libmicrohttpd does not start");
  try {
    server->thread_ = std::thread([server = server.get()] { server->Serve(); });
  } catch (const std::system_error& error) {
    return absl::UnavailableError(absl::StrCat("no thread for metrics: ", error.what()));
  }
  return server;
}

MetricsServer::MetricsServer(std::string address, const Limits& limits, MakeText make_text)
    : address_(std::move(address)),
      limits_(limits),
      make_text_(std::move(make_text)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

// libmicrohttpd 0.9.75 crashes if it is stopped while a thread of its own refuses a request, so the
// thread is ours, and over before that.
MetricsServer::~MetricsServer() {
  if (thread_.joinable()) {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

void MetricsServer::Serve() {
  const int epoll_fd = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  std::array<pollfd, 2> descriptors = {
      {{stop_.get(), POLLIN, /*revents=*/0}, {epoll_fd, POLLIN, /*revents=*/0}}};
  while ((descriptors[0].revents & POLLIN) == 0) {
    MHD_run(daemon_);
    constexpr MHD_UNSIGNED_LONG_LONG kLongest = std::numeric_limits<int>::max();
    MHD_UNSIGNED_LONG_LONG milliseconds = 0;
    const bool waits_for_time = MHD_get_timeout(daemon_, &milliseconds) == MHD_YES;
    poll(descriptors.data(), descriptors.size(),
         waits_for_time ? static_cast<int>(std::min(milliseconds, kLongest)) : -1);
  }
}

}  // namespace fleetqshape
