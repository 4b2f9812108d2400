#include "aggregator/query/parent_domains.h"

#include <algorithm>

#include "common/shape/address.h"

namespace fleetqshape {

static_assert(ParentDomains::kNone == FleetNames::kNoParent);

ParentDomains::ParentDomains(const NameTotals& totals, const FleetNames& names, const Crew& crew)
    : totals_(totals),
      names_(names),
      fleet_ids_(totals[0].size()),
      kinds_(fleet_ids_, Kind::kNoNode),
      parents_(fleet_ids_, kNone),
      subdomains_(fleet_ids_, 0),
      sums_(totals.size()) {
  crew.ForEach(totals_[0].pages(), {.at_a_time = kPagesAtATime},
               [this](size_t /*worker*/, size_t page) { FindMailNames(page); });
  AddParents();
  const std::vector<uint32_t> inner_nodes = InnerNodes();
  crew.ForEach(totals_.size(), {}, [&](size_t /*worker*/, size_t group) {
    sums_[group] = PagedColumn<uint64_t>(totals_[group]);
    sums_[group].Resize(parents_.size());
    AddSums(inner_nodes, &sums_[group]);
  });
}

void ParentDomains::FindMailNames(size_t page) {
  const size_t first = page * NameCounts::kIdsOfPage;
  const size_t count = std::min(NameCounts::kIdsOfPage, fleet_ids_ - first);
  for (const auto& group : totals_) {
    const absl::Span<const uint64_t> totals = group.page(page).subspan(0, count);
    for (size_t i = 0; i < totals.size(); ++i) {
      if (totals[i] > 0) kinds_[first + i] = Kind::kMailName;
    }
  }
  for (size_t id = first; id < first + count; ++id) {
    if (kinds_[id] == Kind::kMailName) parents_[id] = names_.parent(static_cast<uint32_t>(id));
  }
}

void ParentDomains::AddParents() {
  std::vector<uint32_t> above;  // no names of the mail's
  std::vector<uint32_t> deep;
  for (uint32_t id = 0; id < fleet_ids_; ++id) {
    if (kinds_[id] != Kind::kMailName || parents_[id] == kNone) continue;
    if (parents_[id] == FleetNames::kUnknownParent) {
      parents_[id] = kNone;
      deep.push_back(id);
      continue;
    }
    if (kinds_[parents_[id]] == Kind::kNoNode) above.push_back(parents_[id]);
    SetParent(id, parents_[id]);
  }
  for (const uint32_t id : above) AddKnownChain(id);
  for (const uint32_t id : deep) AddDeepChain(id);
}

void ParentDomains::SetParent(uint32_t node, uint32_t parent) {
  parents_[node] = parent;
  ++subdomains_[parent];
  if (kinds_[parent] == Kind::kNoNode) kinds_[parent] = Kind::kParentOnly;
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
    kinds_.push_back(Kind::kNoNode);
    parents_.push_back(kNone);
    subdomains_.push_back(0);
  }
  return entry->second;
}

std::vector<uint32_t> ParentDomains::InnerNodes() const {
  std::vector<std::vector<uint32_t>> by_depth;
  for (uint32_t node = 0; node < parents_.size(); ++node) {
    if (subdomains_[node] == 0) continue;
    size_t depth = 0;
    for (uint32_t above = parents_[node]; above != kNone; above = parents_[above]) ++depth;
    by_depth.resize(std::max(by_depth.size(), depth + 1));
    by_depth[depth].push_back(node);
  }
  std::vector<uint32_t> nodes;
  for (size_t depth = by_depth.size(); depth-- > 0;) {
    nodes.insert(nodes.end(), by_depth[depth].begin(), by_depth[depth].end());
  }
  return nodes;
}

void ParentDomains::AddSums(const std::vector<uint32_t>& inner_nodes,
                            PagedColumn<uint64_t>* sums) const {
  const auto add = [&](uint32_t node) {
    const uint64_t sum = (*sums)[node];
    if (sum > 0 && parents_[node] != kNone) sums->At(parents_[node]) += sum;
  };
  for (uint32_t node = 0; node < parents_.size(); ++node) {
    if (subdomains_[node] == 0) add(node);
  }
  for (const uint32_t node : inner_nodes) add(node);
}

}  // namespace fleetqshape
