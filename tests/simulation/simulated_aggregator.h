// An aggregator of the simulation: its machine's disk, and the process, which comes and goes.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_AGGREGATOR_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_AGGREGATOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/ingest/ingest_sessions.h"
#include "aggregator/store/store.h"
#include "tests/simulation/simulated_disk.h"
#include "tests/simulation/simulated_stream.h"
#include "tests/support/manual_clock.h"
#include "tests/support/random_source.h"

namespace fleetqshape::test {

// Not safe for use by several threads.
class SimulatedAggregator {
 public:
  // A report as it was told.
  struct Told {
    uint64_t epoch = 0;
    uint64_t sequence = 0;
    uint64_t digest = 0;

    bool operator==(const Told& other) const = default;
  };
  enum class Crash { kClean, kProcess, kMachine };

  SimulatedAggregator(uint64_t seed, RandomSource* random);
  ~SimulatedAggregator() { Stop(Crash::kClean); }

  SimulatedDisk& disk() { return disk_; }
  ManualClock& clock() { return clock_; }
  // Why the last start failed.
  const absl::Status& start_problem() const { return start_problem_; }
  bool running() const { return process_ != nullptr; }
  const Fleet& fleet() const { return process_->fleet; }
  const IngestEngine& engine() const { return process_->engine; }

  // Starts the process, and checks that it has what was acknowledged. False if it can't start now.
  bool Start();
  void Stop(Crash crash);
  // The process dies in the middle of what it does, that many operations on the disk from now.
  void DieAfter(uint64_t operations, Crash crash);

  // A stream of a relay's agent begins.
  std::shared_ptr<SimulatedStream> Open(const std::string& host);
  // The aggregator reads one message of the stream, if there is one and it wants it.
  void Deliver(SimulatedStream& stream, const std::string& host);
  // It finds out that the stream is over.
  void Close(SimulatedStream& stream);
  // One round of its thread, and what the store does in the background.
  void Work();
  void CheckDeadlines();
  // Forgets the relay, if it is known.
  void Forget(const std::string& host);
  // Files are damaged. That excuses the loss of what was acknowledged, until the next start.
  void Damage();
  // The log is damaged, and the next write fails, so that the running process reads the log again.
  // What it lost by that, it still has in memory.
  void DamageLogAndFail();

  // As --check does, of a process that was stopped.
  void CheckStoreIsSound();

  // The epochs in which reports of the relay were acknowledged.
  const std::set<uint64_t>& epochs(const std::string& host) { return relays_[host].epochs; }
  uint64_t acknowledged() const { return acknowledged_; }
  // Of processes that ended.
  uint64_t recoveries() const { return recoveries_; }
  uint64_t duplicates() const { return duplicates_; }
  // Times that a damaged disk took what was acknowledged of a relay.
  uint64_t damaged() const { return damaged_; }

 private:
  struct Process {
    Process(std::unique_ptr<Store> opened, const Clock* clock, const IngestLimits& limits)
        : store(std::move(opened)),
          engine(store.get(), &fleet, clock, IngestEngine::Options()),
          sessions(&engine, clock, limits) {}
    std::unique_ptr<Store> store;
    Fleet fleet;
    IngestEngine engine;
    IngestSessions sessions;
  };
  // What was said to and of a relay.
  struct Relay {
    std::vector<Told> told;     // since the last one that was acknowledged, and that one
    std::set<uint64_t> epochs;  // of what was acknowledged
    bool acknowledged = false;  // something
    bool may_be_lost = false;   // it was forgotten, maybe
  };

  // What the process did since the last call takes place, unless it died meanwhile.
  void Settle();
  void OnAcknowledged(const std::string& host, const v1::Acknowledgement& acknowledgement);
  void CheckLoaded();
  void CheckLoadedRelay(const RelayView& view);

  RandomSource& random_;
  SimulatedDisk disk_;
  ManualClock clock_;
  IngestLimits limits_;
  std::shared_ptr<SimulatedStream::Effects> effects_;
  std::unique_ptr<Process> process_;
  std::vector<std::weak_ptr<SimulatedStream>> streams_;
  std::map<std::string, Relay> relays_;
  Crash crash_ = Crash::kProcess;  // once the disk says that the process dies
  bool damage_ = false;
  bool log_damage_ = false;  // until the process has recovered its store
  absl::Status start_problem_;
  uint64_t acknowledged_ = 0;
  uint64_t recoveries_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t damaged_ = 0;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_AGGREGATOR_H_
