#include "agent/postfix/instances.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/file_descriptor.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"
#include "common/postfix/postconf.h"

namespace fleetqshape {
namespace {

constexpr const char* kInstanceNames[] = {"queue_directory", "multi_instance_name",
                                          "multi_instance_directories"};
constexpr size_t kInstanceNameCount = std::size(kInstanceNames);

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string LastComponent(const std::string& path) {
  const std::string trimmed = WithoutTrailingSlashes(path);
  return trimmed.substr(trimmed.rfind('/') + 1);
}

// One path for all that lead to the same directory. One that is not there stays as it is.
std::string RealPath(const std::string& path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) != nullptr ? resolved : WithoutTrailingSlashes(path);
}

// A postconf that cannot open main.cf takes a second to say so.
absl::Status CheckReadable(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.valid()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
}

}  // namespace

InstanceFinder::InstanceFinder(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::vector<PostfixInstance>> InstanceFinder::Find() {
  problems_.clear();
  watched_.clear();
  Watch(postfix::PostconfPath(options_.postconf));
  FQS_ASSIGN_OR_RETURN(const std::string primary_directory, PrimaryDirectory());
  absl::StatusOr<Reading> primary = Read(primary_directory, /*primary=*/true);
  if (!primary.ok()) {
    return absl::UnavailableError(
        absl::StrCat("the primary Postfix instance: ", primary.status().message(),
                     "; let the agent read it, or name a queue directory instead"));
  }
  std::vector<PostfixInstance> instances;
  const auto add = [&](PostfixInstance instance) {
    const absl::Status admitted = Admit(instance, instances);
    if (admitted.ok()) {
      instances.push_back(std::move(instance));
    } else {
      problems_.push_back(absl::StrCat("left out the Postfix instance ", instance.config_directory,
                                       ": ", admitted.message()));
    }
  };
  add(std::move(primary->instance));
  for (const std::string& directory : primary->further_directories) {
    absl::StatusOr<Reading> reading = Read(directory, /*primary=*/false);
    if (reading.ok()) {
      add(std::move(reading->instance));
    } else {
      problems_.push_back(absl::StrCat("left out the Postfix instance ", directory, ": ",
                                       reading.status().message()));
    }
  }
  return instances;
}

bool InstanceFinder::Changed() const {
  return watched_.empty() ||
         std::any_of(watched_.begin(), watched_.end(),
                     [](const WatchedFile& file) { return StampOf(file.path) != file.stamp; });
}

std::optional<InstanceFinder::Stamp> InstanceFinder::StampOf(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, status.st_size, Nanoseconds(status.st_ctim)};
}

void InstanceFinder::Watch(const std::string& path) { watched_.push_back({path, StampOf(path)}); }

absl::StatusOr<std::string> InstanceFinder::PrimaryDirectory() {
  if (!options_.config_directory.empty()) return options_.config_directory;
  // With kDefault, postconf does not look at the environment.
  const char* from_environment = std::getenv("MAIL_CONFIG");
  if (from_environment != nullptr && *from_environment != '\0') return from_environment;
  postfix::PostconfQuestion question;
  question.program = options_.postconf;
  question.names = {"config_directory"};
  question.values = postfix::PostconfValues::kDefault;
  question.time_limit = options_.time_limit;
  const absl::StatusOr<std::vector<std::string>> values = postfix::AskPostconf(question);
  if (values.ok()) return values->front();
  return absl::UnavailableError(
      absl::StrCat("cannot ask Postfix for its instances: ", values.status().message(),
                   "; see that Postfix is installed, or name a queue directory instead"));
}

absl::StatusOr<InstanceFinder::Reading> InstanceFinder::Read(const std::string& config_directory,
                                                             bool primary) {
  const std::string main_cf = absl::StrCat(config_directory, "/main.cf");
  Watch(main_cf);
  FQS_RETURN_IF_ERROR(CheckReadable(main_cf));
  postfix::PostconfQuestion question;
  question.program = options_.postconf;
  question.config_directory = config_directory;
  question.time_limit = options_.time_limit;
  question.names.assign(std::begin(kInstanceNames), std::end(kInstanceNames));
  for (std::string& name : SettingNames()) question.names.push_back(std::move(name));
  FQS_ASSIGN_OR_RETURN(const std::vector<std::string> values, postfix::AskPostconf(question));
  Reading reading;
  PostfixInstance& instance = reading.instance;
  instance.config_directory = config_directory;
  instance.queue_directory = values[0];
  instance.name = values[1];
  if (instance.name.empty()) instance.name = primary ? "postfix" : LastComponent(config_directory);
  // What Postfix takes for separators (CHARS_COMMA_SP).
  reading.further_directories =
      absl::StrSplit(values[2], absl::ByAnyChar(", \t\r\n"), absl::SkipEmpty());
  absl::StatusOr<PostfixSettings> settings =
      ParseSettings({values.begin() + kInstanceNameCount, values.end()});
  if (settings.ok()) {
    instance.settings = *std::move(settings);
  } else {
    problems_.push_back(absl::StrCat("no settings of the Postfix instance ", config_directory, ": ",
                                     settings.status().message()));
  }
  return reading;
}

absl::Status InstanceFinder::Admit(const PostfixInstance& instance,
                                   const std::vector<PostfixInstance>& instances) {
  FQS_RETURN_IF_ERROR(ValidateName(
      absl::StrCat("its name ", instance.name, " (multi_instance_name)"), instance.name));
  if (!instance.queue_directory.starts_with('/')) {
    return absl::FailedPreconditionError(
        absl::StrCat("its queue_directory is no absolute path: ", instance.queue_directory));
  }
  for (const PostfixInstance& other : instances) {
    if (other.name == instance.name) {
      return absl::AlreadyExistsError(
          absl::StrCat("its name, ", instance.name, ", is that of the instance ",
                       other.config_directory, "; set another multi_instance_name"));
    }
  }
  if (const PostfixInstance* other = InstanceOfQueueDirectory(instances, instance.queue_directory);
      other != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("its queue_directory, ", instance.queue_directory,
                                                 ", is that of the instance ",
                                                 other->config_directory));
  }
  return absl::OkStatus();
}

const PostfixInstance* InstanceOfQueueDirectory(const std::vector<PostfixInstance>& instances,
                                                const std::string& queue_directory) {
  const std::string wanted = RealPath(queue_directory);
  const auto found =
      std::find_if(instances.begin(), instances.end(), [&](const PostfixInstance& instance) {
        return RealPath(instance.queue_directory) == wanted;
      });
  return found == instances.end() ? nullptr : &*found;
}

}  // namespace fleetqshape
