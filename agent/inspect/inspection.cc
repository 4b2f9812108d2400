#include "agent/inspect/inspection.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/inspect/state_json.h"
#include "agent/relay_finder.h"
#include "agent/watch/inotify.h"
#include "agent/watch/queue_lister.h"
#include "agent/watch/queue_tracker.h"
#include "common/base/printable.h"
#include "common/options/layered_options.h"
#include "nlohmann/json.hpp"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape-agent";
// Of the JSON that --once prints; a new number for each change that a reader may stumble over.
constexpr int kStateVersion = 1;

absl::StatusOr<std::vector<RelayOptions>> FindRelays(const AgentOptions& options) {
  RelayFinder finder(options);
  auto relays = finder.Find();
  for (const std::string& problem : finder.problems()) PrintError(kProgram, problem);
  if (!relays.ok()) PrintError(kProgram, std::string(relays.status().message()));
  return relays;
}

bool Print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

// A line of --check.
class Findings {
 public:
  void Fine(const std::string& text) { text_ += "  ok       " + text + "\n"; }
  void Note(const std::string& text) { text_ += "  note     " + text + "\n"; }
  void Problem(const std::string& text, const std::string& what_to_do) {
    text_ += "  PROBLEM  " + text + "\n           " + what_to_do + "\n";
    fine_ = false;
  }
  void Head(const std::string& text) { text_ += text + "\n"; }
  const std::string& text() const { return text_; }
  bool fine() const { return fine_; }

 private:
  std::string text_;
  bool fine_ = true;
};

constexpr char kHowToRead[] =
    "run the agent as root, as Postfix's mail owner (mail_owner in main.cf), or as a user with the "
    "capability CAP_DAC_READ_SEARCH; leave the modes of queue files alone: Postfix gives them a "
    "meaning";

void CheckWatching(const AgentOptions& options, const std::string& path, Findings* findings) {
  if (!options.watch) {
    findings->Note("it is listed every interval, not watched (--no-watch)");
    return;
  }
  const absl::Status file_system = QueueTracker::CheckFileSystem(path);
  if (!file_system.ok()) {
    findings->Note(
        absl::StrCat("it can't be watched and is listed every interval: ", file_system.message()));
    return;
  }
  auto inotify = Inotify::Create();
  absl::Status watched = inotify.status();
  if (inotify.ok()) {
    const FileDescriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    watched = directory.valid() ? inotify->Watch(directory.get(), IN_CREATE).status()
                                : absl::UnavailableError("the queue directory can't be opened");
  }
  if (watched.ok()) {
    findings->Fine("inotify tells of changes");
  } else {
    findings->Note(
        absl::StrCat("it can't be watched and is listed every interval: ", watched.message()));
  }
}

void CheckFiles(const FileCounts& counts, Findings* findings) {
  const auto note = [&](FileKind kind, const char* what) {
    if (counts.of(kind) > 0) findings->Note(absl::StrCat(counts.of(kind), " ", what));
  };
  findings->Note(absl::StrCat(counts.of(FileKind::kMessage), " messages are counted"));
  note(FileKind::kBeingWritten, "files are being written or set aside, by their mode: not counted");
  note(FileKind::kNoRecipients, "messages have nobody left to deliver to: not counted");
  note(FileKind::kForeign, "files are no queue files: not counted");
  note(FileKind::kDamaged, "queue files are damaged: not counted");
  note(FileKind::kLinked, "files are further names of others: not counted again");
  if (counts.of(FileKind::kUnreadable) > 0) {
    findings->Problem(
        absl::StrCat(counts.of(FileKind::kUnreadable), " queue files may not be read"), kHowToRead);
  }
  if (counts.force_expired > 0 || counts.group_readable > 0) {
    findings->Problem(
        absl::StrCat(counts.force_expired, " queue files are group-executable and ",
                     counts.group_readable, " group-readable"),
        "Postfix returns the first to their senders (force-expire) and tries the second at once; "
        "unless postsuper -e or postqueue -i did it, take it back: chmod g-rx these files");
  }
}

void CheckRelay(const AgentOptions& options, const RelayOptions& relay, Findings* findings) {
  findings->Head(
      absl::StrCat("instance ", relay.instance, ": ", PrintableName(relay.queue_directory)));
  if (relay.settings) {
    findings->Fine(absl::StrCat("Postfix ", PrintableName(relay.settings->mail_version),
                                ", at most ", relay.settings->active_limit, " messages in active"));
  } else {
    findings->Note("Postfix's settings are not known: how full active is can't be told");
  }
  QueueModel model([](const Cell&, int64_t) {});
  QueueTree tree(relay.queue_directory, &model);
  const absl::Status listed = QueueLister(&tree).Pass();
  if (absl::IsPermissionDenied(listed)) {
    findings->Problem(absl::StrCat("not all queues can be listed: ", listed.message()), kHowToRead);
  } else if (!listed.ok()) {
    findings->Problem(absl::StrCat("not all queues can be listed: ", listed.message()),
                      "is --queue-directory what `postconf queue_directory` says?");
  } else {
    findings->Fine("all queues can be listed");
  }
  CheckFiles(model.file_counts(), findings);
  CheckWatching(options, relay.queue_directory, findings);
}

}  // namespace

int PrintOnce(const AgentOptions& options) {
  const auto relays = FindRelays(options);
  if (!relays.ok()) return kExitError;
  nlohmann::ordered_json document;
  document["version"] = kStateVersion;
  document["relays"] = nlohmann::ordered_json::array();
  bool whole = true;
  for (const RelayOptions& relay : *relays) {
    QueueModel model([](const Cell&, int64_t) {});
    QueueTree tree(relay.queue_directory, &model);
    const absl::Status listed = QueueLister(&tree).Pass();
    if (!listed.ok()) PrintError(kProgram, absl::StrCat("cannot list ", listed.message()));
    whole &= listed.ok();
    document["relays"].push_back(StateJson(options, relay, model));
  }
  return Print(document.dump(2) + "\n") && whole ? kExitOk : kExitError;
}

int PrintCheck(const AgentOptions& options) {
  const auto relays = FindRelays(options);
  if (!relays.ok()) return kExitError;
  Findings findings;
  findings.Head(absl::StrCat("fleetqshape-agent runs with the user id ", geteuid()));
  for (const RelayOptions& relay : *relays) CheckRelay(options, relay, &findings);
  return Print(findings.text()) && findings.fine() ? kExitOk : kExitError;
}

}  // namespace fleetqshape
