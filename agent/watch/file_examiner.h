// Reads single queue files into a QueueModel.
#ifndef FLEETQSHAPE_AGENT_WATCH_FILE_EXAMINER_H_
#define FLEETQSHAPE_AGENT_WATCH_FILE_EXAMINER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "agent/watch/queue_model.h"
#include "common/postfix/queue_file.h"

namespace fleetqshape {

// Not safe for use by several threads.
class FileExaminer {
 public:
  enum class Outcome {
    kExamined,    // the model has it as it is
    kUnreadable,  // may not be opened
    kGone,        // no such file
    kNoFile,      // something else has that name: a directory, a link, a FIFO
    kTryAgain,    // there, but not to be had for now: out of descriptors or memory, an I/O error
  };
  struct Details {
    FileState state;       // of kUnreadable: for QueueModel::Put
    absl::Status problem;  // of kTryAgain
  };

  // `model` outlives the examiner.
  explicit FileExaminer(QueueModel* model) : model_(*model) {}

  // Whether a file that changed a moment ago is known by its version. File times have the kernel's
  // tick for resolution (4 ms), on some file systems a whole second: without inotify to tell,
  // another change right now would leave the same version behind.
  void set_told_of_changes(bool told) { told_of_changes_ = told; }

  // Looks at the file `name` (NUL-terminated) in the open directory, which is `place`'s. The model
  // changes for kExamined only.
  Outcome Examine(int directory_fd, Place place, const char* name, Details* details);

  // Files whose records were read.
  uint64_t files_read() const { return files_read_; }

 private:
  FileState StateOf(Place place, const struct stat& status, FileKind kind) const;
  Outcome ExplainFailure(int error, int directory_fd, Place place, const char* name,
                         Details* details);
  FileKind Read(int fd, const struct stat& status);

  QueueModel& model_;
  bool told_of_changes_ = false;
  postfix::EnvelopeReader reader_;
  postfix::Envelope envelope_;
  uint64_t files_read_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_FILE_EXAMINER_H_
