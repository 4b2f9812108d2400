#include "simulator/traffic/simulated_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/named_cells.h"

namespace fleetqshape {
namespace {

using test::NamedCells;

class SimulatedQueueTest : public ::testing::Test {
 protected:
  // What the observer was told, all in all.
  NamedCells Told() const {
    NamedCells cells;
    for (const auto& [cell, times] : told_) {
      EXPECT_GE(times, 0);
      for (int64_t i = 0; i < times; ++i) cells.insert(cell);
    }
    return cells;
  }
  void ExpectInStep() {
    const NamedCells cells = test::CellsOfModel(queue_);
    EXPECT_EQ(cells, Told());
    EXPECT_EQ(queue_.digest(), test::DigestOf(cells));
  }

  const Domains domains_{{.count = 100}};
  std::map<test::NamedCell, int64_t> told_;
  SimulatedQueue queue_{
      &domains_, [this](const Cell& cell, int64_t change) {
        told_[{cell.queue, cell.axis, std::string(queue_.Name(cell.name_id)), cell.arrival}] +=
            change;
      }};
};

TEST_F(SimulatedQueueTest, AMessageFromItsArrivalToItsEnd) {
  const uint32_t index = queue_.Add(
      Queue::kIncoming,
      {.arrival = 1000, .sender = kMailerDaemon, .domains = {1, 2}, .recipients = {2, 1}});
  const NamedCells expected = {{Queue::kIncoming, Axis::kSenderDomain, "MAILER-DAEMON", 1000},
                               {Queue::kIncoming, Axis::kRecipientDomain, "gmail.example", 1000},
                               {Queue::kIncoming, Axis::kRecipientDomain, "gmail.example", 1000},
                               {Queue::kIncoming, Axis::kRecipientDomain, "outlook.example", 1000}};
  EXPECT_EQ(test::CellsOfModel(queue_), expected);
  ExpectInStep();
  queue_.Move(index, Queue::kActive);
  EXPECT_EQ(queue_.message_count(Queue::kIncoming), 0U);
  EXPECT_EQ(queue_.message_count(Queue::kActive), 1U);
  ExpectInStep();
  queue_.Deliver(index, 0);
  EXPECT_EQ(queue_.arrival_count(Queue::kActive, Axis::kRecipientDomain), 1U);
  queue_.Deliver(index, 0);
  ExpectInStep();
  queue_.Remove(index);
  EXPECT_EQ(queue_.message_count(), 0U);
  EXPECT_TRUE(test::CellsOfModel(queue_).empty());
  ExpectInStep();
}

TEST_F(SimulatedQueueTest, IndexesAreUsedAgain) {
  const uint32_t first =
      queue_.Add(Queue::kHold, {.arrival = 1, .sender = 3, .domains = {4}, .recipients = {1}});
  queue_.At(first).tried = true;
  queue_.Remove(first);
  const uint32_t second =
      queue_.Add(Queue::kHold, {.arrival = 2, .sender = 5, .domains = {6}, .recipients = {1}});
  EXPECT_EQ(second, first);
  EXPECT_FALSE(queue_.At(second).tried);
  EXPECT_EQ(queue_.end(), 1U);
  ExpectInStep();
}

TEST_F(SimulatedQueueTest, NamesAreRenewedWhenMostAreGone) {
  const uint32_t stays =
      queue_.Add(Queue::kHold, {.arrival = 1, .sender = 3, .domains = {4}, .recipients = {1}});
  for (uint32_t i = 0; i < 6000; ++i) {
    EXPECT_FALSE(queue_.NamesWorthRenewing() && i < 2000);
    queue_.Remove(queue_.Add(Queue::kHold, {.arrival = 1,
                                            .sender = kFirstForged + i,
                                            .domains = {kFirstForged + i},
                                            .recipients = {1}}));
  }
  EXPECT_TRUE(queue_.NamesWorthRenewing());
  const NamedCells before = test::CellsOfModel(queue_);
  queue_.RenewNames();
  EXPECT_EQ(queue_.name_count(), 2U);
  EXPECT_FALSE(queue_.NamesWorthRenewing());
  EXPECT_EQ(test::CellsOfModel(queue_), before);
  EXPECT_EQ(queue_.DomainOf(queue_.At(stays).sender), 3U);
  queue_.Remove(stays);
  EXPECT_EQ(queue_.digest(), 0U);
}

}  // namespace
}  // namespace fleetqshape
