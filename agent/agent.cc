#include "agent/agent.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often Postfix's configuration is looked at (stat only), and the service manager told.
constexpr milliseconds kRound(1000);
// After trouble with finding the instances.
constexpr milliseconds kTryAgain(60'000);

}  // namespace

Agent::Relay::Relay(const AgentOptions& agent_options, const RelayOptions& relay_options,
                    const Clock* clock, Random random)
    : options(relay_options),
      agent(agent_options, relay_options, clock, std::move(random)),
      thread([this] { agent.Run(); }) {}

Agent::Relay::~Relay() {
  agent.Stop();
  thread.join();
}

Agent::Agent(const AgentOptions& options, const Clock* clock, std::function<Random()> make_random)
    : options_(options), clock_(*clock), make_random_(std::move(make_random)), finder_(options) {}

void Agent::Stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  condition_.NotifyOne();
}

bool Agent::WaitForStop(milliseconds time) {
  const auto deadline = steady_clock::now() + time;
  MutexLock lock(mutex_);
  while (!stopping_ && steady_clock::now() < deadline) condition_.WaitUntil(mutex_, deadline);
  return stopping_;
}

absl::Status Agent::Run() {
  FQS_RETURN_IF_ERROR(FindRelays());
  steady_clock::time_point try_again = steady_clock::time_point::max();
  do {
    if (finder_.Changed() || steady_clock::now() >= try_again) {
      const absl::Status found = FindRelays();
      if (!found.ok()) {
        spdlog::error("{}; the relays stay as they were", std::string(found.message()));
      }
      const bool whole = found.ok() && finder_.problems().empty();
      try_again = whole ? steady_clock::time_point::max() : steady_clock::now() + kTryAgain;
    }
    TellServiceManager();
  } while (!WaitForStop(kRound));
  service_manager_.Stopping();
  relays_.clear();
  return absl::OkStatus();
}

absl::Status Agent::FindRelays() {
  FQS_ASSIGN_OR_RETURN(std::vector<RelayOptions> relays, finder_.Find());
  LogProblems();
  KeepRelays(std::move(relays));
  return absl::OkStatus();
}

void Agent::LogProblems() {
  for (const std::string& problem : finder_.problems()) {
    const auto& logged = logged_problems_;
    if (std::find(logged.begin(), logged.end(), problem) == logged.end())
      spdlog::warn("{}", problem);
  }
  logged_problems_ = finder_.problems();
}

void Agent::KeepRelays(std::vector<RelayOptions> wanted) {
  std::erase_if(relays_, [&](const std::unique_ptr<Relay>& relay) {
    const auto same = std::find_if(wanted.begin(), wanted.end(), [&](const RelayOptions& one) {
      return one.instance == relay->options.instance &&
             one.queue_directory == relay->options.queue_directory;
    });
    if (same == wanted.end()) {
      // Its main.cf may only be broken for the moment, and the mail is still there.
      if (!finder_.problems().empty()) return false;
      spdlog::info("instance {} is gone", relay->options.instance);
      return true;
    }
    if (same->settings && same->settings != relay->options.settings) {
      relay->agent.SetSettings(*same->settings);
      relay->options = *same;
    }
    wanted.erase(same);
    return false;
  });
  for (const RelayOptions& relay : wanted) {
    relays_.push_back(std::make_unique<Relay>(options_, relay, &clock_, make_random_()));
  }
}

std::string Agent::StatusText(const std::vector<RelayHealth>& relays) const {
  uint64_t messages = 0;
  size_t complete = 0;
  // An aggregator counts if it takes the reports of all instances.
  std::vector<bool> reporting(options_.aggregators.size(), true);
  for (const RelayHealth& health : relays) {
    messages += health.messages;
    complete += health.complete ? 1 : 0;
    for (size_t i = 0; i < reporting.size(); ++i)
      reporting[i] = reporting[i] && health.reporting[i];
  }
  return absl::StrCat(messages, " messages in ", relays.size(), " instances; ", complete,
                      " seen whole; reporting to ",
                      std::count(reporting.begin(), reporting.end(), true), " of ",
                      reporting.size(), " aggregators");
}

void Agent::TellServiceManager() {
  bool looked = true;
  steady_clock::time_point alive = steady_clock::now();
  std::vector<RelayHealth> health;
  for (const auto& relay : relays_) {
    health.push_back(relay->agent.health());
    looked &= health.back().looked;
    alive = std::min(alive, relay->agent.last_alive());
  }
  const std::string status = StatusText(health);
  // Ready: each queue was looked at. Whether it could be read, the status and the log tell.
  if (looked && !told_ready_) {
    service_manager_.Ready(status);
    told_ready_ = true;
  } else if (status != told_status_) {
    service_manager_.Status(status);
  }
  told_status_ = status;
  const auto limit = service_manager_.WatchdogInterval();
  if (limit && steady_clock::now() - alive < *limit / 2) service_manager_.Watchdog();
}

}  // namespace fleetqshape
