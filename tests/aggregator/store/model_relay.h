// Relays whose states are known, to compare with what a store has of them.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_STORE_MODEL_RELAY_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_STORE_MODEL_RELAY_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/store/store.h"
#include "common/codec/section_codec.h"
#include "common/shape/cell_digest.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

using Sections = std::map<std::pair<Queue, Axis>, Block>;

// The sections of a relay that hold something.
inline Sections SectionsOf(const LoadedRelay& relay) {
  Sections sections;
  for (const StoredSection& section : relay.sections) {
    if (!section.block.name_ids.empty()) sections[{section.queue, section.axis}] = section.block;
  }
  return sections;
}

// All that a store has of its relays.
struct Loaded {
  LoadedRelay relay;
  absl::Status problem;
};
inline std::map<RelayId, Loaded> LoadAll(Store& store) {
  std::map<RelayId, Loaded> all;
  const absl::Status status = store.Load([](RelayId, const v1::StoredRelay&) { return true; },
                                         [&](LoadedRelay relay, absl::Status problem) {
                                           const RelayId id = relay.relay;
                                           EXPECT_TRUE(all.empty() || id > all.rbegin()->first)
                                               << "by rising id";
                                           all[id] = {std::move(relay), std::move(problem)};
                                         });
  EXPECT_TRUE(status.ok()) << status;
  return all;
}

// Reports snapshots and deltas that fit each other, drawn at random, and remembers each state.
class ModelRelay {
 public:
  explicit ModelRelay(RelayId id) : id_(id) {}

  RelayId id() const { return id_; }
  std::string host() const { return "relay" + std::to_string(id_); }

  RelayWrite Snapshot(RandomSource& random) {
    ++epoch_;
    sequence_ = 0;
    names_.clear();
    cells_.clear();
    RelayWrite write;
    write.forget_names = true;
    for (Queue queue : kAllQueues) {
      for (Axis axis : kAllAxes) {
        write.sections.push_back({queue, axis, SectionWrite::Kind::kErase, ""});
      }
    }
    AddNames(random.Between(1, 6), &write);
    for (int64_t left = random.Between(1, 12); left > 0; --left) Gain(random);
    for (const auto& [place, arrivals] : cells_) {
      write.sections.push_back({place.first, place.second, SectionWrite::Kind::kReplace,
                                EncodeSection(place.first, place.second, BlockOf(arrivals))});
    }
    return Finish(std::move(write));
  }

  RelayWrite Delta(RandomSource& random) {
    if (sequence_ == 0) return Snapshot(random);
    RelayWrite write;
    if (names_.size() < 40 && random.OneIn(3)) AddNames(random.Between(1, 3), &write);
    const Cells before = cells_;
    // Some forty cells, so that long runs stay fast.
    for (int64_t left = random.Between(0, 4) + CellCount() / 8; left > 0; --left) Lose(random);
    for (int64_t left = random.Between(1, 6); left > 0; --left) Gain(random);
    for (Queue queue : kAllQueues) {
      for (Axis axis : kAllAxes) AddChange(queue, axis, before, &write);
    }
    return Finish(std::move(write));
  }

  // Whether the relay was ever reported to be just so.
  bool Was(const LoadedRelay& loaded) const {
    const auto found = history_->find({loaded.record.epoch(), loaded.record.sequence()});
    return found != history_->end() && found->second.record == loaded.record.SerializeAsString() &&
           found->second.names == loaded.names && found->second.sections == SectionsOf(loaded);
  }
  // Whether this is its last state.
  bool Is(const LoadedRelay& loaded) const {
    return Was(loaded) && loaded.record.epoch() == epoch_ && loaded.record.sequence() == sequence_;
  }
  uint64_t epoch() const { return epoch_; }
  uint64_t sequence() const { return sequence_; }

 private:
  using Arrivals = std::map<uint32_t, std::multiset<int64_t>>;
  using Cells = std::map<std::pair<Queue, Axis>, Arrivals>;
  struct State {
    std::string record;
    std::vector<std::string> names;
    Sections sections;
  };

