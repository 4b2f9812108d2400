#include "agent/relay_agent.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/relay_facts.h"
#include "spdlog/fmt/fmt.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds FromSeconds(double seconds) {
  return milliseconds(static_cast<int64_t>(seconds * 1000));
}

// The kernel keeps events for us; taking many at a time costs less than each as it comes. At a
// hundred thousand events a second they still fit into its queue (16,384 by default).
constexpr milliseconds kDrainInterval(100);

// The loop shows that it goes on at least this often.
constexpr milliseconds kLongestWait(1000);

QueueTracker::Options TrackerOptions(const AgentOptions& options, const RelayOptions& relay) {
  QueueTracker::Options tracker;
  tracker.queue_directory = relay.queue_directory;
  tracker.may_watch = options.watch;
  tracker.interval = FromSeconds(options.interval_seconds);
  tracker.verify_interval = FromSeconds(options.verify_interval_seconds);
  return tracker;
}

ReportSession::Options SessionOptions(const AgentOptions& options, const RelayOptions& relay,
                                      const std::string& aggregator, uint64_t agent_id) {
  ReportSession::Options session;
  session.hello = MakeHello(options, relay.instance);
  session.hello.set_agent_id(agent_id);
  session.aggregator = aggregator;
  session.interval_milliseconds = FromSeconds(options.interval_seconds).count();
  session.heartbeat_milliseconds = FromSeconds(options.heartbeat_seconds).count();
  return session;
}

ReportSession::Counters& operator+=(ReportSession::Counters& sum,
                                    const ReportSession::Counters& more) {
  sum.snapshots += more.snapshots;
  sum.deltas += more.deltas;
  sum.cells += more.cells;
  sum.bytes += more.bytes;
  sum.heartbeats += more.heartbeats;
  return sum;
}

std::string SentText(const ReportSession::Counters& sent) {
  return fmt::format("sent {} snapshots, {} deltas, {} cells, {} bytes, {} heartbeats",
                     sent.snapshots, sent.deltas, sent.cells, sent.bytes, sent.heartbeats);
}

}  // namespace

RelayAgent::RelayAgent(const AgentOptions& options, const RelayOptions& relay, const Clock* clock,
                       std::function<uint64_t()> random)
    : options_(options),
      relay_(relay),
      model_([this](const Cell& cell, int64_t change) {
        for (const auto& link : links_) link->session().OnCellChange(cell, change);
      }),
      tracker_(TrackerOptions(options, relay), &model_, steady_clock::now,
               [this] { return ShowAlive(); }),
      last_alive_(steady_clock::now().time_since_epoch().count()),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  const uint64_t agent_id = random();
  for (const std::string& address : options.aggregators) {
    links_.push_back(
        std::make_unique<AggregatorLink>(address, SessionOptions(options, relay, address, agent_id),
                                         &model_, clock, random, [this] { Wake(); }));
  }
  health_.reporting.resize(links_.size());
  new_settings_ = relay.settings;
}

void RelayAgent::SetSettings(const PostfixSettings& settings) {
  MutexLock lock(mutex_);
  new_settings_ = settings;
  eventfd_write(wake_.get(), 1);
}

RelayHealth RelayAgent::health() const {
  MutexLock lock(mutex_);
  return health_;
}

bool RelayAgent::ShowAlive() {
  last_alive_ = steady_clock::now().time_since_epoch().count();
  MutexLock lock(mutex_);
  return !stopping_;
}

void RelayAgent::Wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  eventfd_write(wake_.get(), 1);
}

void RelayAgent::Stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
}

bool RelayAgent::WaitForEvents() {
  const TimePoint longest = steady_clock::now() + kLongestWait;
  for (;;) {
    TimePoint deadline = std::min(NextDeadline(), longest);
    {
      MutexLock lock(mutex_);
      if (stopping_) return false;
      if (std::exchange(woken_, false) || new_settings_) deadline = TimePoint::min();
    }
    // The queue gets its turn however often others wake the loop.
    WaitForDescriptors(deadline);
    if (steady_clock::now() >= deadline) return true;
  }
}

