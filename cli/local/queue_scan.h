// Reads whole queues from the disk, with several threads.
#ifndef FLEETQSHAPE_CLI_LOCAL_QUEUE_SCAN_H_
#define FLEETQSHAPE_CLI_LOCAL_QUEUE_SCAN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/local/scan_worker.h"
#include "common/shape/shape_table.h"

namespace fleetqshape {

struct ScanOptions {
  ScanQuestion question;
  std::vector<std::string> paths;  // directories, or plain files
  int threads = 1;
  // If above 0: `on_progress` is called after each so many messages, by one thread at a time, with
  // what was counted by then.
  uint64_t progress_messages = 0;
  std::function<void(const ShapeTable&)> on_progress;
};

struct ScanResult {
  explicit ScanResult(size_t columns) : table(columns) {}

  ShapeTable table;
  ScanCounts counts;
  // What could not be listed, a line each. The rest is counted all the same.
  std::vector<std::string> warnings;
};

// The file's own threads are gone when it returns.
ScanResult ScanQueues(const ScanOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_LOCAL_QUEUE_SCAN_H_
