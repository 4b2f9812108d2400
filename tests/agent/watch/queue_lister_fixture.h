// A queue directory with a lister and its model.
#ifndef FLEETQSHAPE_TESTS_AGENT_WATCH_QUEUE_LISTER_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGENT_WATCH_QUEUE_LISTER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/watch/queue_lister.h"
#include "tests/support/named_cells.h"
#include "tests/support/queue_directory_builder.h"

namespace fleetqshape {

using test::QueueDirectoryBuilder;
using test::QueueMessage;

inline QueueMessage MessageTo(const std::vector<std::string>& recipients,
                              const std::string& arrival = "1000 0") {
  QueueMessage message;
  message.time = arrival;
  message.sender = "s@sender.example";
  message.recipients = recipients;
  return message;
}

class QueueListerTest : public ::testing::Test {
 protected:
  // Messages of a queue by their recipient domains, after a pass that went well.
  std::multiset<std::string> PassAndListRecipients(Queue queue) {
    EXPECT_EQ(lister_.Pass(), absl::OkStatus());
    return Recipients(queue);
  }
  std::multiset<std::string> Recipients(Queue queue) const {
    std::multiset<std::string> names;
    for (const test::NamedCell& cell : test::CellsOfModel(model_)) {
      if (cell.queue == queue && cell.axis == Axis::kRecipientDomain) names.insert(cell.name);
    }
    return names;
  }
  uint64_t FilesReadByPass() {
    const uint64_t before = tree_.examiner.files_read();
    EXPECT_EQ(lister_.Pass(), absl::OkStatus());
    return tree_.examiner.files_read() - before;
  }

  using Names = std::multiset<std::string>;

  QueueDirectoryBuilder directory_;
  QueueModel model_{[](const Cell&, int64_t) {}};
  QueueTree tree_{directory_.path(), &model_};
  QueueLister lister_{&tree_};
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGENT_WATCH_QUEUE_LISTER_FIXTURE_H_
