// A queue directory, and what is known of it.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_TREE_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_TREE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "agent/watch/directory_table.h"
#include "agent/watch/file_examiner.h"
#include "agent/watch/queue_model.h"
#include "common/base/file_descriptor.h"

namespace fleetqshape {

// What listing and watching share. Nothing below the queue directory is written, locked or opened
// other than for reading.
struct QueueTree {
  // `queue_directory` as Postfix's main.cf has it. `model` outlives the tree.
  QueueTree(std::string queue_directory, QueueModel* model)
      : path(std::move(queue_directory)), model(*model), examiner(model) {}

  // Opens the queue directory. An error says its path.
  absl::StatusOr<FileDescriptor> OpenRoot() const;

  const std::string path;
  QueueModel& model;
  DirectoryTable directories;
  FileExaminer examiner;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_TREE_H_
