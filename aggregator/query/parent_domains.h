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
#include "aggregator/query/paged_column.h"
#include "aggregator/query/parallel.h"

namespace fleetqshape {

// Nodes are the names that have arrivals, and their parents. A node's id is its fleet id; a parent
// that the fleet's names have none for gets one behind them.
class ParentDomains {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  // `totals` and `names` outlive it. Each name in `totals` is held by somebody. Is not whole if the
  // question is cancelled.
  ParentDomains(const NameTotals& totals, const FleetNames& names, const Crew& crew);

  size_t size() const { return parents_.size(); }  // one more than the largest id
  bool is_node(uint32_t node) const { return kinds_[node] != Kind::kNoNode; }
  std::string_view name(uint32_t node) const {
    return node < fleet_ids_ ? names_.name(node) : extra_names_[node - fleet_ids_];
  }
  uint32_t parent(uint32_t node) const { return parents_[node]; }  // or kNone
  // How many nodes have this one as their parent.
  uint32_t subdomains(uint32_t node) const { return subdomains_[node]; }
  // By nodes: the arrivals of all names below, and the node's own.
  const NameTotals& sums() const { return sums_; }

 private:
  enum class Kind : uint8_t { kNoNode, kMailName, kParentOnly };

  // Names that have arrivals, of their own.
  bool IsMailName(uint32_t node) const {
    return node < fleet_ids_ && kinds_[node] == Kind::kMailName;
  }
  // Finds those of a page, and what FleetNames says of their parents.
  void FindMailNames(size_t page);
  // Makes nodes of the mail names' parents.
  void AddParents();
  // Makes it the parent of `node`, and a node itself.
  void SetParent(uint32_t node, uint32_t parent);
  void AddKnownChain(uint32_t node);
  // Of a name that has ancestors of which FleetNames knows nothing.
  void AddDeepChain(uint32_t node);
  uint32_t NodeOf(const std::string& parent);
  // Nodes that have subdomains, deepest first.
  std::vector<uint32_t> InnerNodes() const;
  // Adds what is below each node.
  void AddSums(const std::vector<uint32_t>& inner_nodes, PagedColumn<uint64_t>* sums) const;

  const NameTotals& totals_;
  const FleetNames& names_;
  const size_t fleet_ids_;
  std::vector<Kind> kinds_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> subdomains_;
  NameTotals sums_;
  std::vector<std::string> extra_names_;
  absl::flat_hash_map<std::string, uint32_t> extra_nodes_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_PARENT_DOMAINS_H_
