#include "aggregator/options.h"

#include <string>
#include <utility>

#include "CLI/App.hpp"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

absl::Status Validate(const AggregatorOptions& options) {
  if (!options.check_directory.empty()) return absl::OkStatus();
  for (const auto& [name, value] : {std::pair("--data-directory", &options.data_directory),
                                    std::pair("--ingest-listen", &options.ingest_listen),
                                    std::pair("--query-listen", &options.query_listen)}) {
    if (value->empty()) return absl::InvalidArgumentError(absl::StrCat(name, " is required"));
  }
  FQS_RETURN_IF_ERROR(ValidateAddress("--ingest-listen", options.ingest_listen));
  FQS_RETURN_IF_ERROR(ValidateAddress("--query-listen", options.query_listen));
  if (options.query_tls_certificate.empty() != options.query_tls_key.empty()) {
    return absl::InvalidArgumentError(
        "--query-tls-certificate and --query-tls-key go together: one is missing");
  }
  if (!options.query_tls_client_ca.empty() && options.query_tls_certificate.empty()) {
    return absl::InvalidArgumentError(
        "--query-tls-client-ca needs --query-tls-certificate and --query-tls-key");
  }
  if (!options.metrics_listen.empty()) {
    FQS_RETURN_IF_ERROR(ValidateAddress("--metrics-listen", options.metrics_listen));
  }
  if (options.stale_after_seconds < 1) {
    return absl::InvalidArgumentError("--stale-after must be at least 1 second");
  }
  // Ten years, so that no sum overflows.
  constexpr int64_t kLongest = int64_t{10} * 365 * 24 * 3600;
  if (options.forget_after_seconds < options.stale_after_seconds ||
      options.forget_after_seconds > kLongest) {
    return absl::InvalidArgumentError(
        "--forget-after must be at least --stale-after, and at most ten years");
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<AggregatorOptions> ParseAggregatorOptions(int argc, const char* const* argv,
                                                        int* exit_status) {
  AggregatorOptions options;
  CLI::App app("Merges the reports of fleetqshape-agents and answers fleetqshape's questions.",
               "fleetqshape-aggregator");
  app.set_version_flag("--version", "fleetqshape-aggregator " FLEETQSHAPE_VERSION);
  app.add_option("--data-directory", options.data_directory,
                 "Where the state of the fleet is kept; made if it does not exist")
      ->type_name("DIR");
  app.add_option("--ingest-listen", options.ingest_listen,
                 "Where agents report; port 0 lets the system choose")
      ->type_name("HOST:PORT");
  app.add_option("--query-listen", options.query_listen,
                 "Where questions are asked; port 0 lets the system choose")
      ->type_name("HOST:PORT");
  app.add_option("--query-tls-certificate", options.query_tls_certificate,
                 "Answer questions encrypted, with this certificate (PEM); plain text if left out")
      ->type_name("FILE");
  app.add_option("--query-tls-key", options.query_tls_key, "The key of that certificate (PEM)")
      ->type_name("FILE");
  app.add_option("--query-tls-client-ca", options.query_tls_client_ca,
                 "Answer only who has a certificate from these authorities (PEM)")
      ->type_name("FILE");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Where Prometheus gets /metrics; port 0 lets the system choose; none if left out")
      ->type_name("HOST:PORT");
  app.add_option("--stale-after", options.stale_after_seconds,
                 "A relay that was not heard of for longer is called stale in answers")
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--forget-after", options.forget_after_seconds,
                 "A relay that was not heard of for longer is forgotten, with what its queues held")
      ->type_name("SECONDS")
      ->capture_default_str();
  AddLogLevel(&app, &options.log_level);
  AddLayers(&app, "FLEETQSHAPE_AGGREGATOR_");
  // A thing to be done now: it is on the command line only.
  app.add_option("--check", options.check_directory,
                 "Say whether the store in this directory, which must not be in use, is sound")
      ->type_name("DIR")
      ->check(CLI::Validator(
          [](const std::string& path) { return path.empty() ? "needs a directory" : ""; }, ""))
      ->configurable(false);
  const auto check = [&options] { return Validate(options); };
  if (!ParseOptions(&app, argc, argv, check, exit_status)) return std::nullopt;
  return options;
}

}  // namespace fleetqshape
