// How Postfix puts a message into its queue, for benchmarks.
#ifndef FLEETQSHAPE_TESTS_BENCH_QUEUE_ENTRY_H_
#define FLEETQSHAPE_TESTS_BENCH_QUEUE_ENTRY_H_

#include <string>
#include <string_view>

#include "common/base/file_descriptor.h"

namespace fleetqshape {

// A message that is being received: its file is in incoming, empty, with the mode 0600.
struct QueueEntry {
  std::string id;  // short, from the time and the inode
  FileDescriptor file;
};

// Prints `what` and the reason in errno, and ends the program.
[[noreturn]] void FailWithErrno(const std::string& what);

// The process becomes the owner of `directory`, as Postfix's daemons are, if it is root.
void BecomeOwnerOf(const std::string& directory);

// As mail_queue_enter() does: a temporary file, which then gets its id for a name. The current
// directory is the queue directory.
QueueEntry EnterQueue();

// As cleanup(8) does at the end: the content, then the size in front again, and the mode 0700, by
// which the message is there. (It also waits for the disk, which is left out.)
void CompleteEntry(const QueueEntry& entry, std::string_view bytes);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_BENCH_QUEUE_ENTRY_H_
