// Reports for tests, made from plain cells, and plain cells from what became of them.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_RELAY_REPORTS_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_RELAY_REPORTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/ingest/fleet.h"
#include "common/codec/section_codec.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/sections.h"

namespace fleetqshape::test {

// An agent's end of the protocol, without its care: it makes the report that leads to a state.
class ReportWriter {
 public:
  // A snapshot.
  v1::Report Snapshot(uint64_t epoch, const NamedCells& cells) {
    epoch_ = epoch;
    sequence_ = 0;
    ids_.clear();
    names_sent_ = 0;
    cells_.clear();
    return ReportTo(cells);
  }
  // The next report of the epoch, which leads to `cells`.
  v1::Report ReportTo(const NamedCells& cells) {
    v1::Report report;
    report.set_epoch(epoch_);
    report.set_sequence(++sequence_);
    std::vector<std::string> names;
    const Sections gained = BySection(Without(cells, cells_), &names);
    const Sections lost = BySection(Without(cells_, cells), &names);
    for (Queue queue : kAllQueues) {
      for (Axis axis : kAllAxes) {
        const BlockDelta delta{BlockOf(gained, queue, axis), BlockOf(lost, queue, axis)};
        if (!delta.empty()) *report.add_sections() = SectionOf(EncodeSection(queue, axis, delta));
      }
    }
    report.set_first_name_id(names_sent_);
    for (const std::string& name : names) report.add_names(name);
    names_sent_ += static_cast<uint32_t>(names.size());
    report.set_digest(DigestOf(cells));
    cells_ = cells;
    return report;
  }
  const NamedCells& cells() const { return cells_; }

 private:
  using Sections = std::map<std::pair<Queue, Axis>, std::map<uint32_t, std::multiset<int64_t>>>;

  Sections BySection(const NamedCells& cells, std::vector<std::string>* new_names) {
    Sections sections;
    for (const NamedCell& cell : cells) {
      const auto [id, is_new] = ids_.try_emplace(cell.name, static_cast<uint32_t>(ids_.size()));
      if (is_new) new_names->push_back(cell.name);
      sections[{cell.queue, cell.axis}][id->second].insert(cell.arrival);
    }
    return sections;
  }
  static Block BlockOf(const Sections& sections, Queue queue, Axis axis) {
    BlockBuilder builder;
    const auto section = sections.find({queue, axis});
    if (section != sections.end()) {
      for (const auto& [id, arrivals] : section->second) {
        builder.StartName(id);
        for (int64_t arrival : arrivals) builder.AddArrival(arrival);
      }
    }
    return builder.Finish();
  }

  uint64_t epoch_ = 0;
  uint64_t sequence_ = 0;
  std::map<std::string, uint32_t> ids_;
  uint32_t names_sent_ = 0;
  NamedCells cells_;
};

// All that a relay's state holds.
inline NamedCells CellsOfState(const RelayState& state, const FleetNames& names) {
  NamedCells cells;
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) {
      const Block& block = *state.sections[SectionIndex(queue, axis)];
      ExpectSoundBlock(block);
      const auto name_of = [&](uint32_t id) { return names.name(state.names[id]); };
      AddBlock(queue, axis, block, name_of, &cells);
    }
  }
  return cells;
}

inline NamedCells RandomCells(RandomSource& random, int64_t most, int64_t names = 20) {
  NamedCells cells;
  for (int64_t left = random.Between(0, most); left > 0; --left) {
    cells.insert({random.OneOf(kAllQueues), random.OneOf(kAllAxes),
                  "d" + std::to_string(random.Between(1, names)) + ".example",
                  1'700'000'000 - random.Between(-100, 100'000)});
  }
  return cells;
}

// Some cells go, others come.
inline NamedCells ChangedCells(RandomSource& random, const NamedCells& before, int64_t most) {
  NamedCells cells = RandomCells(random, most);
  for (const NamedCell& cell : before) {
    if (!random.OneIn(4)) cells.insert(cell);
  }
  return cells;
}

inline v1::Hello HelloOf(const std::string& host, const std::string& cluster = "eu") {
  v1::Hello hello;
  hello.set_protocol_version(1);
  hello.set_cluster(cluster);
  hello.set_host(host);
  hello.set_instance("postfix");
  hello.set_agent_version("0.1.0");
  return hello;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_RELAY_REPORTS_H_
