// The Postfix instances of this host.
#ifndef FLEETQSHAPE_AGENT_POSTFIX_INSTANCES_H_
#define FLEETQSHAPE_AGENT_POSTFIX_INSTANCES_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/postfix/settings.h"

namespace fleetqshape {

struct PostfixInstance {
  // Fit for a relay's name: multi_instance_name; for one that has none, "postfix" if it is the
  // primary instance, else the last component of config_directory.
  std::string name;
  std::string config_directory;
  std::string queue_directory;  // absolute, with $name expanded
  // Nothing if Postfix itself would refuse one of them: problems() says which.
  std::optional<PostfixSettings> settings;

  bool operator==(const PostfixInstance&) const = default;
};

// Finds them as postmulti(1) does: the primary instance, whose main.cf names the configuration
// directories of the others in multi_instance_directories. Instances that are not enabled count,
// too: they may hold mail. For use by one thread.
class InstanceFinder {
 public:
  struct Options {
    std::string postconf = "postconf";  // a path, or a name for postfix::PostconfPath
    // The primary instance's. Empty: MAIL_CONFIG in the environment, or what postconf has compiled
    // in.
    std::string config_directory;
    std::chrono::milliseconds time_limit{10'000};  // for each instance's postconf
  };

  explicit InstanceFinder(Options options);

  // The instances, the primary one first, the others in their order in multi_instance_directories.
  // Runs postconf for each: some milliseconds; two seconds if main.cf has just changed, which
  // postconf waits out; one if it fails; at worst `time_limit`. An instance that cannot be read is
  // left out, as is one whose name or queue directory an earlier one has, or whose name is unfit
  // for a relay. UNAVAILABLE, with what to do, if postconf or the primary instance's main.cf cannot
  // be read; then nothing is known.
  absl::StatusOr<std::vector<PostfixInstance>> Find();

  // What the last Find left out, or found wrong, a line each.
  const std::vector<std::string>& problems() const { return problems_; }

  // Whether what the last Find read changed since: a main.cf (also one that was missing or could
  // not be read) or postconf itself, with which Postfix's version changes. True before the first
  // Find. Costs one stat(2) for each.
  bool Changed() const;

 private:
  // What tells one version of a file from another. ctime moves with the content, and also with a
  // mode or owner that makes the file readable.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t ctime_nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct WatchedFile {
    std::string path;
    std::optional<Stamp> stamp;  // nothing: there is no such file, or it is out of reach
  };
  struct Reading {
    PostfixInstance instance;
    std::vector<std::string> further_directories;
  };

  static std::optional<Stamp> StampOf(const std::string& path);
  // To be called before the file is read, so that no change is missed.
  void Watch(const std::string& path);
  absl::StatusOr<std::string> PrimaryDirectory();
  absl::StatusOr<Reading> Read(const std::string& config_directory, bool primary);
  // Whether `instance` can be a relay beside `instances`: else what is in the way.
  static absl::Status Admit(const PostfixInstance& instance,
                            const std::vector<PostfixInstance>& instances);

  Options options_;
  std::vector<WatchedFile> watched_;
  std::vector<std::string> problems_;
};

// The instance with the queue directory given, whatever path leads to it; null if there is none.
const PostfixInstance* InstanceOfQueueDirectory(const std::vector<PostfixInstance>& instances,
                                                const std::string& queue_directory);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_POSTFIX_INSTANCES_H_
