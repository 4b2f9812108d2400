#include "aggregator/query/scan.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

// A smaller difference between two machines' clocks can't be told from the time that a message
// takes; hosts that keep time by NTP are closer together than this.
constexpr int64_t kSmallestClockOffsetMilliseconds = 1000;

// More than anybody can look at side by side.
constexpr size_t kMostGroups = 64;

// The relay's own clock at `at_seconds` of the aggregator's.
int64_t RelayTime(const RelayView& relay, int64_t at_seconds) {
  const int64_t offset = relay.clock_offset_milliseconds;
  if (offset > -kSmallestClockOffsetMilliseconds && offset < kSmallestClockOffsetMilliseconds) {
    return at_seconds;
  }
  return at_seconds + offset / 1000;
}

// The groups' names. INVALID_ARGUMENT as of Scan::Make.
absl::StatusOr<std::vector<std::string>> GroupNames(const Comparison& comparison,
                                                    const std::vector<RelayView>& relays) {
  std::set<std::string> there;
  for (const RelayView& relay : relays) {
    if (auto value = ValueOf(*relay.description, comparison.key)) there.insert(*std::move(value));
  }
  if (there.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is nothing to compare: ", ExplainNoKey(comparison.key, relays)));
  }
  for (const std::string& value : comparison.values) {
    if (!there.contains(value)) {
      return absl::InvalidArgumentError(ExplainNoValue(comparison.key, value, relays));
    }
  }
  std::vector<std::string> names = comparison.values;
  if (names.empty()) names.assign(there.begin(), there.end());
  if (names.size() > kMostGroups) {
    return absl::InvalidArgumentError(absl::StrCat("relays have ", names.size(), " values of ",
                                                   comparison.key, ", and ", kMostGroups,
                                                   " can be compared: name those to compare"));
  }
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) {
    return absl::InvalidArgumentError("a group is compared with itself");
  }
  return names;
}

}  // namespace

void AddBlock(const Block& block, const AgeScale& scale, uint64_t* row) {
  block.arrivals.Visit([&](const auto values) {
    if (scale.few_buckets()) {
      scale.AddUnsorted(values, row);
      return;
    }
    for (size_t i = 0; i < block.name_ids.size(); ++i) {
      scale.AddSorted(ListOf(block, values, i), row);
    }
  });
}

absl::Status Scan::MakeGroups(const Comparison& comparison, std::vector<RelayView> relays) {
  FQS_ASSIGN_OR_RETURN(const std::vector<std::string> names, GroupNames(comparison, relays));
  for (const std::string& name : names) groups_.push_back({name, 0});
  for (RelayView& relay : relays) {
    const auto value = ValueOf(*relay.description, comparison.key);
    const auto name = value ? std::find(names.begin(), names.end(), *value) : names.end();
    if (name == names.end()) {
      ++left_out_;
      others_.push_back(std::move(relay));
      continue;
    }
    group_of_relay_.push_back(static_cast<uint32_t>(name - names.begin()));
    relays_.push_back(std::move(relay));
  }
  return absl::OkStatus();
}

uint64_t Scan::AddPieces(const RelayView& relay, const Piece& piece,
                         std::vector<Piece>* pieces) const {
  uint64_t arrivals = 0;
  for (const Queue queue : queues_) {
    const Block& block = *relay.state->sections[SectionIndex(queue, axis_)];
    if (block.name_ids.empty()) continue;
    Piece& added = pieces->emplace_back(piece);
    added.block = &block;
    added.fleet_ids = relay.state->names.fleet_ids();
    added.queue = queue;
    arrivals += block.arrivals.size();
  }
  return arrivals;
}

void Scan::UseSums(std::vector<RelayView> others, FleetSums sums) {
  others_.insert(others_.end(), std::make_move_iterator(others.begin()),
                 std::make_move_iterator(others.end()));
  uint64_t arrivals = arrivals_;
  for (const RelayView& relay : others_) arrivals += AddPieces(relay, {}, &other_pieces_);
  if (arrivals == sums.arrivals && arrivals <= FleetSums::kMostArrivals) sums_ = std::move(sums);
}

absl::StatusOr<Scan> Scan::Make(const TableQuestion& question, std::vector<RelayView> relays,
                                int64_t at_seconds) {
  Scan scan(question);
  if (question.comparison) {
    FQS_RETURN_IF_ERROR(scan.MakeGroups(*question.comparison, std::move(relays)));
  } else {
    scan.groups_.emplace_back();
    scan.group_of_relay_.resize(relays.size(), 0);
    scan.relays_ = std::move(relays);
  }
  for (size_t i = 0; i < scan.relays_.size(); ++i) {
    const RelayView& relay = scan.relays_[i];
    const uint32_t group = scan.group_of_relay_[i];
    ++scan.groups_[group].relays;
    const int64_t now = RelayTime(relay, at_seconds);
    const AgeScale& scale =
        scan.scales_.try_emplace(now, now, scan.columns(), scan.edges_, scan.window_).first->second;
    Piece piece;
    piece.scale = &scale;
    piece.relay = static_cast<uint32_t>(i);
    piece.group = group;
    scan.arrivals_ += scan.AddPieces(relay, piece, &scan.pieces_);
    const auto end = static_cast<uint32_t>(scan.pieces_.size());
    if (end > scan.first_pieces_.back()) scan.first_pieces_.push_back(end);
  }
  return scan;
}

}  // namespace fleetqshape