void RelayAgent::WaitForDescriptors(TimePoint deadline) {
  const TimePoint now = steady_clock::now();
  const bool may_drain = now >= next_drain_;
  if (!may_drain) deadline = std::min(deadline, next_drain_);
  std::array<pollfd, 2> descriptors = {
      pollfd{wake_.get(), POLLIN, 0},
      pollfd{may_drain ? tracker_.event_fd() : -1, POLLIN, 0}};  // -1 is passed over
  const auto left = std::chrono::ceil<milliseconds>(std::max(deadline, now) - now);
  poll(descriptors.data(), descriptors.size(),
       static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
  eventfd_t ignored = 0;
  if ((descriptors[0].revents & POLLIN) != 0) eventfd_read(wake_.get(), &ignored);
  if ((descriptors[1].revents & POLLIN) != 0) {
    tracker_.OnEvents();
    next_drain_ = steady_clock::now() + kDrainInterval;
  }
}

void RelayAgent::Run() {
  spdlog::info("watching {}", relay_.queue_directory);
  do {
    ShowAlive();
    TakeSettings();
    if (steady_clock::now() >= tracker_.next_update()) LookAtQueue();
    if (saw_whole_queue_) AdvanceLinks();
  } while (WaitForEvents());
  LogSummary();
}

void RelayAgent::TakeSettings() {
  std::optional<PostfixSettings> settings;
  {
    MutexLock lock(mutex_);
    settings.swap(new_settings_);
  }
  if (!settings) return;
  for (const auto& link : links_) link->session().SetSettings(ToProto(*settings));
}

void RelayAgent::AdvanceLinks() {
  std::vector<bool> reporting;
  for (const auto& link : links_) {
    link->Advance();
    reporting.push_back(link->IsReporting());
  }
  MutexLock lock(mutex_);
  health_.reporting = std::move(reporting);
}

void RelayAgent::LogSummary() const {
  ReportSession::Counters sent;
  for (const auto& link : links_) {
    sent += link->session().counters();
    if (links_.size() == 1) continue;
    spdlog::info("to {}: {}", link->address(), SentText(link->session().counters()));
  }
  const QueueWatcher::Counters watched = tracker_.watch_counters();
  spdlog::info(
      "stopping: {}; read {} files in {} passes; {} events, {} overflows, {} differences found",
      SentText(sent), tracker_.files_read(), tracker_.passes(), watched.events, watched.overflows,
      watched.differences);
}

RelayAgent::TimePoint RelayAgent::NextDeadline() const {
  TimePoint deadline = tracker_.next_update();
  if (!saw_whole_queue_) return deadline;
  for (const auto& link : links_) deadline = std::min(deadline, link->NextDeadline());
  return deadline;
}

void RelayAgent::LookAtQueue() {
  const absl::Status status = tracker_.Update();
  if (absl::IsCancelled(status)) return;
  const std::string problem(status.message());
  if (status.ok() && (!saw_whole_queue_ || !last_pass_problem_.empty())) {
    // What is reported starts with a whole pass: a queue that can't be read is not an empty one.
    saw_whole_queue_ = true;
    spdlog::info("{} holds {} messages", relay_.queue_directory, model_.message_count());
  } else if (!status.ok() && problem != last_pass_problem_) {
    spdlog::error("cannot list the whole queue: {}; {}", problem,
                  saw_whole_queue_ ? "what is known of it stays"
                                   : "nothing is reported before it can be listed");
  }
  last_pass_problem_ = problem;
  if (model_.NamesWorthRenewing()) {
    model_.RenewNames();
    for (const auto& link : links_) link->session().OnNamesRenewed();
  }
  const v1::FileCounts files = ToProto(model_.file_counts());
  for (const auto& link : links_) {
    link->session().SetFileCounts(files);
    link->session().OnQueueSeen();
  }
  WarnOfModes(model_.file_counts());
  MutexLock lock(mutex_);
  health_.messages = model_.message_count();
  health_.looked = true;
  health_.complete = status.ok();
}

void RelayAgent::WarnOfModes(const FileCounts& counts) {
  const bool odd = counts.force_expired > 0 || counts.group_readable > 0;
  if (odd && !warned_of_modes_) {
    spdlog::warn(
        "{}: {} queue files are group-executable, {} group-readable. Postfix takes the first for "
        "force-expired and returns that mail to its sender, the second for mail to be tried at "
        "once (postsuper -e, postqueue -i). If a monitoring tool's set-up changed the modes (chmod "
        "-R g+rX), take that back: chmod g-rx these files",
        relay_.queue_directory, counts.force_expired, counts.group_readable);
  }
  warned_of_modes_ = odd;
}

}  // namespace fleetqshape
