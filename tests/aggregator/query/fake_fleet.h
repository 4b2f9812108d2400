// A fleet in memory, made of cells, and questions to it.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_QUERY_FAKE_FLEET_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_QUERY_FAKE_FLEET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ingest/fleet.h"
#include "aggregator/query/query_engine.h"
#include "common/shape/block.h"
#include "tests/support/manual_clock.h"
#include "tests/support/named_cells.h"

namespace fleetqshape::test {

struct FakeRelay {
  RelayDescription description;
  NamedCells cells;
  int64_t clock_offset_milliseconds = 0;
  // Its agent gave each name a second id, which every other arrival has.
  bool names_twice = false;
  // So many other names came to the fleet just before its own: ids are of several pages.
  size_t names_before = 0;
};

class FakeFleet {
 public:
  explicit FakeFleet(ManualClock* clock, size_t threads = 1)
      : clock_(*clock), engine_(&fleet_, clock, {.stale_after_seconds = 60, .threads = threads}) {}

  static FakeRelay Relay(const std::string& host, const NamedCells& cells = {},
                         int64_t clock_offset_milliseconds = 0) {
    return {{{"eu", host, "postfix"}, {}, "0.1.0"}, cells, clock_offset_milliseconds, false, 0};
  }

  // Adds a relay that was heard of just now.
  void Add(const FakeRelay& relay) {
    const auto id = static_cast<RelayId>(relays_.size() + 1);
    fleet_.Describe(id, std::make_shared<const RelayDescription>(relay.description));
    fleet_.Heard(id, clock_.Now(), relay.clock_offset_milliseconds);
    // The relay's own ids are not those of the fleet, nor are its names in any order.
    for (size_t i = 0; i < relay.names_before; ++i) {
      fleet_.names().Intern("before" + std::to_string(i) + "." + relay.description.identity.host);
    }
    std::map<std::string, uint32_t> ids;
    std::vector<std::string_view> names;
    for (auto cell = relay.cells.rbegin(); cell != relay.cells.rend(); ++cell) {
      if (ids.try_emplace(cell->name, static_cast<uint32_t>(ids.size())).second) {
        names.push_back(cell->name);
      }
    }
    const auto different = static_cast<uint32_t>(names.size());
    if (relay.names_twice)
      for (uint32_t i = 0; i < different; ++i) names.push_back(names[i]);
    const std::shared_ptr<RelayState> state = EmptyRelayState();
    state->epoch = 1;
    state->sequence = 1;
    state->names = RelayNames().With(names, &fleet_.names());
    std::map<size_t, std::map<uint32_t, std::multiset<int64_t>>> sections;
    for (const NamedCell& cell : relay.cells) {
      const bool second = relay.names_twice && cell.arrival % 2 != 0;
      const uint32_t name_id = ids[cell.name] + (second ? different : 0);
      sections[SectionIndex(cell.queue, cell.axis)][name_id].insert(cell.arrival);
    }
    for (const auto& [index, by_name] : sections) {
      BlockBuilder builder;
      for (const auto& [name_id, arrivals] : by_name) {
        builder.StartName(name_id);
        for (int64_t arrival : arrivals) builder.AddArrival(arrival);
      }
      state->sections[index] = std::make_shared<const Block>(builder.Finish());
    }
    fleet_.SetState(id, state);
    relays_.push_back(relay);
  }

  Fleet& fleet() { return fleet_; }
  const QueryEngine& engine() const { return engine_; }
  const std::vector<FakeRelay>& relays() const { return relays_; }

 private:
  const ManualClock& clock_;
  Fleet fleet_;
  QueryEngine engine_;
  std::vector<FakeRelay> relays_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_QUERY_FAKE_FLEET_H_
