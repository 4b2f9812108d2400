// Listing queue directories without ever leaving them.
#ifndef FLEETQSHAPE_COMMON_POSTFIX_QUEUE_DIRECTORY_H_
#define FLEETQSHAPE_COMMON_POSTFIX_QUEUE_DIRECTORY_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/base/file_descriptor.h"

namespace fleetqshape::postfix {

struct DirectoryEntry {
  std::string_view name;  // ended by a NUL; valid during the call that it is given to
  ino_t inode;
  unsigned char type;  // DT_REG, DT_DIR, ...; DT_UNKNOWN only if it is gone by now
};

// Reads directories. One thread at a time; keeps its buffer from directory to directory.
class DirectoryReader {
 public:
  DirectoryReader();

  // Calls `visit` for each entry but "." and "..", in the directory's order. Reads on from where
  // the descriptor stands. UNAVAILABLE if the directory can't be read to its end.
  absl::Status ForEachEntry(int directory_fd, absl::FunctionRef<void(const DirectoryEntry&)> visit);

 private:
  std::unique_ptr<char[]> buffer_;
};

// Opens the directory that `path` names; not if its last component is a symbolic link (a slash at
// its end follows one). NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION (no directory, or a
// link) or UNAVAILABLE; the message is the system's.
absl::StatusOr<FileDescriptor> OpenDirectory(const char* path);

// Opens the directory `relative_path` below `root_fd`. No symbolic link, no "..", no mount point
// on the way is followed. Errors as above.
absl::StatusOr<FileDescriptor> OpenDirectoryBeneath(int root_fd, const char* relative_path);

// The same without openat2, one component after the other: what OpenDirectoryBeneath does on Linux
// before 5.6. A component that is exchanged meanwhile can only lead to another directory below.
absl::StatusOr<FileDescriptor> OpenDirectoryStepwise(int root_fd, const char* relative_path);

// Opens the entry `name` of a directory for reading if it is a regular file, and takes its status
// after that, so that no exchange of the file goes unnoticed. Never blocks (a FIFO), never follows
// a link, and leaves the file's access time alone where it may: deferred mail has its mtime in the
// future, so that even with relatime each read would write the inode anew, 50 MB for 200,000
// files. Returns the descriptor, the caller's to close; -1 if it cannot be had: errno tells, EINVAL
// for what is no regular file.
int OpenQueueFile(int directory_fd, const char* name, struct stat* status);

}  // namespace fleetqshape::postfix

#endif  // FLEETQSHAPE_COMMON_POSTFIX_QUEUE_DIRECTORY_H_
