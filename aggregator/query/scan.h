// The part of the fleet's state that a question is about.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_SCAN_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/query/age_scale.h"
#include "aggregator/query/answer.h"
#include "aggregator/query/question.h"
#include "common/shape/age_buckets.h"
#include "common/shape/block.h"

namespace fleetqshape {

// One relay's block of one queue.
struct Piece {
  const Block* block = nullptr;
  absl::Span<const uint32_t> fleet_ids;  // by the block's name ids
  const AgeScale* scale = nullptr;       // of the relay's clock
  uint32_t relay = 0;                    // Scan::relays
  uint32_t group = 0;                    // Scan::groups
  Queue queue = Queue::kActive;

  uint32_t fleet_id(size_t name) const { return fleet_ids[block->name_ids[name]]; }
};

// So many pieces are worth taking at a time.
inline constexpr size_t kPiecesAtATime = 4;

// The arrivals of the block's `index`-th name, of a narrow or wide block's values.
template <typename Number>
absl::Span<const Number> ListOf(const Block& block, absl::Span<const Number> values, size_t index) {
  return values.subspan(block.offsets[index], block.offsets[index + 1] - block.offsets[index]);
}

// All blocks that a question is about, and the relays that they are of. What it points to lives as
// long as it does.
class Scan {
 public:
  // Of those `relays` that are in one of the groups that the question compares. INVALID_ARGUMENT,
  // with what there is: no relay is in a group, or there are too many groups.
  static absl::StatusOr<Scan> Make(const TableQuestion& question, std::vector<RelayView> relays,
                                   int64_t at_seconds);

  const AgeBuckets& buckets() const { return buckets_; }
  // A group's numbers in a row.
  size_t columns() const { return buckets_.columns(); }
  const std::vector<RelayView>& relays() const { return relays_; }
  const std::vector<GroupOfRelays>& groups() const { return groups_; }
  size_t left_out() const { return left_out_; }  // relays
  const std::vector<Piece>& pieces() const { return pieces_; }
  uint64_t arrivals() const { return arrivals_; }  // in all pieces

 private:
  explicit Scan(const BucketOptions& buckets) : buckets_(buckets) {}

  absl::Status MakeGroups(const Comparison& comparison, std::vector<RelayView> relays);

  AgeBuckets buckets_;
  std::vector<RelayView> relays_;
  std::vector<uint32_t> group_of_relay_;
  std::vector<GroupOfRelays> groups_;
  size_t left_out_ = 0;
  std::map<int64_t, AgeScale> scales_;  // by the relays' clocks
  std::vector<Piece> pieces_;
  uint64_t arrivals_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_SCAN_H_
