// The service manager that started this program, if it wants to know how it goes: systemd, with a
// service of Type=notify (sd_notify(3)).
#ifndef FLEETQSHAPE_COMMON_BASE_SERVICE_MANAGER_H_
#define FLEETQSHAPE_COMMON_BASE_SERVICE_MANAGER_H_

#include <chrono>
#include <optional>
#include <string_view>

namespace fleetqshape {

// Without NOTIFY_SOCKET in the environment nobody listens, and all of this does nothing. A message
// that cannot be sent is dropped: there is nobody else to tell. Any thread may call, as long as
// none changes the environment.
class ServiceManager {
 public:
  // The program does its work from now on. A status is a line for people, as `systemctl status`
  // shows it; control characters become spaces.
  void Ready(std::string_view status) const;
  void Status(std::string_view text) const;
  // The program is alive.
  void Watchdog() const;
  // The program is about to end.
  void Stopping() const;

  // After how long without Watchdog() the program is taken for dead, and killed. Half of it is a
  // good interval for the calls. Nothing if no calls are wanted.
  std::optional<std::chrono::microseconds> WatchdogInterval() const;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_SERVICE_MANAGER_H_
