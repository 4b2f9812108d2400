#include "simulator/traffic/fleet_plan.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "simulator/traffic/random.h"

namespace fleetqshape {
namespace {

constexpr uint32_t kSites = 12;
constexpr uint32_t kProtocolVersion = 1;

// A few large relays among many small ones: from 0.4 to 4.4.
double WeightOf(Random* random) {
  const double fraction = random->Fraction();
  return 0.4 + 4 * fraction * fraction * fraction;
}

}  // namespace

std::vector<RelayPlan> PlanFleet(const FleetOptions& options) {
  std::vector<RelayPlan> plans(options.relays);
  std::vector<double> weights(options.relays);
  for (uint32_t i = 0; i < options.relays; ++i) {
    const uint32_t number = options.first_relay + i;
    RelayPlan& plan = plans[i];
    plan.seed = Scramble(options.seed, number);
    Random random(plan.seed);
    plan.role = random.Chance(options.gateways) ? Role::kGateway : Role::kSpamRelay;
    plan.cluster = absl::StrCat("sim", 1 + number % options.clusters);
    plan.site = absl::StrCat("site", 1 + random.Below(kSites));
    plan.host = absl::StrCat(plan.role == Role::kGateway ? "gw" : "out", number);
    plan.instance = "postfix";
    weights[i] = WeightOf(&random);
  }
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  uint64_t given = 0;
  for (uint32_t i = 0; i < options.relays; ++i) {
    sum += weights[i];
    const bool is_last = i + 1 == options.relays;
    const auto up_to_here =
        static_cast<uint64_t>(static_cast<double>(options.messages) * sum / all);
    const uint64_t until = is_last ? options.messages : up_to_here;
    plans[i].messages = static_cast<uint32_t>(until - given);
    plans[i].rate = options.rate * weights[i] / all;
    given = until;
  }
  return plans;
}

v1::Hello HelloOf(const RelayPlan& plan) {
  v1::Hello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_cluster(plan.cluster);
  hello.set_host(plan.host);
  hello.set_instance(plan.instance);
  const auto add = [&](const char* key, const std::string& value) {
    v1::Label* label = hello.add_labels();
    label->set_key(key);
    label->set_value(value);
  };
  // By key, as an aggregator keeps them.
  add("role", plan.role == Role::kGateway ? "gateway" : "spam-relay");
  add("site", plan.site);
  hello.set_agent_version(FLEETQSHAPE_VERSION);
  return hello;
}

}  // namespace fleetqshape
