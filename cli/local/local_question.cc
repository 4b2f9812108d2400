#include "cli/local/local_question.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/local/postconf.h"
#include "cli/local/queue_scan.h"
#include "cli/output.h"
#include "cli/output/answer_text.h"
#include "cli/output/terminal.h"
#include "cli/output/terminfo.h"
#include "common/base/status_macros.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

using postfix::Dialect;

constexpr char kProgram[] = "fleetqshape";
// One thread has the floor of the disk cache's speed nearly to itself; more than these wait for
// each other in the kernel.
constexpr int kMaxThreads = 8;

// How many processors this process may run on: taskset, systemd and containers may leave it fewer
// than the machine has. 0 if that cannot be told.
int UsableProcessors() {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) != 0) return 0;
  return CPU_COUNT(&processors);
}

// The queues as paths; names are found below Postfix's queue directory.
absl::StatusOr<std::vector<std::string>> QueuePaths(const CliOptions& options, Dialect dialect) {
  std::vector<std::string> paths;
  std::string queue_directory;
  for (const std::string& queue : options.queues) {
    if (queue.starts_with('/')) {
      paths.push_back(queue);
      continue;
    }
    if (queue_directory.empty()) {
      FQS_ASSIGN_OR_RETURN(queue_directory, QueueDirectory(options.config_directory, dialect));
      if (access(queue_directory.c_str(), X_OK) != 0) {
        return absl::UnavailableError(absl::StrCat("cannot enter the queue directory ",
                                                   queue_directory,
                                                   "; run as root or as Postfix's mail owner"));
      }
    }
    paths.push_back(absl::StrCat(queue_directory, "/", queue));
  }
  return paths;
}

void PrintCount(std::string_view what, uint64_t count) {
  if (count == 0) return;
  PrintError(kProgram, absl::StrCat(absl::string_view(what.data(), what.size()), ": ", count));
}

// What was counted and what was not, and where qshape differs.
void PrintCounts(const ScanCounts& counts, Dialect dialect) {
  const bool postfix = dialect == Dialect::kPostfix;
  PrintCount("messages counted", counts.messages);
  PrintCount("of these, missed by qshape for their mode (force-expired)", counts.force_expired);
  PrintCount("of these, missed by qshape as fresh maildrop files", counts.fresh_maildrop);
  PrintCount(postfix ? "no queue files (qshape -s counts them as MAILER-DAEMON)"
                     : "files that qshape takes for none (with -s it counts them as MAILER-DAEMON)",
             counts.foreign);
  PrintCount("messages with nobody left to deliver to", counts.no_recipients);
  PrintCount(postfix ? "files being written or set aside, by their mode"
                     : "files with a mode that qshape passes over",
             counts.not_ready);
  PrintCount("damaged queue files", counts.damaged);
  PrintCount("queue files that may not be read", counts.unreadable);
  PrintCount("files that moved on meanwhile", counts.vanished);
  PrintCount("files seen again and counted once", counts.seen_before);
}

}  // namespace

int AnswerLocally(const CliOptions& options, const Clock& clock) {
  const Dialect dialect = options.compat ? Dialect::kQshape : Dialect::kPostfix;
  const auto paths = QueuePaths(options, dialect);
  if (!paths.ok()) {
    PrintError(kProgram, std::string(paths.status().message()));
    return kExitError;
  }
  const Terminal terminal = StandardOutput(options.color);
  TextOptions text = options.text;
  text.raw_names = options.compat && !terminal.is_terminal;
  if (terminal.is_terminal) text.top_rows = options.redraw_rows;

  ScanOptions scan;
  scan.paths = *paths;
  scan.threads = std::clamp(UsableProcessors(), 1, kMaxThreads);
  scan.question.dialect = dialect;
  scan.question.axis = options.axis;
  scan.question.buckets = AgeBuckets(options.buckets);
  scan.question.now_seconds = options.at_seconds.value_or(clock.NowSeconds());
  scan.question.files_may_repeat = paths->size() > 1;

  const bool redraw = terminal.is_terminal && options.redraw_messages >= 1;
  const std::string clear = redraw ? ClearSequence() : "";
  const auto print = [&](const ShapeTable& table) {
    return PrintText(clear + TextOfLocalTable(table.Finish(options.rows), options, text, terminal));
  };
  if (redraw) {
    scan.progress_messages = static_cast<uint64_t>(options.redraw_messages);
    scan.on_progress = [&](const ShapeTable& table) { print(table); };
  }
  const ScanResult result = ScanQueues(scan);
  for (const std::string& warning : result.warnings) {
    PrintError(kProgram, absl::StrCat("warning: ", warning));
  }
  if (result.counts.unreadable > 0) {
    PrintError(kProgram, absl::StrCat("warning: ", result.counts.unreadable,
                                      " queue files may not be read and are not counted; run as "
                                      "root or as Postfix's mail owner"));
  }
  const bool printed = print(result.table);
  if (options.verbose) PrintCounts(result.counts, dialect);
  return printed ? kExitOk : kExitError;
}

}  // namespace fleetqshape
