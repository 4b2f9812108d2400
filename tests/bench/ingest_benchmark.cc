// ingest_benchmark: takes the reports of a fleet, by the aggregator's engine and by RocksDB alone.
//
//   ingest_benchmark --directory DIR [--relays 1000] [--messages 10000] [--changes 1000]
//                    [--reports 6] [--rounds 6] [--domains 100000] [--threads 2] [--seed 1]
//                    [--only NAME]
//
// DIR is empty, and on a disk. Makes the reports of a fleet (report_source.h): of each relay a
// snapshot, then in each round that many deltas of that many changes. In each round each of the
// contestants (report_sinks.h) takes the same reports, in every other one in the opposite order.
// Before the rounds each has taken the snapshots. --only leaves out all but one, to profile it.
//
// Prints one line of JSON for each turn of a contestant: what it was given, and what that cost,
// from the first report until the last was safe (wall_seconds, cpu_seconds), and until the process
// had nothing more to do in the background (all_wall_seconds, all_cpu_seconds, written_bytes).
// ingest_benchmark.py makes a table of them.

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "common/codec/section_codec.h"
#include "tests/bench/process_costs.h"
#include "tests/bench/report_sinks.h"
#include "tests/bench/report_source.h"

namespace fleetqshape {
namespace {

constexpr char kEngine[] = "engine";

struct Options {
  std::string directory;
  std::string only;
  size_t relays = 1000;
  int messages = 10'000;
  size_t changes = 1000;
  size_t reports = 6;  // of a relay and round
  size_t rounds = 6;
  size_t domains = 100'000;
  int threads = 2;
  uint64_t seed = 1;
};

// The reports of a round.
struct Load {
  Reports reports;
  uint64_t count = 0;
  uint64_t bytes = 0;
  std::atomic<uint64_t> changes = 0;  // arrivals gained and lost
};

uint64_t ChangesOf(const v1::PackedReport& report) {
  uint64_t changes = 0;
  for (const std::string& bytes : report.sections()) {
    const auto section = DecodeSection(bytes);
    if (!section.ok()) std::abort();  // it was made by this program
    changes += section->delta.gained.arrivals.size() + section->delta.lost.arrivals.size();
  }
  return changes;
}

// The relays of the fleet, whose reports are made by all processors.
class FleetSource {
 public:
  explicit FleetSource(const Options& options) : options_(options), universe_(options.domains) {
    sources_.resize(options.relays);
    ForEachRelay([&](size_t relay) {
      const uint64_t seed = options_.seed * 1'000'000 + relay;
      sources_[relay] = std::make_unique<ReportSource>(&universe_, seed, options_.messages);
    });
  }

  void Next(size_t reports_of_each, Load* load) {
    load->reports.resize(sources_.size());
    ForEachRelay([&](size_t relay) {
      for (size_t i = 0; i < reports_of_each; ++i) {
        const v1::PackedReport report = sources_[relay]->Next(options_.changes);
        load->reports[relay].push_back(report.SerializeAsString());
        load->changes += ChangesOf(report);
      }
    });
    for (const auto& of_relay : load->reports) {
      for (const std::string& report : of_relay) load->bytes += report.size();
      load->count += of_relay.size();
    }
  }

