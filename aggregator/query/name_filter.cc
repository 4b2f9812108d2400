#include "aggregator/query/name_filter.h"

#include <cstddef>

namespace fleetqshape {

NameFilter::NameFilter(const std::vector<std::string>& names) : names_(names.begin(), names.end()) {
  for (const std::string& name : names) has_parents_ = has_parents_ || name.starts_with('.');
}

bool NameFilter::Takes(std::string_view name) const {
  if (names_.contains(absl::string_view(name.data(), name.size()))) return true;
  if (!has_parents_) return false;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (names_.contains(absl::string_view(name.data() + dot, name.size() - dot))) return true;
  }
  return false;
}

std::optional<std::vector<uint32_t>> NameFilter::FindIds(const FleetNames& names) const {
  if (takes_all() || has_parents_) return std::nullopt;
  std::vector<uint32_t> ids;
  for (const std::string& name : names_) {
    if (const auto id = names.Find(name)) ids.push_back(*id);
  }
  return ids;
}

}  // namespace fleetqshape
