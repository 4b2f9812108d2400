// The kernel's inotify: who changed what in which directory.
#ifndef FLEETQSHAPE_AGENT_WATCH_INOTIFY_H_
#define FLEETQSHAPE_AGENT_WATCH_INOTIFY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/file_descriptor.h"

namespace fleetqshape {

// One thread at a time.
class Inotify {
 public:
  struct Event {
    int watch;
    uint32_t mask;  // IN_...
    uint32_t cookie;
    std::string_view name;  // empty for the directory itself; valid during the call
  };

  // RESOURCE_EXHAUSTED if the user has too many instances (fs.inotify.max_user_instances) or the
  // process too many descriptors, UNAVAILABLE for all else.
  static absl::StatusOr<Inotify> Create();

  // Watches the open directory and gives the watch's number; that of a directory which is watched
  // already stays. NOT_FOUND if it is gone, PERMISSION_DENIED, RESOURCE_EXHAUSTED if there are no
  // watches left (fs.inotify.max_user_watches), UNAVAILABLE for all else.
  absl::StatusOr<int> Watch(int directory_fd, uint32_t mask);
  void Unwatch(int watch);

  // Hands over all events that wait. Never blocks.
  void Read(absl::FunctionRef<void(const Event&)> handle);

  // Becomes readable when an event waits.
  int fd() const { return fd_.get(); }

 private:
  explicit Inotify(FileDescriptor fd);

  FileDescriptor fd_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_INOTIFY_H_
