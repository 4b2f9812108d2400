#include "agent/options.h"

#include <unistd.h>

#include <climits>
#include <string>
#include <utility>

#include "CLI/App.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kProtocolVersion = 1;
constexpr size_t kMaxLabels = 32;

std::string ThisHost() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::pair<std::string, std::string> SplitLabel(const std::string& label) {
  const size_t equals = label.find('=');
  if (equals == std::string::npos) return {label, ""};
  return {label.substr(0, equals), label.substr(equals + 1)};
}

absl::Status Validate(const AgentOptions& options) {
  FQS_RETURN_IF_ERROR(ValidateAddress("--aggregator", options.aggregator));
  if (!options.queue_directory.starts_with('/')) {
    return absl::InvalidArgumentError("--queue-directory must be an absolute path");
  }
  FQS_RETURN_IF_ERROR(ValidateName("--cluster", options.cluster));
  FQS_RETURN_IF_ERROR(ValidateName("--host", options.host));
  FQS_RETURN_IF_ERROR(ValidateName("--instance", options.instance));
  if (options.labels.size() > kMaxLabels) {
    return absl::InvalidArgumentError(absl::StrCat("at most ", kMaxLabels, " labels"));
  }
  for (const std::string& label : options.labels) {
    const auto [key, value] = SplitLabel(label);
    FQS_RETURN_IF_ERROR(ValidateName(absl::StrCat("--label ", label, ": the key"), key));
    FQS_RETURN_IF_ERROR(ValidateName(absl::StrCat("--label ", label, ": the value"), value));
    if (key == "cluster" || key == "host" || key == "instance") {
      return absl::InvalidArgumentError(absl::StrCat("--label ", label, ": there is --", key));
    }
  }
  if (!(options.interval_seconds >= 0.01 && options.interval_seconds <= 3600)) {
    return absl::InvalidArgumentError("--interval must be between 0.01 and 3600 seconds");
  }
  if (!(options.heartbeat_seconds >= 0.01 && options.heartbeat_seconds <= 3600)) {
    return absl::InvalidArgumentError("--heartbeat-interval must be between 0.01 and 3600 seconds");
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<AgentOptions> ParseAgentOptions(int argc, const char* const* argv, int* exit_status) {
  AgentOptions options;
  options.host = ThisHost();
  CLI::App app("Watches a Postfix queue and reports it to a fleetqshape-aggregator.",
               "fleetqshape-agent");
  app.set_version_flag("--version", "fleetqshape-agent " FLEETQSHAPE_VERSION);
  app.add_option("--aggregator", options.aggregator, "Where to report")
      ->type_name("HOST:PORT")
      ->required();
  app.add_option("--queue-directory", options.queue_directory,
                 "The Postfix instance's queue_directory, such as /var/spool/postfix")
      ->type_name("DIR")
      ->required();
  app.add_option("--cluster", options.cluster, "The cluster that this relay belongs to")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--host", options.host, "This host's name in the fleet")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--instance", options.instance, "The Postfix instance's name on this host")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--label", options.labels,
                 "A label of this relay, such as role=gateway; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->delimiter(',');
  app.add_option("--interval", options.interval_seconds, "Time between two looks at the queue")
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--heartbeat-interval", options.heartbeat_seconds,
                 "Time without a change after which the agent says that it is alive")
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "trace, debug, info, warning, error or off")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  AddLayers(&app, "FLEETQSHAPE_AGENT_");
  if (!ParseOptions(&app, argc, argv, exit_status)) return std::nullopt;
  const absl::Status valid = Validate(options);
  if (!valid.ok()) {
    PrintError(app.get_name(), std::string(valid.message()));
    *exit_status = kExitUsage;
    return std::nullopt;
  }
  return options;
}

v1::Hello MakeHello(const AgentOptions& options) {
  v1::Hello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_cluster(options.cluster);
  hello.set_host(options.host);
  hello.set_instance(options.instance);
  for (const std::string& text : options.labels) {
    auto [key, value] = SplitLabel(text);
    v1::Label* label = hello.add_labels();
    label->set_key(std::move(key));
    label->set_value(std::move(value));
  }
  hello.set_agent_version(FLEETQSHAPE_VERSION);
  return hello;
}

}  // namespace fleetqshape
