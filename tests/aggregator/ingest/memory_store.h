// A store in memory that holds all of what it is given, as long as that is whole states.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_MEMORY_STORE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_MEMORY_STORE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "aggregator/store/store.h"
#include "common/codec/section_codec.h"
#include "tests/support/sections.h"

namespace fleetqshape::test {

class MemoryStore final : public Store {
 public:
  absl::Status Apply(const std::vector<RelayWrite>& writes) override {
    if (!apply_result.ok()) return apply_result;
    batches.push_back(writes);
    for (const RelayWrite& write : writes) {
      relays.erase(write.relay);
      if (!write.forget) relays.emplace(write.relay, Decode(write));
    }
    return absl::OkStatus();
  }
  absl::Status Recover() override {
    ++recoveries;
    return recover_result;
  }
  absl::Status Load(Wanted wanted, Visit visit) override {
    if (!load_result.ok()) return load_result;
    for (const auto& [id, relay] : relays) {
      if (unreadable.contains(id)) {
        visit({id, {}, {}, {}}, absl::DataLossError("a record that can't be read"));
      } else if (wanted(id, relay.record)) {
        visit(relay, absl::OkStatus());
      }
    }
    if (const auto change = std::exchange(at_end_of_load, nullptr)) change();
    return absl::OkStatus();
  }

  std::map<RelayId, LoadedRelay> relays;
  std::vector<std::vector<RelayWrite>> batches;
  std::set<RelayId> unreadable;  // their records
  // What the next Load does to the store when it has told of all.
  std::function<void()> at_end_of_load;
  int recoveries = 0;  // tried
  absl::Status recover_result;
  absl::Status apply_result;
  absl::Status load_result;

 private:
  static LoadedRelay Decode(const RelayWrite& write) {
    EXPECT_TRUE(write.forget_names) << "a whole state";
    EXPECT_EQ(write.first_name_id, 0U);
    LoadedRelay relay{write.relay, write.record, {}, {}};
    relay.names = {write.names.names().begin(), write.names.names().end()};
    std::set<std::pair<Queue, Axis>> seen;
    for (const SectionWrite& section : write.sections) {
      EXPECT_TRUE(seen.insert({section.queue, section.axis}).second);
      if (section.kind == SectionWrite::Kind::kErase) continue;
      EXPECT_EQ(section.kind, SectionWrite::Kind::kReplace);
      auto block = DecodeState(section.value);
      EXPECT_TRUE(block.ok()) << block.status();
      if (block.ok()) relay.sections.push_back({section.queue, section.axis, *std::move(block)});
    }
    EXPECT_EQ(seen.size(), kAllQueues.size() * kAllAxes.size()) << "a whole state";
    return relay;
  }
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_MEMORY_STORE_H_
