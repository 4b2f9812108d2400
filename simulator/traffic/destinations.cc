#include "simulator/traffic/destinations.h"

namespace fleetqshape {
namespace {

constexpr int64_t kOutageSeconds = 3600;

// The most used domains have outages, but they are never gone for days.
constexpr DomainId kNeverDead = 20;

// What a domain's random numbers are for.
enum Purpose : uint64_t { kDead = 1, kPhase, kOutage, kGreylisting };

}  // namespace

bool Destinations::IsOut(DomainId domain, int64_t seconds) const {
  if (domain == kMailerDaemon) return false;
  const double dead = domain >= kFirstForged ? options_.forged_dead : options_.dead;
  if (domain > kNeverDead && FractionOf(Scramble(options_.seed, domain, kDead)) < dead) return true;
  // Outages don't begin on the hour for all.
  const auto phase = static_cast<int64_t>(Scramble(options_.seed, domain, kPhase) % kOutageSeconds);
  const auto period = static_cast<uint64_t>((seconds + phase) / kOutageSeconds);
  const uint64_t of_domain = Scramble(options_.seed, domain, kOutage);
  return FractionOf(Scramble(of_domain, period)) < options_.outages;
}

bool Destinations::Greylists(DomainId domain) const {
  return FractionOf(Scramble(options_.seed, domain, kGreylisting)) < options_.greylisting;
}

std::vector<DomainId> Destinations::DrawOut(const Domains& domains, int64_t seconds, uint32_t count,
                                            Random* random) const {
  constexpr int kMostTries = 200;
  std::vector<DomainId> drawn;
  drawn.reserve(count);
  bool hardly_any = false;
  while (drawn.size() < count) {
    DomainId domain = domains.Draw(random);
    for (int i = 0; i < kMostTries && !hardly_any && !IsOut(domain, seconds); ++i) {
      domain = domains.Draw(random);
      hardly_any = i + 1 == kMostTries;
    }
    drawn.push_back(domain);
  }
  return drawn;
}

}  // namespace fleetqshape
