// Counts the messages in queue files.
#ifndef FLEETQSHAPE_CLI_LOCAL_SCAN_WORKER_H_
#define FLEETQSHAPE_CLI_LOCAL_SCAN_WORKER_H_

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "cli/local/file_closer.h"
#include "common/base/mutex.h"
#include "common/postfix/queue_directory.h"
#include "common/postfix/queue_file.h"
#include "common/shape/age_buckets.h"
#include "common/shape/queue.h"
#include "common/shape/shape_table.h"

namespace fleetqshape {

// Files by what became of them. Directories, links and files with other names are no queue files
// and stand nowhere here.
struct ScanCounts {
  uint64_t messages = 0;        // counted
  uint64_t force_expired = 0;   // of these: marked so, and missed by qshape
  uint64_t fresh_maildrop = 0;  // of these: as postdrop writes them, and missed by qshape
  uint64_t no_recipients = 0;   // all recipients are done
  uint64_t not_ready = 0;       // by their mode: still being written, or set aside as corrupt
  uint64_t foreign = 0;         // no queue file; qshape -s counts it as MAILER-DAEMON
  uint64_t damaged = 0;         // cut off, malformed
  uint64_t unreadable = 0;      // may not be opened
  uint64_t vanished = 0;        // moved on or delivered meanwhile
  uint64_t seen_before = 0;     // the same file under another name or in a queue named twice

  void Add(const ScanCounts& other);
};

// Files that were counted, so that none is counted twice. Safe for use by several threads.
class SeenFiles {
 public:
  // True the first time.
  bool Insert(dev_t device, ino_t inode);

 private:
  Mutex mutex_;
  absl::flat_hash_set<std::pair<dev_t, ino_t>> files_ FQS_GUARDED_BY(mutex_);
};

// What all workers of a scan share.
struct ScanQuestion {
  postfix::Dialect dialect = postfix::Dialect::kPostfix;
  Axis axis = Axis::kRecipientDomain;
  AgeBuckets buckets{BucketOptions()};
  int64_t now_seconds = 0;
  // A file may come up more than once: each is looked up in SeenFiles. Else only those with
  // several links are. (kPostfix only; qshape counts them as often as they come.)
  bool files_may_repeat = false;
};

// One worker a thread, and no other thread opens files in that thread's descriptor table (see
// FileCloser). Only MergeTableInto may be called from other threads.
class ScanWorker {
 public:
  // Most files that may be counted at a time. Opening many in a row, and then parsing many, is
  // faster than changing between the two with each file: measured 1 to 4 percent of a scan.
  static constexpr size_t kMostAtATime = 32;

  // `question` and `seen` outlive the worker. `files_at_a_time`: 1 to kMostAtATime.
  ScanWorker(const ScanQuestion* question, SeenFiles* seen, size_t files_at_a_time = kMostAtATime);

  // Opens the file `name` in the open directory and reads the first of it, if it is a queue file
  // that counts. When so many files were taken as may be counted at a time, they are. Returns how
  // many messages that were.
  size_t TakeFile(int directory_fd, const char* name);

  // Counts what is not counted yet, closes all files, and brings the table up to date; to be
  // called by the thread that called TakeFile, at its end.
  void Settle() FQS_EXCLUDES(mutex_);

  const ScanCounts& counts() const { return counts_; }
  // All that was counted, which the worker then has no more. After Settle.
  ShapeTable TakeTable() FQS_EXCLUDES(mutex_);

  // What was counted so far.
  void MergeTableInto(ShapeTable* sum) const FQS_EXCLUDES(mutex_);

 private:
  struct Arrival {
    size_t name_length;
    size_t bucket;
  };

  // A file that was opened, and the first of it. Without `wanted` it is only to be closed.
  struct OpenFile {
    int fd = -1;
    bool wanted = false;
    std::string_view head;
    struct stat status {};
  };

  bool IsWanted(const struct stat& status);
  size_t CountOpenFiles();
  bool CountOpenFile(const OpenFile& file);
  bool IsFirstSight(const struct stat& status);
  void CountForeign() FQS_EXCLUDES(mutex_);
  void CountEnvelope() FQS_EXCLUDES(mutex_);
  void CountAddress(std::string_view address, size_t bucket) FQS_REQUIRES(mutex_);
  void AddWaiting() FQS_REQUIRES(mutex_);
  void AddWaitingTo(ShapeTable* table) const FQS_REQUIRES(mutex_);

  const ScanQuestion& question_;
  SeenFiles& seen_;
  FileCloser closer_;
  const size_t files_at_a_time_;
  std::array<OpenFile, kMostAtATime> open_files_;
  size_t open_count_ = 0;
  std::unique_ptr<char[]> heads_;  // what open_files_ point to
  postfix::EnvelopeReader reader_;
  postfix::Envelope envelope_;
  std::string domain_;  // scratch
  ScanCounts counts_;
  mutable Mutex mutex_;
  ShapeTable table_ FQS_GUARDED_BY(mutex_);
  // Not in the table yet. Reading files sweeps the table out of the processor's caches; it is
  // fetched once for thousands of arrivals, not for each.
  std::vector<Arrival> waiting_ FQS_GUARDED_BY(mutex_);
  std::string waiting_names_ FQS_GUARDED_BY(mutex_);  // one after the other
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_LOCAL_SCAN_WORKER_H_
