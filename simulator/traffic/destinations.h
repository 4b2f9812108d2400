// How destinations treat mail, and when.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_DESTINATIONS_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_DESTINATIONS_H_

#include <cstdint>
#include <vector>

#include "simulator/traffic/domains.h"
#include "simulator/traffic/random.h"

namespace fleetqshape {

// The same for all relays, without a memory: what a domain does in an hour follows from the seed.
// Immutable.
class Destinations {
 public:
  struct Options {
    uint64_t seed = 1;
    // Shares, from 0 to 1.
    double dead = 0.03;         // domains that take no mail and never say no
    double forged_dead = 0.8;   // the same of forged ones
    double outages = 0.02;      // of a domain's time in which it takes no mail
    double greylisting = 0.15;  // domains that defer each message once
  };

  explicit Destinations(const Options& options) : options_(options) {}

  // Deliveries fail at this time (seconds since the Unix epoch), slowly: by a time-out.
  bool IsOut(DomainId domain, int64_t seconds) const;
  // The first attempt of each message is deferred.
  bool Greylists(DomainId domain) const;

  // `count` draws of `domains` that are out at this time. If hardly any is, of all.
  std::vector<DomainId> DrawOut(const Domains& domains, int64_t seconds, uint32_t count,
                                Random* random) const;

 private:
  const Options options_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_DESTINATIONS_H_
