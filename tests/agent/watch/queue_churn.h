// Random changes of a queue directory, as Postfix makes them.
#ifndef FLEETQSHAPE_TESTS_AGENT_WATCH_QUEUE_CHURN_H_
#define FLEETQSHAPE_TESTS_AGENT_WATCH_QUEUE_CHURN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/shape/queue.h"
#include "tests/support/named_cells.h"
#include "tests/support/queue_directory_builder.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

// Messages come into incoming or maildrop, move to active, are delivered in part, go, or are
// deferred and tried again; are held, released and requeued; hash directories come with a new
// depth. Every file is really there.
class QueueChurn {
 public:
  QueueChurn(const QueueDirectoryBuilder* directory, uint64_t seed)
      : directory_(*directory), random_(seed) {}

  // One operation of Postfix or of postsuper.
  void Step();
  // All of deferred to active, as `postqueue -f` does it; all of active to incoming, as a restart.
  void FlushDeferred();
  void Restart();
  // Hash directories of another depth from now on; what is in deferred moves there.
  void SetHashDepth(int depth);

  size_t message_count() const { return messages_.size(); }
  // What a scan of the directory has to find.
  NamedCells Expected() const;

 private:
  struct Message {
    Queue queue;
    std::string file;  // below the queue directory
    bool ready;
    int64_t arrival;
    std::vector<std::string> recipients;
  };
  using Messages = std::map<std::string, Message>;

  void Arrive();
  void MoveTo(const std::string& id, Message* message, Queue queue);
  void Deliver(Messages::iterator message);
  std::string PathOf(const std::string& id, Queue queue);

  const QueueDirectoryBuilder& directory_;
  RandomSource random_;
  Messages messages_;  // by queue id
  uint64_t next_id_ = 0x100000;
  int hash_depth_ = 1;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGENT_WATCH_QUEUE_CHURN_H_
