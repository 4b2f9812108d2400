#include "common/shape/queue.h"

#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

TEST(QueueTest, EveryQueueIsFoundByItsName) {
  for (const Queue queue : kAllQueues) {
    EXPECT_FALSE(QueueName(queue).empty());
    EXPECT_EQ(QueueFromName(QueueName(queue)), queue);
  }
}

TEST(QueueTest, OtherDirectoriesAreNoQueues) {
  for (const char* name : {"", "defer", "bounce", "corrupt", "Deferred", "deferred/", "active "}) {
    EXPECT_EQ(QueueFromName(name), std::nullopt) << name;
  }
}

// They stand on disks and in agents of other versions.
TEST(QueueTest, NumbersNeverChange) {
  EXPECT_EQ(static_cast<int>(Queue::kMaildrop), 1);
  EXPECT_EQ(static_cast<int>(Queue::kHold), 2);
  EXPECT_EQ(static_cast<int>(Queue::kIncoming), 3);
  EXPECT_EQ(static_cast<int>(Queue::kActive), 4);
  EXPECT_EQ(static_cast<int>(Queue::kDeferred), 5);
  EXPECT_EQ(static_cast<int>(Axis::kRecipientDomain), 1);
  EXPECT_EQ(static_cast<int>(Axis::kSenderDomain), 2);
}

}  // namespace
}  // namespace fleetqshape
