// What the ingest benchmark compares: ways for reports onto the disk.
#ifndef FLEETQSHAPE_TESTS_BENCH_REPORT_SINKS_H_
#define FLEETQSHAPE_TESTS_BENCH_REPORT_SINKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fleetqshape {

// Serialised reports, for each relay in their order.
using Reports = std::vector<std::vector<std::string>>;

// Takes reports in a database of its own. Ends the program if one is not taken.
class ReportSink {
 public:
  virtual ~ReportSink() = default;

  // What can be done before the time is taken.
  virtual void Prepare(const Reports& /*reports*/) {}
  // Takes them all, and returns when they are safe on the disk. What was prepared is taken.
  virtual void Take(const Reports& reports) = 0;
  // How many batches it wrote, of which each was synced, and how many arrivals that were gained and
  // lost (0: it does not look).
  virtual uint64_t batches() const = 0;
  virtual uint64_t changes() const = 0;
};

// The aggregator's IngestEngine with the store. Each relay has one report in flight; reports are
// parsed by that many threads beside the engine's own.
std::unique_ptr<ReportSink> MakeEngineSink(const std::string& directory, size_t relays,
                                           int parsing_threads);

// RocksDB alone, opened as the store opens it: one thread writes the sections and names that are in
// the reports, byte for byte, under the store's keys. What else the engine writes (the relays'
// records) is not written, nothing is looked at, and what a delta says of the state is not kept:
// a floor, and no store.
class RocksDbSink : public ReportSink {
 public:
  // Batches have that many reports from now on.
  virtual void SetBatchReports(size_t reports) = 0;
};
enum class WriteKind {
  kPut,    // the last delta is all that stays of a section: nothing could be less work
  kMerge,  // deltas are merge operands, for the store's own merge operator
};
std::unique_ptr<RocksDbSink> MakeRocksDbSink(const std::string& directory, WriteKind kind);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_BENCH_REPORT_SINKS_H_
