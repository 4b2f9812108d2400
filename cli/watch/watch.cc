#include "cli/watch/watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "cli/client/query_client.h"
#include "cli/client/selection.h"
#include "cli/client/table_request.h"
#include "cli/output/terminal.h"
#include "cli/watch/asker.h"
#include "cli/watch/terminal_signals.h"
#include "cli/watch/watch_model.h"
#include "cli/watch/watch_page.h"
#include "cli/watch/watch_screen.h"
#include "common/base/status_macros.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";

// A picture is of few rows: who waits longer has lost the aggregator.
constexpr std::chrono::milliseconds kPatience{10'000};
// The page says how long ago things happened.
constexpr int64_t kTickMilliseconds = 1000;

// Of all that were selected on the command line, whichever is shown now.
absl::StatusOr<std::vector<std::string>> AskForClusters(const CliOptions& options,
                                                        QueryClient* client) {
  v1::ListRelaysRequest request;
  *request.mutable_selection() = SelectionOf(options);
  FQS_ASSIGN_OR_RETURN(const v1::ListRelaysResponse relays, client->ListRelays(request));
  std::set<std::string> clusters;
  for (const v1::RelayStatus& relay : relays.relays()) clusters.insert(relay.cluster());
  return std::vector<std::string>(clusters.begin(), clusters.end());
}

absl::StatusOr<WatchAnswer> AskOnce(const CliOptions& options, const WatchRequest& request,
                                    QueryClient* client) {
  WatchAnswer answer;
  const v1::TableRequest asked = TableRequestOf(request.options, true);
  FQS_ASSIGN_OR_RETURN(answer.table, AskForTable(request.options, asked, client));
  answer.failures = client->failures();
  answer.relays = AskForRelays(request.options, asked, client);
  if (request.clusters) {
    FQS_ASSIGN_OR_RETURN(answer.clusters, AskForClusters(options, client));
  }
  return answer;
}

class Watch {
 public:
  // All outlive it.
  Watch(const CliOptions& options, const Clock& clock, WatchScreen* screen,
        TerminalSignals* signals)
      : clock_(clock),
        screen_(screen),
        signals_(signals),
        client_(options.servers, options.tls, kPatience, ReasonsFor(options)),
        model_(options),
        asker_([this, options](
                   const WatchRequest& request) { return AskOnce(options, request, &client_); },
               [this] { client_.Cancel(); }) {}

  void Run() {
    while (!done_) {
      AskIfDue();
      Draw();
      Wait();
      HandleSignals();
      HandleKeys();
      HandleOutcome();
    }
  }

  // Why there was no first answer; OK if there was one.
  const absl::Status& failure() const { return failure_; }
  int signal() const { return signal_; }

 private:
  int64_t Now() const { return clock_.MonotonicMilliseconds(); }

  PageSize Size() const { return {screen_->lines(), screen_->columns()}; }

  int64_t NextAsk() const {
    return asked_at_ + static_cast<int64_t>(model_.interval_seconds() * 1000);
  }

  void AskIfDue() {
    model_.SetRoom(RoomOf(Size()), Size().lines);
    const bool due = ask_now_ || !asked_ || (!model_.paused() && Now() >= NextAsk());
    if (!due || asker_.busy()) return;
    ask_now_ = false;
    asked_ = true;
    asked_at_ = Now();
    asker_.Start(model_.Request());
  }

  void Draw() {
    const std::optional<int64_t> asking =
        asker_.busy() ? std::optional<int64_t>(asked_at_) : std::nullopt;
    size_t rows = 0;
    screen_->Draw(PageOf(model_, Size(), clock_.Now(), asking, &rows));
    model_.SetSeen(rows);
  }

  void Wait() {
    int64_t milliseconds = kTickMilliseconds;
    if (!asker_.busy() && !model_.paused()) {
      milliseconds = std::clamp<int64_t>(NextAsk() - Now(), 0, milliseconds);
    }
    std::array<pollfd, 3> sources = {{{STDIN_FILENO, POLLIN, 0},
                                      {signals_->descriptor(), POLLIN, 0},
                                      {asker_.wake_descriptor(), POLLIN, 0}}};
    poll(sources.data(), sources.size(), static_cast<int>(milliseconds));
    // The terminal is gone.
    if ((sources[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) done_ = true;
  }

  void HandleSignals() {
    for (int signal = signals_->Next(); signal != 0; signal = signals_->Next()) {
      if (signal == SIGWINCH) {
        screen_->Resize();
        ask_now_ = true;
      } else if (signal == SIGCONT) {
        screen_->Resume();
      } else if (signal == SIGTSTP) {
        screen_->Suspend();
        LetSignalHappen(signal);
        screen_->Resume();
        ask_now_ = true;
      } else {
        signal_ = signal;
        done_ = true;
      }
    }
  }

  void HandleKeys() {
    for (auto key = screen_->ReadKey(); key && !done_; key = screen_->ReadKey()) {
      const WatchModel::Effect effect = model_.Press(*key);
      if (effect == WatchModel::Effect::kQuit) done_ = true;
      if (effect == WatchModel::Effect::kAsk) ask_now_ = true;
    }
  }

  void HandleOutcome() {
    auto outcome = asker_.Take();
    if (!outcome) return;
    if (outcome->answer.ok()) {
      if (model_.Take(outcome->request, *std::move(outcome->answer), clock_.Now())) ask_now_ = true;
      return;
    }
    if (model_.shown() == nullptr) {
      failure_ = outcome->answer.status();
      done_ = true;
      return;
    }
    model_.Fail(outcome->request, std::string(outcome->answer.status().message()), clock_.Now());
  }

  const Clock& clock_;
  WatchScreen* const screen_;
  TerminalSignals* const signals_;
  QueryClient client_;
  WatchModel model_;
  bool asked_ = false;
  bool ask_now_ = false;
  int64_t asked_at_ = 0;  // monotonic milliseconds
  bool done_ = false;
  absl::Status failure_;
  int signal_ = 0;
  Asker asker_;  // last: it uses the client
};

}  // namespace

int WatchFleet(const CliOptions& options, const Clock& clock) {
  absl::Status failure;
  int signal = 0;
  {
    TerminalSignals signals;
    auto screen = WatchScreen::Open(StandardOutput(options.color).color);
    if (!screen.ok()) {
      PrintError(kProgram, std::string(screen.status().message()));
      return kExitUsage;
    }
    Watch watch(options, clock, screen->get(), &signals);
    watch.Run();
    failure = watch.failure();
    signal = watch.signal();
    // Before the aggregator is let go, which may take a moment.
    screen->reset();
  }
  if (signal != 0) LetSignalHappen(signal);
  if (failure.ok()) return kExitOk;
  PrintError(kProgram, std::string(failure.message()));
  return kExitError;
}

}  // namespace fleetqshape
