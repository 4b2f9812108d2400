// fleetqshape-aggregator: wiring.

#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "aggregator/check_command.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/ingest/ingest_sessions.h"
#include "aggregator/metrics/collector.h"
#include "aggregator/metrics/metrics_server.h"
#include "aggregator/metrics/metrics_text.h"
#include "aggregator/options.h"
#include "aggregator/query/query_engine.h"
#include "aggregator/query/worker_pool.h"
#include "aggregator/rpc/ingest_service.h"
#include "aggregator/rpc/query_service.h"
#include "aggregator/store/rocksdb_store.h"
#include "common/base/clock.h"
#include "common/base/logging.h"
#include "common/base/random.h"
#include "common/base/signals.h"
#include "common/base/standard_streams.h"
#include "common/options/layered_options.h"
#include "common/rpc/channel.h"
#include "common/rpc/tls.h"

namespace fleetqshape {
namespace {

// How long streams may take to end at a stop. Agents' streams never end by themselves.
constexpr std::chrono::milliseconds kStopGrace(200);

// Questions beyond these are turned away at once.
constexpr size_t kMaxWaitingQuestions = 256;

// A server with one service, in plain text if `credentials` is null. `*address` becomes the address
// that it listens on, port included.
std::unique_ptr<grpc::Server> StartServer(
    grpc::Service* service, const std::shared_ptr<grpc::ServerCredentials>& credentials,
    std::string* address) {
  grpc::ServerBuilder builder;
  ApplyServerSettings(&builder);
  int port = 0;
  builder.AddListeningPort(
      *address, credentials == nullptr ? grpc::InsecureServerCredentials() : credentials, &port);
  builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return nullptr;
  *address = absl::StrCat(address->substr(0, address->rfind(':')), ":", port);
  return server;
}

// Null if `address` is empty.
absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetrics(const std::string& address,
                                                            const Collector* collector) {
  if (address.empty()) return nullptr;
  auto server = MetricsServer::Start(address, MetricsServer::Limits(),
                                     [collector] { return MetricsText(collector->Read()); });
  if (server.ok()) return server;
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address, " for metrics: ", server.status().message()));
}

// For questions; null if there is no certificate.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> QueryCredentials(
    const AggregatorOptions& options) {
  if (options.query_tls_certificate.empty()) return nullptr;
  return ServerTls(
      {options.query_tls_client_ca, options.query_tls_certificate, options.query_tls_key});
}

void LogEnd(const IngestEngine::Counters& counters) {
  spdlog::info(
      "stopping: applied {} reports with {} cells in {} batches, {} duplicates, {} refused",
      counters.reports, counters.cells, counters.batches, counters.duplicates, counters.refused);
}

int Fail(std::string_view message) {
  PrintError("fleetqshape-aggregator", message);
  return kExitError;
}

// Listens, and serves until `stop`.
int Serve(const AggregatorOptions& options,
          const std::shared_ptr<grpc::ServerCredentials>& query_credentials, const Clock& clock,
          const Fleet& fleet, IngestEngine& ingest, const absl::Notification& stop) {
  IngestSessions sessions(&ingest, &clock, IngestLimits());
  const size_t cores = std::max(std::thread::hardware_concurrency(), 1U);
  const QueryEngine query(&fleet, &clock,
                          {.stale_after_seconds = options.stale_after_seconds, .threads = cores});

  const auto ingest_service = MakeIngestService(&sessions);
  WorkerPool query_pool(cores, kMaxWaitingQuestions);
  const auto query_service = MakeQueryService(&query, &ingest, &query_pool);
  std::string ingest_address = options.ingest_listen;
  std::string query_address = options.query_listen;
  // Agents last: their streams would keep a server that is to end.
  const auto query_server = StartServer(query_service.get(), query_credentials, &query_address);
  if (query_server == nullptr) {
    return Fail(absl::StrCat("cannot listen on ", options.query_listen,
                             " for questions: is the port in use?"));
  }
  // Nobody waits for an answer that does not come, nor the server for who does not take one.
  const auto give_up = [&](std::string_view message) {
    ingest.Stop();
    query_server->Shutdown(std::chrono::system_clock::now());
    return Fail(message);
  };
  const Collector collector(&fleet, &ingest, &sessions, &query, clock.NowMilliseconds());
  const auto metrics = StartMetrics(options.metrics_listen, &collector);
  if (!metrics.ok()) return give_up(std::string(metrics.status().message()));
  const std::string metrics_word =
      *metrics == nullptr ? "" : absl::StrCat(" metrics=", (*metrics)->address());
  const auto ingest_server = StartServer(ingest_service.get(), nullptr, &ingest_address);
  if (ingest_server == nullptr) {
    return give_up(absl::StrCat("cannot listen on ", options.ingest_listen,
                                " for agents: is the port in use?"));
  }
  spdlog::info("{} relays in {}", fleet.Snapshot().size(), options.data_directory);
  ingest.Start([&sessions] { sessions.CheckDeadlines(); });
  // For whoever started it: the ports, which may have been chosen by the system.
  std::printf("ready ingest=%s query=%s%s\n", ingest_address.c_str(), query_address.c_str(),
              metrics_word.c_str());
  std::fflush(stdout);

  stop.WaitForNotification();
  const auto deadline = std::chrono::system_clock::now() + kStopGrace;
  ingest_server->Shutdown(deadline);
  query_server->Shutdown(deadline);
  ingest.Stop();
  LogEnd(ingest.counters());
  return kExitOk;
}

int Run(const AggregatorOptions& options) {
  absl::Notification stop;
  StopSignals signals;
  signals.Start([&stop] { stop.Notify(); });
  const auto query_credentials = QueryCredentials(options);
  if (!query_credentials.ok()) return Fail(std::string(query_credentials.status().message()));
  const SystemClock clock;
  auto store = OpenRocksDbStore(options.data_directory);
  if (!store.ok()) return Fail(std::string(store.status().message()));
  Fleet fleet(SystemRandom()());
  IngestEngine ingest(store->get(), &fleet, &clock,
                      {.forget_after_milliseconds = options.forget_after_seconds * 1000});
  const absl::Status loaded = ingest.Load([&stop] { return stop.HasBeenNotified(); });
  if (absl::IsCancelled(loaded)) {
    spdlog::info("stopping before all relays were read");
    return kExitOk;
  }
  if (!loaded.ok()) {
    return Fail(absl::StrCat(options.data_directory, ": ", loaded.message()));
  }
  return Serve(options, *query_credentials, clock, fleet, ingest, stop);
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) {
  fleetqshape::OccupyStandardStreams();
  int exit_status = 0;
  const auto options = fleetqshape::ParseAggregatorOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  fleetqshape::StartLogging(options->log_level);
  if (!options->check_directory.empty()) return fleetqshape::RunCheck(options->check_directory);
  return fleetqshape::Run(*options);
}
