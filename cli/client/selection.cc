#include "cli/client/selection.h"

#include <string>

namespace fleetqshape {

v1::Selection SelectionOf(const CliOptions& options) {
  v1::Selection selection;
  for (const std::string& cluster : options.clusters) selection.add_clusters(cluster);
  for (const std::string& host : options.hosts) selection.add_hosts(host);
  for (const std::string& role : options.roles) selection.add_roles(role);
  for (const LabelMatch& wanted : options.matches) {
    v1::Match* match = selection.add_matches();
    match->set_key(wanted.key);
    for (const std::string& value : wanted.values) match->add_values(value);
    match->set_negated(wanted.negated);
  }
  return selection;
}

}  // namespace fleetqshape
