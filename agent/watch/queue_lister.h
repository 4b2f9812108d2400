// Keeps a QueueModel true by listing the queue directories.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_LISTER_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_LISTER_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/watch/queue_model.h"
#include "common/base/file_descriptor.h"
#include "common/postfix/queue_directory.h"
#include "common/postfix/queue_file.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// Reads below the queue directory, writes nothing, locks nothing. One thread at a time.
class QueueLister {
 public:
  // What the passes so far did.
  struct Counters {
    uint64_t passes = 0;
    uint64_t incomplete_passes = 0;  // some queue could not be listed: it lost nothing then
    uint64_t files_read = 0;
  };

  // `queue_directory` as Postfix's main.cf has it. `model` outlives the lister.
  QueueLister(std::string queue_directory, QueueModel* model);

  // Lists all queues and reads what is new or changed. After an OK pass over queues that did not
  // change meanwhile, the model is exactly what is on the disk. An error says what could not be
  // listed: what was seen of that queue has been taken in, and nothing of it was removed.
  absl::Status Pass();

  const Counters& counters() const { return counters_; }

 private:
  // A file is at most this deep below its queue; Postfix's hash_queue_depth is at most 16.
  static constexpr int kMaxDepth = 16;

  absl::Status ListQueue(int root_fd, Queue queue);
  absl::Status ListDirectory(int parent_fd, const char* name, Queue queue, int depth);
  // An error if the file is there but could not be opened for want of something.
  absl::Status LookAt(int directory_fd, const char* name, Queue queue);

  const std::string queue_directory_;
  QueueModel& model_;
  postfix::EnvelopeReader reader_;
  postfix::Envelope envelope_;
  // Of the queue that is being listed.
  uint64_t readable_files_ = 0;
  uint64_t unreadable_files_ = 0;
  Counters counters_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_LISTER_H_
