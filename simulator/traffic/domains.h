// The domains that simulated mail goes to and comes from.
#ifndef FLEETQSHAPE_SIMULATOR_TRAFFIC_DOMAINS_H_
#define FLEETQSHAPE_SIMULATOR_TRAFFIC_DOMAINS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/random/zipf_distribution.h"
#include "simulator/traffic/random.h"

namespace fleetqshape {

// A domain's number: 0 is MAILER-DAEMON, the null sender; the others up to Domains::count() are the
// world's, the most used one first; from kFirstForged on each number is a name that nobody has.
using DomainId = uint32_t;
inline constexpr DomainId kMailerDaemon = 0;
inline constexpr DomainId kFirstForged = 0x80000000;

// Names are the same for the same options, and all different. Immutable, but Draw uses the random
// source that it is given.
class Domains {
 public:
  struct Options {
    uint32_t count = 10'000;  // from 1 to 100 million
    // Puts names among them that test whoever shows them: control characters, other scripts, no
    // dot, too long.
    bool odd_names = false;
    // Who forges a name takes one of the world's: there are no others.
    bool no_forged = false;
  };

  explicit Domains(const Options& options);

  uint32_t count() const { return static_cast<uint32_t>(hashes_.size() - 1); }
  // As a row of a table has it. Valid as long as *scratch is not changed.
  std::string_view Name(DomainId id, std::string* scratch) const;
  // NameHash of the name.
  uint64_t Hash(DomainId id) const;

  // One of the world's, by Zipf's law.
  DomainId Draw(Random* random) const;
  // For a sender who lies.
  DomainId DrawForged(Random* random) const {
    return no_forged_ ? Draw(random) : kFirstForged + random->Below(kFirstForged);
  }

 private:
  const bool no_forged_;
  std::string text_;            // all names, one after the other
  std::vector<uint32_t> ends_;  // in text_, by id
  std::vector<uint64_t> hashes_;
  absl::zipf_distribution<uint32_t> zipf_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_TRAFFIC_DOMAINS_H_
