// fleetqshape-simulate: wiring.

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "aggregator/store/rocksdb_store.h"
#include "common/base/clock.h"
#include "common/base/logging.h"
#include "common/base/signals.h"
#include "common/base/standard_streams.h"
#include "common/options/layered_options.h"
#include "simulator/figures_text.h"
#include "simulator/load/store_loader.h"
#include "simulator/options.h"
#include "simulator/rpc/fleet_run.h"
#include "simulator/traffic/destinations.h"
#include "simulator/traffic/domains.h"
#include "simulator/traffic/expected_tables.h"
#include "simulator/traffic/fleet_plan.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape-simulate";

int Fail(const absl::Status& status) {
  PrintError(kProgram, std::string(status.message()));
  return kExitError;
}

int64_t Milliseconds(double seconds) { return static_cast<int64_t>(seconds * 1000); }

// Each relay takes one file descriptor, and the rest of the process some.
absl::Status AllowOpenFiles(uint64_t relays) {
  constexpr uint64_t kOthers = 100;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::OkStatus();
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max >= relays + kOthers) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      relays, " relays need as many open files and ", kOthers, " more, and the limit is ",
      limit.rlim_max, "; raise it, or share the fleet among processes with --first-relay"));
}

int Load(const SimulatorOptions& options, const SimulatedRelay::World& world) {
  const SystemClock clock;
  const int64_t start = clock.MonotonicMilliseconds();
  const int64_t now = clock.NowMilliseconds();
  ExpectedTables expected(world.domains, now / 1000);
  absl::StatusOr<LoadFigures> loaded;
  {
    auto store = OpenRocksDbStore(options.load_store);
    if (!store.ok()) return Fail(store.status());
    loaded = LoadStore(world, PlanFleet(options.fleet), now, store->get(),
                       [&](const SimulatedQueue& queue) {
                         if (!options.expect.empty()) expected.Add(queue);
                       });
  }
  if (!loaded.ok()) return Fail(loaded.status());
  if (!options.expect.empty()) {
    const absl::Status written = expected.Write(options.expect);
    if (!written.ok()) return Fail(written);
  }
  const auto seconds = static_cast<double>(clock.MonotonicMilliseconds() - start) / 1000;
  std::printf("loaded %llu relays with %llu messages and %llu names in %.1f s\n",
              static_cast<unsigned long long>(loaded->relays),
              static_cast<unsigned long long>(loaded->messages),
              static_cast<unsigned long long>(loaded->names), seconds);
  return kExitOk;
}

int Run(const SimulatorOptions& options, const SimulatedRelay::World& world) {
  const absl::Status enough_files = AllowOpenFiles(options.fleet.relays);
  if (!enough_files.ok()) return Fail(enough_files);
  const SystemClock clock;
  RunOptions run_options;
  run_options.aggregator = options.aggregator;
  run_options.interval_milliseconds = Milliseconds(options.interval_seconds);
  run_options.duration_milliseconds = Milliseconds(options.duration_seconds);
  run_options.patience_milliseconds = Milliseconds(options.patience_seconds);
  run_options.print_milliseconds = Milliseconds(options.print_seconds);
  FleetRun run(run_options, world, PlanFleet(options.fleet), &clock);
  StopSignals signals;
  signals.Start([&run] { run.Stop(); });
  const RunFigures figures = run.Run([](const char* phase, const RunFigures& now) {
    std::fprintf(stderr, "%s\n", ProgressText(phase, now).c_str());
  });
  const std::string text = options.json ? FiguresJson(figures) : FiguresText(figures);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  if (!options.expect.empty()) {
    ExpectedTables expected(world.domains, figures.now_seconds);
    for (const auto& agent : run.agents()) expected.Add(agent->queue());
    const absl::Status written = expected.Write(options.expect);
    if (!written.ok()) return Fail(written);
  }
  return figures.AllWell() ? kExitOk : kExitError;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) {
  fleetqshape::OccupyStandardStreams();
  int exit_status = 0;
  const auto options = fleetqshape::ParseSimulatorOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  fleetqshape::StartLogging(options->log_level);
  const fleetqshape::Domains domains(
      {options->domains, options->odd_names, options->no_forged_names});
  fleetqshape::Destinations::Options of_destinations;
  of_destinations.seed = options->fleet.seed;
  const fleetqshape::Destinations destinations(of_destinations);
  const fleetqshape::SimulatedRelay::World world{&domains, &destinations, {}};
  return options->load_store.empty() ? fleetqshape::Run(*options, world)
                                     : fleetqshape::Load(*options, world);
}
