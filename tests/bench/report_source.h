// What agents of busy relays report, for benchmarks, without any queue.
#ifndef FLEETQSHAPE_TESTS_BENCH_REPORT_SOURCE_H_
#define FLEETQSHAPE_TESTS_BENCH_REPORT_SOURCE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/report/pending_changes.h"
#include "common/shape/queue.h"
#include "fleetqshape/v1/report.pb.h"

namespace fleetqshape {

// The domains of the world's mail, by Zipf's law. Immutable.
class DomainUniverse {
 public:
  explicit DomainUniverse(size_t count);
  // A domain's rank, from a random number between 0 and 1.
  uint32_t Draw(double fraction) const;
  const std::string& name(uint32_t rank) const { return names_[rank]; }
  uint64_t hash(uint32_t rank) const { return hashes_[rank]; }

 private:
  std::vector<std::string> names_;
  std::vector<uint64_t> hashes_;
  std::vector<double> weights_;  // sums of the weights of all up to there
};

// One relay and the reports of its agent: first a snapshot, then deltas. Messages arrive in
// incoming, go on to active, are delivered from there or deferred, and are tried again; nine of ten
// have one recipient and the others up to ten, and half of them come from one of twenty senders of
// the relay's own. What happened and was undone since the report before is not in a report. The
// same for the same seed. One thread at a time.
class ReportSource {
 public:
  // A relay with that many messages: four of five deferred, for up to five days. `universe`
  // outlives it.
  ReportSource(const DomainUniverse* universe, uint64_t seed, int messages);

  // The next report; as soon as that many arrivals differ, if it is a delta.
  v1::PackedReport Next(size_t changes);

 private:
  static constexpr int kOwnSenders = 20;

  struct Message {
    int64_t arrival;                   // seconds since the Unix epoch
    uint32_t sender;                   // name ids
    std::vector<uint32_t> recipients;  // one a recipient
  };

  double Fraction() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  uint32_t DrawName();
  Message NewMessage(int64_t arrival);
  void Fill(int messages);
  void OneEvent();
  // A message of `from`, if it has any, goes to `to`, or is gone.
  void Move(Queue from, const Queue* to);
  void Enter(Queue queue, Message message);
  void Change(Queue queue, const Message& message, int64_t change);
  void Change(Queue queue, Axis axis, uint32_t name_id, int64_t arrival, int64_t change);
  void AddFacts(v1::PackedReport* report);

  const DomainUniverse& universe_;
  std::mt19937_64 random_;
  uint64_t epoch_;
  uint64_t sequence_ = 0;
  int64_t now_seconds_ = 1'767'225'600;
  std::array<uint32_t, kOwnSenders> own_senders_{};
  std::array<std::vector<Message>, 6> queues_;   // by Queue
  absl::flat_hash_map<uint32_t, uint32_t> ids_;  // name ids by rank
  std::vector<uint32_t> ranks_;                  // by name id
  size_t names_sent_ = 0;
  PendingChanges pending_;
  uint64_t digest_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_BENCH_REPORT_SOURCE_H_
