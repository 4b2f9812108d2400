// Parent domains of the names of a question (qshape's -p).
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_PARENT_DOMAINS_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_PARENT_DOMAINS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "aggregator/ingest/fleet_names.h"
#include "aggregator/query/name_totals.h"

namespace fleetqshape {

// Nodes are the names that have arrivals, and their parents. A node's id is its fleet id; a parent
// that the fleet's names have none for gets one behind them.
class ParentDomains {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  // Both outlive it. Each name in `totals` is held by somebody.
  ParentDomains(const NameTotals& totals, const FleetNames& names);

  size_t size() const { return parents_.size(); }  // one more than the largest id
  bool is_node(uint32_t node) const { return is_node_[node] != 0; }
  std::string_view name(uint32_t node) const {
    return node < fleet_ids_ ? names_.name(node) : extra_names_[node - fleet_ids_];
  }
  uint32_t parent(uint32_t node) const { return parents_[node]; }  // or kNone
  // How many nodes have this one as their parent.
  uint32_t subdomains(uint32_t node) const { return subdomains_[node]; }
  // By nodes: the arrivals of all names below, and the node's own.
  const NameTotals& sums() const { return sums_; }

 private:
  // Names that have arrivals, of their own.
  bool IsMailName(uint32_t node) const;
  // Makes it the parent of `node`, and a node itself.
  void SetParent(uint32_t node, uint32_t parent);
  void AddKnownChain(uint32_t node);
  // Of a name that has ancestors of which FleetNames knows nothing.
  void AddDeepChain(uint32_t node);
  uint32_t NodeOf(const std::string& parent);
  void AddSums();

  const NameTotals& totals_;
  const FleetNames& names_;
  const size_t fleet_ids_;
  std::vector<char> is_node_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> subdomains_;
  NameTotals sums_;
  std::vector<std::string> extra_names_;
  absl::flat_hash_map<std::string, uint32_t> extra_nodes_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_PARENT_DOMAINS_H_
