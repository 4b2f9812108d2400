#include "agent/aggregator_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// An aggregator that says nothing to a report for this long does not take reports, as far as anyone
// can tell.
constexpr int64_t kPatienceMilliseconds = 10'000;

constexpr milliseconds kLogAgain(60'000);

// Numbers differ where the trouble is the same: ports, files, how many bytes.
std::string WithoutNumbers(std::string text) {
  std::erase_if(text, [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
  return text;
}

}  // namespace

AggregatorLink::AggregatorLink(const std::string& address, ReportSession::Options options,
                               const QueueModel* model, const Clock* clock,
                               std::function<uint64_t()> random, std::function<void()> wake)
    : address_(address),
      clock_(*clock),
      session_(std::move(options), model, clock, random),
      backoff_(random),
      client_(address, std::move(wake)) {}

void AggregatorLink::Advance() {
  // One at a time: the next one wakes the loop again.
  if (const auto message = client_.TakeMessage()) HandleMessage(*message);
  if (const auto status = client_.TakeClosed()) HandleClosed(*status);
  if (!connected_ && steady_clock::now() >= next_connect_) Connect();
  // What does not fit into the connection stays in the session, where it may still change.
  if (connected_ && client_.WantsMore()) client_.Send(session_.TakeOutgoing());
}

AggregatorLink::TimePoint AggregatorLink::NextDeadline() const {
  if (!connected_) return next_connect_;
  const auto next = session_.NextOutgoingMilliseconds();
  if (!next || !client_.WantsMore()) return TimePoint::max();
  const int64_t left = std::max<int64_t>(*next - clock_.MonotonicMilliseconds(), 0);
  return steady_clock::now() + milliseconds(left);
}

bool AggregatorLink::IsReporting() const {
  return connected_ && was_taken_ && session_.UnacknowledgedMilliseconds() < kPatienceMilliseconds;
}

void AggregatorLink::Connect() {
  client_.Open();
  connected_ = true;
  was_taken_ = false;
  session_.OnConnected();
}

void AggregatorLink::HandleMessage(const v1::AggregatorMessage& message) {
  if (message.has_welcome()) spdlog::info("reporting to {}", address_);
  session_.OnMessage(message);
  // A welcome proves little: the first report may end the stream again. What counts is that
  // something was taken, or that there is nothing to say.
  if (!message.has_acknowledgement() && !session_.UpToDate()) return;
  backoff_.Reset();
  last_problem_.clear();
  logged_problems_.clear();
  was_taken_ = true;
}

void AggregatorLink::HandleClosed(const absl::Status& status) {
  session_.OnDisconnected();
  connected_ = false;
  next_connect_ = steady_clock::now() + milliseconds(backoff_.NextDelayMilliseconds());
  std::string problem(status.message());
  if (status.ok()) problem = "the aggregator ended it";
  if (absl::IsUnimplemented(status)) {
    problem = "it takes no reports: is this the aggregator's ingest address?";
  }
  // One that lasts is logged once; several that take turns, once a minute each.
  std::string kind = WithoutNumbers(problem);
  const bool is_new = kind != last_problem_;
  last_problem_ = kind;
  const TimePoint now = steady_clock::now();
  std::erase_if(logged_problems_, [&](const auto& one) { return now - one.second >= kLogAgain; });
  if (!is_new || !logged_problems_.try_emplace(std::move(kind), now).second) return;
  spdlog::warn("no connection to {}: {}; trying again", address_, problem);
}

}  // namespace fleetqshape
