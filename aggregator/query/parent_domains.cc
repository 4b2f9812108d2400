#include "aggregator/query/parent_domains.h"

#include <algorithm>

#include "common/shape/address.h"

namespace fleetqshape {

ParentDomains::ParentDomains(const NameTotals& totals, const FleetNames& names)
    : totals_(totals),
      names_(names),
      fleet_ids_(totals[0].size()),
      is_node_(fleet_ids_, 0),
      parents_(fleet_ids_, kNone),
      subdomains_(fleet_ids_, 0) {
  std::vector<uint32_t> mail_names;
  std::vector<uint32_t> deep;
  for (uint32_t id = 0; id < fleet_ids_; ++id) {
    if (!IsMailName(id)) continue;
    is_node_[id] = 1;
    mail_names.push_back(id);
  }
  for (const uint32_t id : mail_names) {
    if (names_.parent(id) == FleetNames::kUnknownParent) {
      deep.push_back(id);
    } else {
      AddKnownChain(id);
    }
  }
  for (const uint32_t id : deep) AddDeepChain(id);
  AddSums();
}

bool ParentDomains::IsMailName(uint32_t node) const {
  return node < fleet_ids_ && std::any_of(totals_.begin(), totals_.end(),
                                          [node](const auto& group) { return group[node] > 0; });
}

void ParentDomains::SetParent(uint32_t node, uint32_t parent) {
  parents_[node] = parent;
  ++subdomains_[parent];
  is_node_[parent] = 1;
}

void ParentDomains::AddKnownChain(uint32_t node) {
  // A node that has its parent has all of its chain.
  while (parents_[node] == kNone) {
    const uint32_t parent = names_.parent(node);
    // A parent that is deep itself is a name of the mail's: its turn comes.
    if (parent == FleetNames::kNoParent || parent == FleetNames::kUnknownParent) return;
    SetParent(node, parent);
    node = parent;
  }
}

void ParentDomains::AddDeepChain(uint32_t node) {
  const uint32_t ancestor = names_.ancestor(node);
  const std::string_view ancestor_name = names_.name(ancestor);
  std::string name(names_.name(node));
  while (parents_[node] == kNone) {
    name = ParentDomain(name);
    if (name == ancestor_name) {
      SetParent(node, ancestor);
      AddKnownChain(ancestor);
      return;
    }
    const uint32_t parent = NodeOf(name);
    SetParent(node, parent);
    node = parent;
  }
}

uint32_t ParentDomains::NodeOf(const std::string& parent) {
  // An id counts only if it is known to be that name's for as long as the question lives.
  const auto found = names_.Find(parent);
  if (found && IsMailName(*found)) return *found;
  const auto [entry, is_new] =
      extra_nodes_.try_emplace(parent, static_cast<uint32_t>(parents_.size()));
  if (is_new) {
    extra_names_.push_back(parent);
    is_node_.push_back(0);
    parents_.push_back(kNone);
    subdomains_.push_back(0);
  }
  return entry->second;
}

void ParentDomains::AddSums() {
  sums_ = NameTotals(totals_);
  for (size_t group = 0; group < sums_.size(); ++group) {
    PagedColumn<uint64_t>& sums = sums_[group];
    sums.Resize(parents_.size());
    for (uint32_t id = 0; id < fleet_ids_; ++id) {
      const uint64_t own = totals_[group][id];
      if (own == 0) continue;
      for (uint32_t node = parents_[id]; node != kNone; node = parents_[node]) sums.At(node) += own;
    }
  }
}

}  // namespace fleetqshape