 private:
  template <typename Work>
  void ForEachRelay(const Work& work) {
    const size_t count = std::max(1U, std::thread::hardware_concurrency());
    std::vector<std::thread> threads;
    for (size_t first = 0; first < count; ++first) {
      threads.emplace_back([this, &work, first, count] {
        pthread_setname_np(pthread_self(), "source");  // a profile can leave it out
        for (size_t relay = first; relay < sources_.size(); relay += count) work(relay);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const Options& options_;
  DomainUniverse universe_;
  std::vector<std::unique_ptr<ReportSource>> sources_;
};

struct Contestant {
  std::string name;
  std::unique_ptr<ReportSink> sink;
  RocksDbSink* alone;  // null for the engine
};

class Benchmark {
 public:
  explicit Benchmark(const Options& options) : options_(options), fleet_(options) {
    if (Wants(kEngine)) {
      contestants_.push_back(
          {kEngine, MakeEngineSink(Path(kEngine), options.relays, options.threads), nullptr});
    }
    AddAlone("put", WriteKind::kPut);
    AddAlone("merge", WriteKind::kMerge);
  }

  void Run() {
    Load snapshots;
    fleet_.Next(1, &snapshots);
    for (Contestant& one : contestants_) TakeTurn(one, 0, snapshots);
    for (size_t round = 1; round <= options_.rounds; ++round) {
      Load load;
      fleet_.Next(options_.reports, &load);
      for (size_t i = 0; i < contestants_.size(); ++i) {
        const size_t last = contestants_.size() - 1;
        TakeTurn(contestants_[round % 2 == 1 ? i : last - i], round, load);
      }
    }
  }

 private:
  bool Wants(const std::string& name) const {
    return options_.only.empty() || options_.only == name;
  }
  std::string Path(const std::string& name) const { return options_.directory + "/" + name; }

  void AddAlone(const std::string& name, WriteKind kind) {
    if (!Wants(name)) return;
    std::unique_ptr<RocksDbSink> sink = MakeRocksDbSink(Path(name), kind);
    RocksDbSink* alone = sink.get();
    contestants_.push_back({name, std::move(sink), alone});
  }

  void TakeTurn(Contestant& one, size_t round, const Load& load) {
    // RocksDB alone gets batches as large as the engine's last ones were.
    if (one.alone != nullptr) one.alone->SetBatchReports(batch_reports_);
    one.sink->Prepare(load.reports);
    const uint64_t batches_before = one.sink->batches();
    const uint64_t changes_before = one.sink->changes();
    WaitUntilIdle();
    const ProcessCosts before = CostsNow();
    one.sink->Take(load.reports);
    const ProcessCosts taken = CostsNow();
    const ProcessCosts after = WaitUntilIdle();
    const uint64_t batches = one.sink->batches() - batches_before;
    if (one.alone == nullptr) {
      batch_reports_ = (load.count + batches - 1) / batches;
      if (one.sink->changes() - changes_before != load.changes) {
        std::fputs("ingest_benchmark: the engine counts other changes\n", stderr);
        std::exit(1);
      }
    }
    std::printf(
        "{\"contestant\": \"%s\", \"round\": %zu, \"reports\": %lu, \"changes\": %lu, "
        "\"received_bytes\": %lu, \"batches\": %lu, \"wall_seconds\": %.6f, "
        "\"cpu_seconds\": %.6f, \"all_wall_seconds\": %.6f, \"all_cpu_seconds\": %.6f, "
        "\"written_bytes\": %lu}\n",
        one.name.c_str(), round, load.count, load.changes.load(), load.bytes, batches,
        taken.wall_seconds - before.wall_seconds, taken.cpu_seconds - before.cpu_seconds,
        std::max(taken.wall_seconds, after.wall_seconds) - before.wall_seconds,
        after.cpu_seconds - before.cpu_seconds, after.written_bytes - before.written_bytes);
    std::fflush(stdout);
  }

  const Options& options_;
  FleetSource fleet_;
  std::vector<Contestant> contestants_;
  size_t batch_reports_ = 100;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Takes the reports of a fleet, by the aggregator's engine and by RocksDB alone.");
  app.add_option("--directory", options.directory)->required();
  app.add_option("--only", options.only);
  app.add_option("--relays", options.relays)->check(CLI::PositiveNumber);
  app.add_option("--messages", options.messages)->check(CLI::PositiveNumber);
  app.add_option("--changes", options.changes)->check(CLI::PositiveNumber);
  app.add_option("--reports", options.reports)->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds);
  app.add_option("--domains", options.domains)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed);
  CLI11_PARSE(app, argc, argv);
  Benchmark(options).Run();
  return 0;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) { return fleetqshape::Main(argc, argv); }
