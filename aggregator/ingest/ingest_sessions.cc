#include "aggregator/ingest/ingest_sessions.h"

#include <algorithm>
#include <vector>

#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

constexpr int64_t kLogAgainMilliseconds = 60'000;
// More different troubles than anybody reads.
constexpr size_t kMaxLogged = 1000;

}  // namespace

IngestSessions::IngestSessions(IngestEngine* engine, const Clock* clock, const IngestLimits& limits)
    : engine_(*engine),
      clock_(*clock),
      limits_(limits),
      held_(std::max(limits.held_bytes, limits.report_bytes)) {}

absl::StatusOr<std::shared_ptr<IngestSession>> IngestSessions::Open(
    std::string peer, std::shared_ptr<IngestSession::Transport> transport) {
  MutexLock lock(mutex_);
  if (sessions_.size() >= limits_.streams) {
    sessions_.remove_if([](const auto& session) { return session.expired(); });
  }
  if (sessions_.size() >= limits_.streams) {
    return absl::ResourceExhaustedError("the aggregator has too many agents; try again");
  }
  auto session = std::make_shared<IngestSession>(
      &engine_, &held_, &clock_, limits_,
      [this](const std::string& who, const absl::Status& status) { LogEnd(who, status); },
      std::move(peer), std::move(transport));
  sessions_.push_back(session);
  return session;
}

void IngestSessions::LogEnd(const std::string& who, const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    ++ended_;
    const int64_t now = clock_.MonotonicMilliseconds();
    std::erase_if(logged_,
                  [&](const auto& one) { return now - one.second >= kLogAgainMilliseconds; });
    if (logged_.size() >= kMaxLogged || !logged_.try_emplace({who, status.code()}, now).second) {
      return;
    }
  }
  spdlog::warn("{}: {}", who, std::string(status.message()));
}

void IngestSessions::CheckDeadlines() {
  std::vector<std::shared_ptr<IngestSession>> sessions;
  {
    MutexLock lock(mutex_);
    sessions_.remove_if([&](const auto& session) {
      auto alive = session.lock();
      if (alive) sessions.push_back(std::move(alive));
      return session.expired();
    });
  }
  for (const auto& session : sessions) session->CheckDeadline();
}

IngestSessions::Counters IngestSessions::counters() const {
  Counters counters;
  counters.held_bytes = held_.held();
  counters.waiting = held_.waiting();
  MutexLock lock(mutex_);
  for (const auto& session : sessions_) counters.open += session.expired() ? 0 : 1;
  counters.ended = ended_;
  return counters;
}

}  // namespace fleetqshape
