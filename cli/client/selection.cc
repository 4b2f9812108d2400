#include "cli/client/selection.h"

#include <string>

namespace fleetqshape {

v1::Selection SelectionOf(const CliOptions& options) {
  v1::Selection selection;
  for (const std::string& cluster : options.clusters) selection.add_clusters(cluster);
  for (const std::string& host : options.hosts) selection.add_hosts(host);
  for (const std::string& role : options.roles) selection.add_roles(role);
  for (const auto& [key, value] : options.matches) {
    v1::Match* match = selection.add_matches();
    match->set_key(key);
    match->add_values(value);
  }
  return selection;
}

}  // namespace fleetqshape
