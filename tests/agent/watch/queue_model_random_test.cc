#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/watch/queue_model.h"
#include "common/shape/address.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/model_files.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

using test::FileName;
using test::NamedCells;
using test::PlaceIn;

constexpr Axis kRecipient = Axis::kRecipientDomain;
constexpr Axis kSender = Axis::kSenderDomain;

// What the model ought to hold, kept without any cleverness.
struct NaiveFile {
  FileVersion version = kUnknownVersion;
  int64_t arrival = 0;
  std::string sender;
  std::vector<std::string> recipients;
  bool counts = false;
  bool met = true;  // in this pass
};
using NaiveKey = std::pair<Queue, uint64_t>;
using NaiveModel = std::map<NaiveKey, NaiveFile>;

NamedCells CellsOf(const NaiveModel& files) {
  NamedCells cells;
  std::string domain;
  for (const auto& [key, file] : files) {
    if (!file.counts) continue;
    AddressToDomain(file.sender, &domain);
    cells.insert({key.first, kSender, domain, file.arrival});
    for (const std::string& recipient : file.recipients) {
      AddressToDomain(recipient, &domain);
      cells.insert({key.first, kRecipient, domain, file.arrival});
    }
  }
  return cells;
}

class QueueModelRandomTest : public ::testing::Test {
 protected:
  void Put(NaiveKey key) {
    NaiveFile file{++version_, random_.Between(100, 105), RandomAddress(), {}, !random_.OneIn(8)};
    for (int64_t left = random_.Between(1, 6); left > 0; --left) {
      file.recipients.push_back(RandomAddress());
    }
    FileState state;
    state.version = file.version;
    state.kind = file.counts ? FileKind::kMessage : FileKind::kDamaged;
    model_.Put(PlaceIn(key.first), FileName(key.second), state,
               file.counts ? envelopes_.Make(file.arrival, file.sender, file.recipients) : nullptr);
    naive_[key] = file;
  }

  void Move(NaiveKey from, NaiveKey to) {
    const bool known = naive_.contains(from);
    ASSERT_EQ(model_.Move(PlaceIn(from.first), FileName(from.second), PlaceIn(to.first),
                          FileName(to.second)),
              known);
    if (!known || from == to) return;
    naive_[to] = naive_[from];
    naive_[to].version = kUnknownVersion;
    naive_[to].met = true;
    naive_.erase(from);
  }

  void See(NaiveKey key) {
    const auto known = naive_.find(key);
    const bool same = known != naive_.end() && random_.OneIn(2);
    const FileVersion version = same ? known->second.version : 0xFFFFFFFF;
    ASSERT_EQ(test::SeeFile(key.second, key.first, version, &model_), same);
    if (known != naive_.end()) known->second.met = true;
  }

  void EndPass() {
    if (random_.OneIn(2)) {
      std::set<Queue> listed;
      for (Queue queue : kAllQueues) {
        if (!random_.OneIn(4)) listed.insert(queue);
      }
      model_.EndPass(listed);
      std::erase_if(naive_, [&](const auto& entry) {
        return !entry.second.met && listed.contains(entry.first.first);
      });
    }
    model_.BeginPass();
    for (auto& [key, file] : naive_) file.met = false;
  }

  void Step() {
    // Few files and seconds, so that they meet again and again.
    const auto random_key = [this] {
      return NaiveKey(random_.OneOf(kAllQueues), static_cast<uint64_t>(random_.Between(1, 30)));
    };
    const NaiveKey key = random_key();
    const int64_t what = random_.Between(1, 100);
    if (what <= 40) {
      Put(key);
    } else if (what <= 60) {
      // Mostly as Postfix does it, with its name.
      const NaiveKey to = random_key();
      Move(key, {to.first, random_.OneIn(5) ? to.second : key.second});
    } else if (what <= 75) {
      const bool known = naive_.erase(key) > 0;
      ASSERT_EQ(model_.Remove(PlaceIn(key.first), FileName(key.second)), known);
    } else if (what <= 90) {
      See(key);
    } else if (what <= 93) {
      EndPass();
    } else if (what <= 96) {
      model_.RenewNames();
    }
  }

  void Check() {
    const NamedCells expected = CellsOf(naive_);
    ASSERT_EQ(test::CellsOfModel(model_), expected);
    ASSERT_EQ(model_.digest(), test::DigestOf(expected));
    uint64_t counted = 0;
    for (const auto& [key, file] : naive_) counted += file.counts ? 1 : 0;
    ASSERT_EQ(model_.message_count(), counted);
    ASSERT_EQ(model_.file_counts().of(FileKind::kDamaged), naive_.size() - counted);
  }

  std::string RandomAddress() {
    static const std::vector<std::string> addresses = {"",
                                                       "root",
                                                       "a@one.example",
                                                       "b@ONE.example",
                                                       "c@two.example",
                                                       "d@..x..y.",
                                                       "e@\xff.example",
                                                       "f@",
                                                       "g@three",
                                                       "h@i@four.example"};
    return random_.OneOf(addresses);
  }

  test::RandomSource random_{0};
  test::EnvelopeMaker envelopes_;
  QueueModel model_{[](const Cell&, int64_t) {}};
  NaiveModel naive_;
  FileVersion version_ = 0;
};

TEST_F(QueueModelRandomTest, EqualsANaiveModelOverRandomOperations) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(4); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    random_ = test::RandomSource(seed);
    model_.BeginPass();
    for (int step = 0; step < 4000; ++step) {
      Step();
      if (step % 5 == 0) Check();
      if (HasFailure()) return;
    }
    model_.BeginPass();
    model_.EndPass({kAllQueues.begin(), kAllQueues.end()});
    naive_.clear();
    Check();
    EXPECT_EQ(model_.names().used(), 0U);
  }
}

TEST_F(QueueModelRandomTest, GivesMemoryBackAndStaysTheSame) {
  random_ = test::RandomSource(test::FirstSeed());
  SCOPED_TRACE(test::SeedTrace(test::FirstSeed()));
  for (uint64_t number = 0; number < 20'000; ++number) Put({random_.OneOf(kAllQueues), number});
  std::erase_if(naive_, [&](const auto& entry) {
    const auto& [queue, number] = entry.first;
    return !random_.OneIn(20) && model_.Remove(PlaceIn(queue), FileName(number));
  });
  model_.Compact();
  Check();
  for (const auto& [key, file] : naive_) {
    ASSERT_TRUE(test::SeeFile(key.second, key.first, file.version, &model_));
  }
  for (int step = 0; step < 4000; ++step) Step();
  Check();
}

}  // namespace
}  // namespace fleetqshape
