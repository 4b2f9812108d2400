#include "agent/watch/queue_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

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
    // Not faccessat: it looks with the real user's rights, without capabilities.
    struct stat status {};
    return fstatat(root->get(), std::string(QueueName(queue)).c_str(), &status,
                   AT_SYMLINK_NOFOLLOW) == 0;
  });
  if (has_queue) return root;
  return absl::FailedPreconditionError(
      absl::StrCat(path,
                   " has none of maildrop, hold, incoming, active and deferred: is it "
                   "Postfix's queue_directory?"));
}

}  // namespace fleetqshape
