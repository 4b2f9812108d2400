// The part of the fleet's state that a question is about.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_SCAN_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
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
  static constexpr uint32_t kNoGroup = std::numeric_limits<uint32_t>::max();

  const Block* block = nullptr;
  absl::Span<const uint32_t> fleet_ids;  // by the block's name ids
  const AgeScale* scale = nullptr;       // of the relay's clock; of Scan::others: null
  uint32_t relay = 0;                    // Scan::relays
  uint32_t group = kNoGroup;             // Scan::groups; of Scan::others: kNoGroup
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

// Adds what the scale counts of all names of a block to a row.
void AddBlock(const Block& block, const AgeScale& scale, uint64_t* row);

// All blocks that a question is about, and the relays that they are of. What it points to lives as
// long as it does.
class Scan {
 public:
  // Of those `relays` that are in one of the groups that the question compares. INVALID_ARGUMENT,
  // with what there is: no relay is in a group, or there are too many groups.
  static absl::StatusOr<Scan> Make(const TableQuestion& question, std::vector<RelayView> relays,
                                   int64_t at_seconds);

  // Says what the whole fleet has at the same moment: what the question is about is the rest when
  // `others` are taken off. Has no effect if the sums are not those of all these relays, or may be
  // wrong.
  void UseSums(std::vector<RelayView> others, FleetSums sums);

  const AgeBuckets& buckets() const { return buckets_; }
  const std::vector<int64_t>& edges() const { return edges_; }  // the buckets' ArrivalEdges(0)
  // A group's numbers in a row.
  size_t columns() const { return buckets_.columns(); }
  const std::vector<RelayView>& relays() const { return relays_; }
  const std::vector<GroupOfRelays>& groups() const { return groups_; }
  size_t left_out() const { return left_out_; }  // relays
  // A relay's pieces stand side by side.
  const std::vector<Piece>& pieces() const { return pieces_; }
  // Where the pieces of each relay that has some begin, and where the last one's end.
  const std::vector<uint32_t>& first_pieces() const { return first_pieces_; }
  uint64_t arrivals() const { return arrivals_; }  // in all pieces
  const AgeWindow& window() const { return window_; }
  // All relays' sums, of the question's queues; null: not known. Then nothing is known of others.
  const FleetSums* sums() const { return sums_ ? &*sums_ : nullptr; }
  // What the sums have besides.
  const std::vector<Piece>& others() const { return other_pieces_; }

 private:
  explicit Scan(const TableQuestion& question)
      : buckets_(question.buckets),
        edges_(buckets_.ArrivalEdges(0)),
        axis_(question.axis),
        queues_(question.queues.begin(), question.queues.end()),
        window_{question.min_age_seconds, question.max_age_seconds} {}

  absl::Status MakeGroups(const Comparison& comparison, std::vector<RelayView> relays);
  // Adds those of the relay's blocks that are not empty; returns how many arrivals they have.
  uint64_t AddPieces(const RelayView& relay, const Piece& piece, std::vector<Piece>* pieces) const;

  AgeBuckets buckets_;
  std::vector<int64_t> edges_;
  Axis axis_;
  std::vector<Queue> queues_;
  AgeWindow window_;
  std::vector<RelayView> relays_;
  std::vector<uint32_t> group_of_relay_;
  std::vector<GroupOfRelays> groups_;
  std::vector<RelayView> others_;
  size_t left_out_ = 0;
  std::map<int64_t, AgeScale> scales_;  // by the relays' clocks
  std::vector<Piece> pieces_;
  std::vector<uint32_t> first_pieces_ = {0};
  uint64_t arrivals_ = 0;
  std::vector<Piece> other_pieces_;
  std::optional<FleetSums> sums_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_SCAN_H_