  static Block BlockOf(const Arrivals& arrivals) {
    BlockBuilder builder;
    for (const auto& [name_id, seconds] : arrivals) {
      if (seconds.empty()) continue;
      builder.StartName(name_id);
      for (int64_t arrival : seconds) builder.AddArrival(arrival);
    }
    return builder.Finish();
  }

  void AddNames(int64_t count, RelayWrite* write) {
    write->first_name_id = static_cast<uint32_t>(names_.size());
    for (; count > 0; --count) {
      names_.push_back("name" + std::to_string(names_.size()) + "." + host());
      write->names.add_names(names_.back());
    }
  }
  void Gain(RandomSource& random) {
    const auto queue = kAllQueues[static_cast<size_t>(random.Between(0, 4))];
    const auto axis = kAllAxes[static_cast<size_t>(random.Between(0, 1))];
    const auto name = random.Between(0, static_cast<int64_t>(names_.size()) - 1);
    cells_[{queue, axis}][static_cast<uint32_t>(name)].insert(random.Between(1000, 1100));
  }
  void Lose(RandomSource& random) {
    for (auto& [place, arrivals] : cells_) {
      for (auto& [name_id, seconds] : arrivals) {
        if (seconds.empty() || !random.OneIn(4)) continue;
        seconds.erase(seconds.begin());
        return;
      }
    }
  }
  int64_t CellCount() const {
    size_t count = 0;
    for (const auto& [place, arrivals] : cells_) {
      for (const auto& [name_id, seconds] : arrivals) count += seconds.size();
    }
    return static_cast<int64_t>(count);
  }
  // What was gained and lost since `before`, as a merge.
  void AddChange(Queue queue, Axis axis, const Cells& before, RelayWrite* write) {
    const auto found = before.find({queue, axis});
    const Arrivals old = found == before.end() ? Arrivals() : found->second;
    Arrivals gained = cells_[{queue, axis}];
    Arrivals lost = old;
    for (const auto& [name_id, seconds] : old) {
      for (int64_t arrival : seconds) {
        const auto kept = gained[name_id].find(arrival);
        if (kept == gained[name_id].end()) continue;
        gained[name_id].erase(kept);
        lost[name_id].erase(lost[name_id].find(arrival));
      }
    }
    const BlockDelta delta{BlockOf(gained), BlockOf(lost)};
    if (delta.empty()) return;
    write->sections.push_back(
        {queue, axis, SectionWrite::Kind::kMerge, EncodeSection(queue, axis, delta)});
  }
  RelayWrite Finish(RelayWrite write) {
    ++sequence_;
    write.relay = id_;
    write.record.set_cluster("eu");
    write.record.set_host(host());
    write.record.set_instance("postfix");
    write.record.set_epoch(epoch_);
    write.record.set_sequence(sequence_);
    write.record.set_name_count(static_cast<uint32_t>(names_.size()));
    uint64_t digest = 0;
    State state;
    for (const auto& [place, arrivals] : cells_) {
      for (const auto& [name_id, seconds] : arrivals) {
        const uint64_t hash = NameHash(names_[name_id]);
        for (int64_t arrival : seconds)
          digest += CellHash(place.first, place.second, hash, arrival);
      }
      Block block = BlockOf(arrivals);
      if (!block.name_ids.empty()) state.sections[place] = std::move(block);
    }
    write.record.set_digest(digest);
    state.record = write.record.SerializeAsString();
    state.names = names_;
    (*history_)[{epoch_, sequence_}] = std::move(state);
    return write;
  }

  RelayId id_;
  uint64_t epoch_ = 0;
  uint64_t sequence_ = 0;
  std::vector<std::string> names_;
  Cells cells_;
  // By epoch and sequence; shared with copies.
  using History = std::map<std::pair<uint64_t, uint64_t>, State>;
  std::shared_ptr<History> history_ = std::make_shared<History>();
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_STORE_MODEL_RELAY_H_
