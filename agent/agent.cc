#include "agent/agent.h"

#include <algorithm>
#include <utility>

#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds FromSeconds(double seconds) {
  return milliseconds(static_cast<int64_t>(seconds * 1000));
}

ReportSession::Options SessionOptions(const AgentOptions& options) {
  ReportSession::Options session;
  session.hello = MakeHello(options);
  session.heartbeat_milliseconds = FromSeconds(options.heartbeat_seconds).count();
  return session;
}

}  // namespace

Agent::Agent(const AgentOptions& options, const Clock* clock, std::function<uint64_t()> random)
    : options_(options),
      clock_(*clock),
      model_([this](const Cell& cell, int change) { session_.OnCellChange(cell, change); }),
      lister_(options.queue_directory, &model_),
      session_(SessionOptions(options), &model_, clock, random),
      backoff_(random),
      client_(options.aggregator,
              {.on_message = [this](v1::AggregatorMessage message) { Post(std::move(message)); },
               .on_closed = [this](absl::Status status) { Post(std::move(status)); }}) {}

void Agent::Post(Event event) {
  MutexLock lock(mutex_);
  events_.push_back(std::move(event));
  condition_.NotifyOne();
}

void Agent::Stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  condition_.NotifyOne();
}

bool Agent::WaitForEvents(TimePoint deadline, std::deque<Event>* events) {
  MutexLock lock(mutex_);
  while (!stopping_ && events_.empty() && steady_clock::now() < deadline) {
    condition_.WaitUntil(mutex_, deadline);
  }
  events->swap(events_);
  return !stopping_;
}

void Agent::Run() {
  spdlog::info("watching {}", options_.queue_directory);
  std::deque<Event> events;
  do {
    for (const Event& event : events) Handle(event);
    events.clear();
    const TimePoint now = steady_clock::now();
    if (now >= next_pass_) LookAtQueue();
    if (saw_whole_queue_ && !connected_ && now >= next_connect_) Connect();
    client_.Send(session_.TakeOutgoing());
  } while (WaitForEvents(NextDeadline(), &events));
  const ReportSession::Counters& sent = session_.counters();
  spdlog::info(
      "stopping: sent {} snapshots, {} deltas, {} cells, {} bytes, {} heartbeats; read {} files in "
      "{} passes",
      sent.snapshots, sent.deltas, sent.cells, sent.bytes, sent.heartbeats,
      lister_.counters().files_read, lister_.counters().passes);
}

Agent::TimePoint Agent::NextDeadline() const {
  TimePoint deadline = next_pass_;
  if (saw_whole_queue_ && !connected_) deadline = std::min(deadline, next_connect_);
  if (const auto heartbeat = session_.NextHeartbeatMilliseconds()) {
    const milliseconds left(std::max<int64_t>(*heartbeat - clock_.NowMilliseconds(), 0));
    deadline = std::min(deadline, steady_clock::now() + left);
  }
  return deadline;
}

void Agent::LookAtQueue() {
  const TimePoint start = steady_clock::now();
  const absl::Status status = lister_.Pass();
  next_pass_ = start + FromSeconds(options_.interval_seconds);
  const std::string problem(status.message());
  if (status.ok() && (!saw_whole_queue_ || !last_pass_problem_.empty())) {
    // What is reported starts with a whole pass: a queue that can't be read is not an empty one.
    saw_whole_queue_ = true;
    spdlog::info("{} holds {} messages", options_.queue_directory, model_.message_count());
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
}

void Agent::Connect() {
  client_.Open();
  connected_ = true;
  session_.OnConnected();
}

void Agent::Handle(const Event& event) {
  if (const auto* message = std::get_if<v1::AggregatorMessage>(&event)) {
    if (message->has_welcome()) {
      spdlog::info("reporting to {}", options_.aggregator);
    }
    session_.OnMessage(*message);
    // A welcome proves little: the first report may end the stream again. What counts is that
    // something was taken, or that there is nothing to say.
    if (message->has_acknowledgement() || session_.UpToDate()) {
      backoff_.Reset();
      last_stream_problem_.clear();
    }
    return;
  }
  const auto& status = std::get<absl::Status>(event);
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
}

}  // namespace fleetqshape
