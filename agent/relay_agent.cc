#include "agent/relay_agent.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/relay_facts.h"
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

ReportSession::Options SessionOptions(const AgentOptions& options, const RelayOptions& relay) {
  ReportSession::Options session;
  session.hello = MakeHello(options, relay.instance);
  session.heartbeat_milliseconds = FromSeconds(options.heartbeat_seconds).count();
  return session;
}

}  // namespace

RelayAgent::RelayAgent(const AgentOptions& options, const RelayOptions& relay, const Clock* clock,
                       std::function<uint64_t()> random)
    : options_(options),
      relay_(relay),
      clock_(*clock),
      model_([this](const Cell& cell, int64_t change) { session_.OnCellChange(cell, change); }),
      tracker_(TrackerOptions(options, relay), &model_, steady_clock::now,
               [this] { return ShowAlive(); }),
      session_(SessionOptions(options, relay), &model_, clock, random),
      backoff_(random),
      last_alive_(steady_clock::now().time_since_epoch().count()),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      client_(options.aggregator,
              {.on_message = [this](v1::AggregatorMessage message) { Post(std::move(message)); },
               .on_closed = [this](absl::Status status) { Post(std::move(status)); }}) {
  if (relay.settings) session_.SetSettings(ToProto(*relay.settings));
}

void RelayAgent::SetSettings(const PostfixSettings& settings) { Post(settings); }

RelayHealth RelayAgent::health() const {
  MutexLock lock(mutex_);
  return health_;
}

bool RelayAgent::ShowAlive() {
  last_alive_ = steady_clock::now().time_since_epoch().count();
  MutexLock lock(mutex_);
  return !stopping_;
}

void RelayAgent::Wake() { eventfd_write(wake_.get(), 1); }

void RelayAgent::Post(Event event) {
  MutexLock lock(mutex_);
  events_.push_back(std::move(event));
  Wake();
}

void RelayAgent::Stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  Wake();
}

bool RelayAgent::WaitForEvents(std::deque<Event>* events) {
  const TimePoint longest = steady_clock::now() + kLongestWait;
  for (;;) {
    {
      MutexLock lock(mutex_);
      events->swap(events_);
      if (stopping_) return false;
    }
    const TimePoint deadline = std::min(NextDeadline(), longest);
    if (!events->empty() || steady_clock::now() >= deadline) return true;
    WaitForDescriptors(deadline);
  }
}

void RelayAgent::WaitForDescriptors(TimePoint deadline) {
  const TimePoint now = steady_clock::now();
  const bool may_drain = now >= next_drain_;
  if (!may_drain) deadline = std::min(deadline, next_drain_);
  std::array<pollfd, 2> descriptors = {
      pollfd{wake_.get(), POLLIN, 0},
      pollfd{may_drain ? tracker_.event_fd() : -1, POLLIN, 0}};  // -1 is passed over
  const auto timeout = std::chrono::ceil<milliseconds>(deadline - now).count();
  poll(descriptors.data(), descriptors.size(),
       static_cast<int>(std::clamp<int64_t>(timeout, 0, 60'000)));
  eventfd_t ignored = 0;
  if ((descriptors[0].revents & POLLIN) != 0) eventfd_read(wake_.get(), &ignored);
  if ((descriptors[1].revents & POLLIN) != 0) {
    tracker_.OnEvents();
    next_drain_ = steady_clock::now() + kDrainInterval;
  }
}

void RelayAgent::Run() {
  spdlog::info("watching {}", relay_.queue_directory);
  std::deque<Event> events;
  do {
    ShowAlive();
    for (const Event& event : events) Handle(event);
    events.clear();
    const TimePoint now = steady_clock::now();
    if (now >= tracker_.next_update()) LookAtQueue();
    if (saw_whole_queue_ && !connected_ && now >= next_connect_) Connect();
    client_.Send(session_.TakeOutgoing());
  } while (WaitForEvents(&events));
  LogSummary();
}

void RelayAgent::LogSummary() const {
  const ReportSession::Counters& sent = session_.counters();
  const QueueWatcher::Counters watched = tracker_.watch_counters();
  spdlog::info(
      "stopping: sent {} snapshots, {} deltas, {} cells, {} bytes, {} heartbeats; read {} files in "
      "{} passes; {} events, {} overflows, {} differences found",
      sent.snapshots, sent.deltas, sent.cells, sent.bytes, sent.heartbeats, tracker_.files_read(),
      tracker_.passes(), watched.events, watched.overflows, watched.differences);
}

RelayAgent::TimePoint RelayAgent::NextDeadline() const {
  TimePoint deadline = tracker_.next_update();
  if (saw_whole_queue_ && !connected_) deadline = std::min(deadline, next_connect_);
  if (const auto heartbeat = session_.NextHeartbeatMilliseconds()) {
    const milliseconds left(std::max<int64_t>(*heartbeat - clock_.NowMilliseconds(), 0));
    deadline = std::min(deadline, steady_clock::now() + left);
  }
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
    session_.OnNamesRenewed();
  }
  session_.SetFileCounts(ToProto(model_.file_counts()));
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

void RelayAgent::Connect() {
  client_.Open();
  connected_ = true;
  session_.OnConnected();
}

void RelayAgent::Handle(const Event& event) {
  if (const auto* message = std::get_if<v1::AggregatorMessage>(&event)) {
    HandleMessage(*message);
  } else if (const auto* settings = std::get_if<PostfixSettings>(&event)) {
    session_.SetSettings(ToProto(*settings));
  } else {
    HandleClosed(std::get<absl::Status>(event));
  }
}

void RelayAgent::HandleMessage(const v1::AggregatorMessage& message) {
  if (message.has_welcome()) spdlog::info("reporting to {}", options_.aggregator);
  session_.OnMessage(message);
  // A welcome proves little: the first report may end the stream again. What counts is that
  // something was taken, or that there is nothing to say.
  if (!message.has_acknowledgement() && !session_.UpToDate()) return;
  backoff_.Reset();
  last_stream_problem_.clear();
  MutexLock lock(mutex_);
  health_.reporting = true;
}

void RelayAgent::HandleClosed(const absl::Status& status) {
  session_.OnDisconnected();
  connected_ = false;
  const int64_t delay = backoff_.NextDelayMilliseconds();
  next_connect_ = steady_clock::now() + milliseconds(delay);
  std::string problem(status.message());
  if (status.ok()) problem = "the aggregator ended it";
  if (absl::IsUnimplemented(status)) {
    problem = "it takes no reports: is this the aggregator's ingest address?";
  }
  if (problem != last_stream_problem_) {
    spdlog::warn("no connection to {}: {}; trying again", options_.aggregator, problem);
    last_stream_problem_ = problem;
  }
  MutexLock lock(mutex_);
  health_.reporting = false;
}

}  // namespace fleetqshape
