// What happens in the queue of one simulated relay.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_SIMULATED_RELAY_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_SIMULATED_RELAY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "fleetqshape/v1/relay.pb.h"
#include "simulator/traffic/destinations.h"
#include "simulator/traffic/domains.h"
#include "simulator/traffic/fleet_plan.h"
#include "simulator/traffic/random.h"
#include "simulator/traffic/simulated_queue.h"

namespace fleetqshape {

// Postfix's defaults (postconf(5)), in seconds and messages.
struct QueueSettings {
  int64_t minimal_backoff_seconds = 300;
  int64_t maximal_backoff_seconds = 4000;
  int64_t queue_run_delay_seconds = 300;
  int64_t maximal_queue_lifetime_seconds = 432'000;  // bounces live as long
  uint64_t active_limit = 20'000;
};
v1::PostfixSettings SettingsMessage(const QueueSettings& settings);

// Mail comes in by Poisson's law, in bursts at times, goes to active as long as there is room, and
// is delivered or deferred, by its destinations. What is deferred waits for as long as it is old,
// within bounds, and is tried again when the queue is run. What is too old, or for nobody, is
// returned to its sender as a new message from MAILER-DAEMON. What Postfix does and this does not:
// deferred mail that finds no room in active waits for the next run.
//
// The same for the same plan, the same times and the same calls. Not safe for use by several
// threads.
class SimulatedRelay {
 public:
  // What relays share. All of it outlives them.
  struct World {
    const Domains* domains = nullptr;
    const Destinations* destinations = nullptr;
    QueueSettings settings;
  };

  SimulatedRelay(const World& world, const RelayPlan& plan, SimulatedQueue::CellObserver observer);

  // The messages that are there at the start; `now` is in seconds since the Unix epoch. What is
  // deferred goes to domains of `out` (Destinations::DrawOut), which is not empty.
  void Fill(int64_t now, const std::vector<DomainId>& out);
  // Lets happen what happens up to this second.
  void AdvanceTo(int64_t now);

  const SimulatedQueue& queue() const { return queue_; }
  // Gives new ids to names if that is worth it: true if it did.
  bool RenewNamesIfWorthwhile();

 private:
  // When something happens to a message that is in incoming or active.
  using Event = std::pair<int64_t, uint32_t>;  // seconds, index

  void Step(int64_t now);
  void Arrivals(int64_t now);
  NewMessage DrawMessage(int64_t arrival);
  void DrawRecipients(NewMessage* message);
  NewMessage DrawAttack(int64_t arrival);
  // A message comes in, after its moment in `queue`.
  void Enter(Queue queue, const NewMessage& message, int64_t now);
  // It goes to active, or waits in incoming for room there.
  void Admit(uint32_t index, int64_t now);
  void Activate(uint32_t index, int64_t now);
  void FinishAttempt(uint32_t index, int64_t now);
  void Return(uint32_t index, int64_t now);
  void RunQueue(int64_t now);
  void FillOne(int64_t now, const std::vector<DomainId>& out);
  int64_t BackoffSeconds(int64_t age) const;
  bool IsActiveFull() const {
    return queue_.message_count(Queue::kActive) >= world_.settings.active_limit;
  }

  static constexpr size_t kOwnDomains = 5;

  const World world_;
  const RelayPlan plan_;
  Random random_;
  std::array<DomainId, kOwnDomains> own_domains_{};
  int64_t now_ = 0;
  SimulatedQueue queue_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::deque<uint32_t> waiting_;  // in incoming, for room in active
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_SIMULATED_RELAY_H_
