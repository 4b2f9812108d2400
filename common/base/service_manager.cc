#include "common/base/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace fleetqshape {
namespace {

constexpr int kKeepEnvironment = 0;

// A message is lines of NAME=value: a newline would begin another one.
std::string StatusLine(std::string_view text) {
  std::string line = "STATUS=";
  line.append(text);
  const auto is_control = [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; };
  std::replace_if(line.begin(), line.end(), is_control, ' ');
  return line;
}

}  // namespace

void ServiceManager::Ready(std::string_view status) const {
  sd_notify(kKeepEnvironment, ("READY=1\n" + StatusLine(status)).c_str());
}

void ServiceManager::Status(std::string_view text) const {
  sd_notify(kKeepEnvironment, StatusLine(text).c_str());
}

void ServiceManager::Watchdog() const { sd_notify(kKeepEnvironment, "WATCHDOG=1"); }

void ServiceManager::Stopping() const { sd_notify(kKeepEnvironment, "STOPPING=1"); }

std::optional<std::chrono::microseconds> ServiceManager::WatchdogInterval() const {
  uint64_t microseconds = 0;
  if (std::getenv("NOTIFY_SOCKET") == nullptr ||
      sd_watchdog_enabled(kKeepEnvironment, &microseconds) <= 0) {
    return std::nullopt;
  }
  return std::chrono::microseconds(microseconds);
}

}  // namespace fleetqshape
