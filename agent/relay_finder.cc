#include "agent/relay_finder.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

// What a relay is called if nobody named it: as Postfix's primary instance.
constexpr char kDefaultInstance[] = "postfix";

InstanceFinder::Options FinderOptions(const AgentOptions& options) {
  InstanceFinder::Options finder;
  if (options.postfix != "auto") finder.config_directory = options.postfix;
  return finder;
}

}  // namespace

RelayFinder::RelayFinder(const AgentOptions& options)
    : options_(options), instances_(FinderOptions(options)) {}

absl::StatusOr<std::vector<RelayOptions>> RelayFinder::Find() {
  if (!options_.queue_directories.empty()) return FindNamed();
  const auto instances = instances_.Find();
  problems_ = instances_.problems();
  if (!instances.ok()) return instances.status();
  if (instances->empty()) {
    return absl::NotFoundError(absl::StrCat("no Postfix instance fit to be watched: ",
                                            problems_.empty() ? "" : problems_.front()));
  }
  std::vector<RelayOptions> relays;
  for (const PostfixInstance& instance : *instances) {
    relays.push_back({instance.name, instance.queue_directory, instance.settings});
  }
  return relays;
}

absl::StatusOr<std::vector<RelayOptions>> RelayFinder::FindNamed() {
  // Without Postfix's configuration, as in a container beside it, the queues are there all the
  // same.
  const auto instances = instances_.Find();
  problems_ = instances_.problems();
  if (!instances.ok()) {
    // What to do about it, which follows the first semicolon, has been done.
    const std::string reason(instances.status().message());
    problems_.push_back("Postfix's settings are not known: " + reason.substr(0, reason.find(';')));
  }
  std::vector<RelayOptions> relays;
  std::set<std::string> names;
  for (const std::string& text : options_.queue_directories) {
    auto [name, directory] = SplitQueueDirectory(text);
    const PostfixInstance* instance =
        instances.ok() ? InstanceOfQueueDirectory(*instances, directory) : nullptr;
    if (name.empty()) name = options_.instance;
    if (name.empty() && instance != nullptr) name = instance->name;
    if (name.empty()) name = kDefaultInstance;
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("two queue directories would be the instance ", name,
                       "; name them: --queue-directory NAME=", directory));
    }
    relays.push_back({std::move(name), std::move(directory),
                      instance != nullptr ? instance->settings : std::nullopt});
  }
  return relays;
}

}  // namespace fleetqshape
