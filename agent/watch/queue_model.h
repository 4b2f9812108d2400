// The agent's picture of one Postfix instance's queue.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_MODEL_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_MODEL_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "agent/watch/name_table.h"
#include "common/postfix/queue_file.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// One arrival, as part of the state.
struct Cell {
  Queue queue;
  Axis axis;
  uint32_t name_id;  // in QueueModel::names()
  int64_t arrival;   // seconds since the Unix epoch

  bool operator==(const Cell& other) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const Cell& cell) {
    return H::combine(std::move(hash), cell.queue, cell.axis, cell.name_id, cell.arrival);
  }
};

// Messages by the inode of their queue file, which a message keeps while Postfix moves it from
// queue to queue. Exact: it holds the messages that were put and not removed since, once each.
// Not safe for use by several threads.
class QueueModel {
 public:
  // Told of each arrival that the state gains (change 1) or loses (-1), as it happens.
  using CellObserver = std::function<void(const Cell& cell, int change)>;

  // What a file's status was when it was read. It is read again when one of these differs.
  struct FileVersion {
    Queue queue;
    int64_t ctime_nanoseconds;
    int64_t size;
    bool operator==(const FileVersion& other) const = default;
  };

  explicit QueueModel(CellObserver observer);

  // Begins a pass over all queues. What is neither put nor seen until EndPass is removed by it.
  void BeginPass() { ++pass_; }
  // True if the file is known in this version: then it counts as seen.
  bool See(ino_t inode, const FileVersion& version);
  // The file holds the message of `envelope`, or none that counts (null).
  void Put(ino_t inode, const FileVersion& version, const postfix::Envelope* envelope);
  // Ends the pass for the queues that were listed to their end; files of others stay as they are.
  void EndPass(const std::set<Queue>& listed);

  // Messages counted, in all queues.
  size_t message_count() const { return message_count_; }
  // The sum of CellHash over all arrivals.
  uint64_t digest() const { return digest_; }
  const NameTable& names() const { return *names_; }
  // The arrivals of one queue and axis.
  Block MakeBlock(Queue queue, Axis axis) const;

  // True if most ids are those of names that are gone.
  bool NamesWorthRenewing() const;
  // Gives new ids to the names in use. The observer is not told: ids that it was told before mean
  // nothing any more.
  void RenewNames();

 private:
  // Name id and how many recipients. Recipients of one domain are counted together.
  using RecipientDomains = absl::InlinedVector<std::pair<uint32_t, uint32_t>, 1>;

  struct File {
    FileVersion version;
    uint64_t pass = 0;
    int64_t arrival = 0;
    uint32_t sender = 0;
    bool counts = false;  // holds a message; if not, only `version` and `pass` mean something
    RecipientDomains recipients;
  };

  // The name id of an address's domain, which is cut if it is too long to be reported.
  uint32_t AcquireDomain(std::string_view address);
  void AddMessage(const postfix::Envelope& envelope, File* file);
  void RemoveMessage(File* file);
  void Change(const File& file, Axis axis, uint32_t name_id, uint32_t times, int change);

  CellObserver observer_;
  std::unique_ptr<NameTable> names_;
  absl::flat_hash_map<ino_t, File> files_;
  std::string domain_;              // scratch
  std::vector<uint32_t> name_ids_;  // scratch
  uint64_t pass_ = 0;
  uint64_t digest_ = 0;
  size_t message_count_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_MODEL_H_
