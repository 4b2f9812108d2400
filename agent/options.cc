#include "agent/options.h"

#include <unistd.h>

#include <climits>
#include <set>
#include <string>
#include <utility>

#include "CLI/App.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/options/layered_options.h"
#include "common/options/value_list.h"

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

absl::Status ValidateQueueDirectories(const AgentOptions& options) {
  std::set<std::string> names;
  for (const std::string& text : options.queue_directories) {
    const auto [name, directory] = SplitQueueDirectory(text);
    if (!directory.starts_with('/')) {
      return absl::InvalidArgumentError("--queue-directory must be an absolute path");
    }
    if (name.empty()) continue;
    FQS_RETURN_IF_ERROR(ValidateName(absl::StrCat("--queue-directory ", text, ": the name"), name));
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--queue-directory: two instances are named ", name));
    }
  }
  if (options.instance.empty()) return absl::OkStatus();
  if (options.queue_directories.size() != 1 || !names.empty()) {
    return absl::InvalidArgumentError(
        "--instance names the only --queue-directory; name several as --queue-directory NAME=DIR");
  }
  return ValidateName("--instance", options.instance);
}

absl::Status ValidateAggregators(const AgentOptions& options) {
  if (options.mode == AgentOptions::Mode::kRun && options.aggregators.empty()) {
    return absl::InvalidArgumentError("--aggregator is required (fleetqshape-agent --help tells)");
  }
  std::set<std::string> addresses;
  for (const std::string& address : options.aggregators) {
    FQS_RETURN_IF_ERROR(ValidateAddress("--aggregator", address));
    // An aggregator refuses a relay's second stream.
    if (!addresses.insert(absl::AsciiStrToLower(address)).second) {
      return absl::InvalidArgumentError(absl::StrCat("--aggregator ", address, " is given twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status SplitLists(AgentOptions* options) {
  FQS_RETURN_IF_ERROR(SplitValues("--aggregator", &options->aggregators));
  FQS_RETURN_IF_ERROR(SplitValues("--queue-directory", &options->queue_directories));
  return SplitValues("--label", &options->labels);
}

absl::Status Validate(const AgentOptions& options) {
  FQS_RETURN_IF_ERROR(ValidateAggregators(options));
  FQS_RETURN_IF_ERROR(ValidateQueueDirectories(options));
  if (options.postfix != "auto" && !options.postfix.starts_with('/')) {
    return absl::InvalidArgumentError(
        "--postfix is auto or a configuration directory, such as /etc/postfix");
  }
  FQS_RETURN_IF_ERROR(ValidateName("--cluster", options.cluster));
  FQS_RETURN_IF_ERROR(ValidateName("--host", options.host));
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
  if (!(options.verify_interval_seconds >= 1 && options.verify_interval_seconds <= 86400)) {
    return absl::InvalidArgumentError("--verify-interval must be between 1 and 86400 seconds");
  }
  if (!(options.heartbeat_seconds >= 0.01 && options.heartbeat_seconds <= 3600)) {
    return absl::InvalidArgumentError("--heartbeat-interval must be between 0.01 and 3600 seconds");
  }
  return absl::OkStatus();
}

void AddRelayOptions(CLI::App* app, AgentOptions* options) {
  app->add_option("--queue-directory", options->queue_directories,
                  "A Postfix instance's queue_directory, such as /var/spool/postfix; may be given "
                  "several times. Without it, --postfix finds them")
      ->type_name("[NAME=]DIR")
      ->allow_extra_args(false);
  app->add_option("--postfix", options->postfix,
                  "Where Postfix is configured: auto asks postconf; else the primary instance's "
                  "configuration directory")
      ->type_name("auto|DIR")
      ->capture_default_str();
  app->add_option("--cluster", options->cluster, "The cluster that this relay belongs to")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_option("--host", options->host, "This host's name in the fleet")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_option("--instance", options->instance,
                  "The name of the Postfix instance with the only --queue-directory")
      ->type_name("NAME");
  app->add_option("--label", options->labels,
                  "A label of this host's relays, such as role=gateway; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

std::pair<std::string, std::string> SplitQueueDirectory(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t slash = text.find('/');
  if (equals == std::string::npos || equals > slash) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::optional<AgentOptions> ParseAgentOptions(int argc, const char* const* argv, int* exit_status) {
  AgentOptions options;
  options.host = ThisHost();
  CLI::App app("Watches a Postfix queue and reports it to a fleetqshape-aggregator.",
               "fleetqshape-agent");
  app.set_version_flag("--version", "fleetqshape-agent " FLEETQSHAPE_VERSION);
  app.add_option("--aggregator", options.aggregators,
                 "Where to report; may be given several times, to report to each")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  AddRelayOptions(&app, &options);
  app.add_option("--interval", options.interval_seconds,
                 "How long changes in the queue are gathered before they are looked at")
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--verify-interval", options.verify_interval_seconds,
                 "Time after which a watched queue is listed all the same, to be sure")
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_flag("--watch,!--no-watch", options.watch,
               "Watch the queue with inotify (default), or list it at each interval");
  app.add_option("--heartbeat-interval", options.heartbeat_seconds,
                 "Time without a change after which the agent says that it is alive")
      ->type_name("SECONDS")
      ->capture_default_str();
  AddLogLevel(&app, &options.log_level);
  auto* const once = app.add_flag_callback(
      "--once", [&options] { options.mode = AgentOptions::Mode::kOnce; },
      "Look once, print the state that would be reported as JSON, and exit");
  app.add_flag_callback(
         "--check", [&options] { options.mode = AgentOptions::Mode::kCheck; },
         "Say what can be read and what not, and what to do, and exit")
      ->excludes(once);
  AddLayers(&app, "FLEETQSHAPE_AGENT_");
  const auto check = [&options] {
    const absl::Status split = SplitLists(&options);
    return split.ok() ? Validate(options) : split;
  };
  if (!ParseOptions(&app, argc, argv, check, exit_status)) return std::nullopt;
  return options;
}

v1::Hello MakeHello(const AgentOptions& options, const std::string& instance) {
  v1::Hello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_cluster(options.cluster);
  hello.set_host(options.host);
  hello.set_instance(instance);
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
