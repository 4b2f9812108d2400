#include "cli/options/question.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/options/fleet_options.h"
#include "common/base/nearest_word.h"
#include "common/base/status_macros.h"
#include "common/shape/queue.h"

namespace fleetqshape {
namespace {

constexpr char kRelaysCommand[] = "relays";
constexpr char kContextCommand[] = "context";
constexpr char kCompletionCommand[] = "completion";
constexpr char kTopCommand[] = "top";

using Words = std::vector<std::string>;

absl::Status CheckQueues(const Words& queues, bool first) {
  for (const std::string& name : queues) {
    if (QueueFromName(name)) continue;
    // A number is no option for CLI11, even behind a dash.
    if (name.starts_with('-')) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown option ", name, " (fleetqshape --help tells)"));
    }
    if (first && name == queues[0] && (name == "help" || name == "version")) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown queue ", name, ": did you mean --", name, "?"));
    }
    Words known = QueueWords();
    if (first && name == queues[0]) {
      for (const std::string& command : CommandWords()) known.push_back(command);
    }
    const std::string hint = DidYouMean(name, known);
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown queue ", name,
        hint.empty() ? ": a fleet has maildrop, hold, incoming, active and deferred (a directory "
                       "of this machine is given as an absolute path)"
                     : hint));
  }
  return absl::OkStatus();
}

absl::Status FillRelays(const Words& words, CliOptions* options) {
  const bool forget = words.size() == 2 && words[1] == "forget";
  if (words.size() > 1 && !forget) {
    return absl::InvalidArgumentError(
        absl::StrCat("relays ", words[1],
                     ": it is `fleetqshape relays` or `fleetqshape relays forget`, and no queue "
                     "with either"));
  }
  options->question = forget ? Question::kForget : Question::kRelays;
  return absl::OkStatus();
}

absl::Status FillContext(const Words& words, CliOptions* options) {
  const std::string& verb = words.size() > 1 ? words[1] : "list";
  if (verb == "list" && words.size() <= 2) {
    options->question = Question::kContextList;
    return absl::OkStatus();
  }
  if (verb == "use" && words.size() == 3) {
    options->question = Question::kContextUse;
    options->arguments = {words[2]};
    return absl::OkStatus();
  }
  const bool known = verb == "list" || verb == "use";
  const std::string hint = known ? "" : DidYouMean(verb, WordsAfter(kContextCommand));
  return absl::InvalidArgumentError(absl::StrCat(
      "context ", verb,
      hint.empty() ? ": it is `fleetqshape context list` or `fleetqshape context use NAME`"
                   : hint));
}

absl::Status FillCompletion(const Words& words, CliOptions* options) {
  const Words shells = WordsAfter(kCompletionCommand);
  if (words.size() == 2 && std::find(shells.begin(), shells.end(), words[1]) != shells.end()) {
    options->question = Question::kCompletionScript;
    options->arguments = {words[1]};
    return absl::OkStatus();
  }
  const std::string hint = words.size() == 2 ? DidYouMean(words[1], shells) : "";
  return absl::InvalidArgumentError(absl::StrCat(
      "completion", words.size() > 1 ? absl::StrCat(" ", words[1]) : "",
      hint.empty() ? ": it is for bash, zsh or fish, as in `fleetqshape completion bash`" : hint));
}

}  // namespace

Words QueueWords() {
  Words words;
  for (const Queue queue : kAllQueues) words.emplace_back(QueueName(queue));
  return words;
}

Words CommandWords() { return {kRelaysCommand, kTopCommand, kContextCommand, kCompletionCommand}; }

Words WordsAfter(const std::string& command) {
  if (command == kRelaysCommand) return {"forget"};
  if (command == kContextCommand) return {"list", "use"};
  if (command == kCompletionCommand) return {"bash", "zsh", "fish"};
  return {};
}

absl::Status FillQuestion(const CLI::App& app, CliOptions* options) {
  const Words words = options->queues;
  const std::string command = words.empty() ? "" : words[0];
  // That a file or the environment says --local means questions about mail.
  const bool typed_local = IsTyped(app, {"--local", "-c"});
  if (command == kContextCommand && !typed_local) return FillContext(words, options);
  if (command == kCompletionCommand && !typed_local) return FillCompletion(words, options);
  if (options->local) {
    if (words.empty()) options->queues = {"incoming", "active"};
    return absl::OkStatus();
  }
  if (command == kRelaysCommand) return FillRelays(words, options);
  if (command == kTopCommand) {
    options->watch_seconds = kWatchSeconds;
    options->queues.erase(options->queues.begin());
    if (options->queues.empty()) options->queues = {"incoming", "active", "deferred"};
    return CheckQueues(options->queues, false);
  }
  if (words.empty()) options->queues = {"incoming", "active"};
  return CheckQueues(options->queues, true);
}

absl::Status FitsQuestion(const CLI::App& app, const RawOptions& raw, const CliOptions& options) {
  const Question question = options.question;
  if (options.stranded && question != Question::kForget) {
    return absl::InvalidArgumentError("--stranded goes with `fleetqshape relays forget`");
  }
  if (options.check && question != Question::kRelays) {
    return absl::InvalidArgumentError("--check goes with `fleetqshape relays`");
  }
  if (options.check && IsTyped(app, {"--output"})) {
    return absl::InvalidArgumentError("--check prints one line for monitoring: leave out --output");
  }
  if (question == Question::kTable) return absl::OkStatus();
  if (question != Question::kRelays && question != Question::kForget) {
    return options.context.empty() || !IsTyped(app, {"--context"})
               ? absl::OkStatus()
               : absl::InvalidArgumentError("--context chooses whom to ask, and nobody is asked");
  }
  if (!raw.at.empty() ||
      IsTyped(app, {kQshapeGroup, kTableGroup, "--watch", "--fail-if", "--strict"})) {
    return absl::InvalidArgumentError(
        "relays takes the options that choose relays, and none that is about a table of mail");
  }
  if (question == Question::kForget && !IsTyped(app, {kSelectionGroup})) {
    return absl::InvalidArgumentError(
        "which relays are to be forgotten? Choose them on the command line, with --cluster, "
        "--host, --role or --select");
  }
  return absl::OkStatus();
}

}  // namespace fleetqshape
