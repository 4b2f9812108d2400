#include "simulator/options.h"

#include <string>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr double kLongestSeconds = 365 * 24 * 3600.0;

absl::Status CheckSeconds(const char* name, double value, double least) {
  if (value >= least && value <= kLongestSeconds) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " must be between ", least, " and ", kLongestSeconds, " seconds"));
}

absl::Status CheckNumber(const char* name, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " must be between ", least, " and ", most));
}

absl::Status Validate(const SimulatorOptions& options) {
  if (options.aggregator.empty() == options.load_store.empty()) {
    return absl::InvalidArgumentError(
        "give one of --aggregator and --load-store (fleetqshape-simulate --help tells)");
  }
  if (!options.aggregator.empty()) {
    FQS_RETURN_IF_ERROR(ValidateAddress("--aggregator", options.aggregator));
  }
  const FleetOptions& fleet = options.fleet;
  FQS_RETURN_IF_ERROR(CheckNumber("--relays", fleet.relays, 1, 1'000'000));
  FQS_RETURN_IF_ERROR(CheckNumber("--first-relay", fleet.first_relay, 0, 1'000'000'000));
  FQS_RETURN_IF_ERROR(CheckNumber("--clusters", fleet.clusters, 1, 1'000'000));
  FQS_RETURN_IF_ERROR(CheckNumber("--messages", fleet.messages, 0, 4'000'000'000));
  FQS_RETURN_IF_ERROR(CheckNumber("--domains", options.domains, 2, 10'000'000));
  if (!(fleet.gateways >= 0 && fleet.gateways <= 1)) {
    return absl::InvalidArgumentError("--gateways must be a share, from 0 to 1");
  }
  if (!(fleet.rate >= 0 && fleet.rate <= 10'000'000)) {
    return absl::InvalidArgumentError("--rate must be between 0 and 10000000 messages a second");
  }
  FQS_RETURN_IF_ERROR(CheckSeconds("--interval", options.interval_seconds, 0.01));
  FQS_RETURN_IF_ERROR(CheckSeconds("--duration", options.duration_seconds, 0));
  FQS_RETURN_IF_ERROR(CheckSeconds("--print", options.print_seconds, 0.1));
  return CheckSeconds("--patience", options.patience_seconds, 0.1);
}

void AddFleetOptions(CLI::App* app, FleetOptions* fleet) {
  app->add_option("--relays", fleet->relays, "How many relays, each with a connection of its own")
      ->type_name("COUNT")
      ->capture_default_str();
  app->add_option("--first-relay", fleet->first_relay,
                  "The first one's number, for processes that share a fleet")
      ->type_name("NUMBER")
      ->capture_default_str();
  app->add_option("--clusters", fleet->clusters, "How many clusters they are in")
      ->type_name("COUNT")
      ->capture_default_str();
  app->add_option("--gateways", fleet->gateways,
                  "Share of relays with role=gateway; the others have role=spam-relay")
      ->type_name("SHARE")
      ->capture_default_str();
  app->add_option("--messages", fleet->messages, "Messages in the queues of these relays at first")
      ->type_name("COUNT")
      ->capture_default_str();
  app->add_option("--rate", fleet->rate, "Messages a second that come in, at all these relays")
      ->type_name("MESSAGES")
      ->capture_default_str();
  app->add_option("--seed", fleet->seed, "Another number, another fleet")
      ->type_name("NUMBER")
      ->capture_default_str();
}

void AddRunOptions(CLI::App* app, SimulatorOptions* options) {
  app->add_option("--interval", options->interval_seconds, "Time between a relay's reports")
      ->type_name("SECONDS")
      ->capture_default_str();
  app->add_option("--duration", options->duration_seconds,
                  "How long mail goes on when all relays have reported their queues")
      ->type_name("SECONDS")
      ->capture_default_str();
  app->add_option("--patience", options->patience_seconds,
                  "How long nothing may be acknowledged, at the start and the end")
      ->type_name("SECONDS")
      ->capture_default_str();
  app->add_option("--print", options->print_seconds, "Time between lines about how it goes")
      ->type_name("SECONDS")
      ->capture_default_str();
  app->add_option_function<std::string>(
         "--output", [options](const std::string& format) { options->json = format == "json"; },
         "How to print the figures at the end: text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
}

}  // namespace

std::optional<SimulatorOptions> ParseSimulatorOptions(int argc, const char* const* argv,
                                                      int* exit_status) {
  SimulatorOptions options;
  CLI::App app(
      "Simulates the relays of a mail fleet, to find out what an aggregator for it has to be.",
      "fleetqshape-simulate");
  app.set_version_flag("--version", "fleetqshape-simulate " FLEETQSHAPE_VERSION);
  app.add_option("--aggregator", options.aggregator, "Where the relays report")
      ->type_name("HOST:PORT");
  app.add_option("--load-store", options.load_store,
                 "Write the fleet into a new store in this directory, for an aggregator to be "
                 "started on; without a network")
      ->type_name("DIR");
  AddFleetOptions(&app, &options.fleet);
  app.add_option("--domains", options.domains, "How many domains mail is for and from")
      ->type_name("COUNT")
      ->capture_default_str();
  app.add_flag("--odd-names", options.odd_names,
               "Among them names with control characters, in other scripts, and so on");
  app.add_flag("--no-forged-names", options.no_forged_names,
               "There are no others: attackers too send from these domains");
  AddRunOptions(&app, &options);
  app.add_option("--expect", options.expect,
                 "Write the tables that the fleet must answer with at the end into this directory")
      ->type_name("DIR");
  AddLogLevel(&app, &options.log_level);
  AddLayers(&app, "FLEETQSHAPE_SIMULATE_");
  const auto check = [&options] { return Validate(options); };
  if (!ParseOptions(&app, argc, argv, check, exit_status)) return std::nullopt;
  return options;
}

}  // namespace fleetqshape
