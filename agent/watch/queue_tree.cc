#include "agent/watch/queue_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/postfix/queue_directory.h"

namespace fleetqshape {

absl::StatusOr<FileDescriptor> QueueTree::OpenRoot() const {
  // It may be a symbolic link: whoever configured it wants it so.
  auto root = postfix::OpenDirectory((path + "/.").c_str());
  if (!root.ok()) {
    return absl::Status(root.status().code(), absl::StrCat(path, ": ", root.status().message()));
  }
  // A queue that does not exist has no messages; a directory without any is not Postfix's.
  const bool has_queue = std::any_of(kAllQueues.begin(), kAllQueues.end(), [&](Queue queue) {
    return faccessat(root->get(), std::string(QueueName(queue)).c_str(), F_OK, 0) == 0;
  });
  if (has_queue) return root;
  return absl::FailedPreconditionError(
      absl::StrCat(path,
                   " has none of maildrop, hold, incoming, active and deferred: is it "
                   "Postfix's queue_directory?"));
}

}  // namespace fleetqshape
