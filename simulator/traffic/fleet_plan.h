// Which relays a simulated fleet has.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_FLEET_PLAN_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_FLEET_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

struct FleetOptions {
  uint64_t seed = 1;
  // Relays first_relay, first_relay + 1 and so on. What relay number 7 is called does not depend on
  // the others, so that several processes can share a fleet.
  uint32_t relays = 100;
  uint32_t first_relay = 0;
  uint32_t clusters = 4;  // above 0
  // Share of relays, from 0 to 1, that take mail in; the others send it out.
  double gateways = 0.5;
  // Of all these relays together: messages at the start, and how many more come in a second.
  uint64_t messages = 100'000;
  double rate = 100;
};

enum class Role {
  kGateway,    // from the world to a few domains of its own, and attacked
  kSpamRelay,  // from anybody to the world
};

struct RelayPlan {
  uint64_t seed = 0;  // of what happens there
  std::string cluster = {};
  std::string host = {};
  std::string instance = {};
  std::string site = {};
  Role role = Role::kGateway;
  uint32_t messages = 0;  // at the start
  double rate = 0;        // messages a second that come in
};

// The relays of a fleet, some larger than others. Their messages add up.
std::vector<RelayPlan> PlanFleet(const FleetOptions& options);

// What the relay's agent says first.
v1::Hello HelloOf(const RelayPlan& plan);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_FLEET_PLAN_H_
