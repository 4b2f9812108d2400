// Which relays a question is about.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_SELECTION_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_SELECTION_H_

#include <string>
#include <utility>
#include <vector>

#include "aggregator/ingest/fleet.h"

namespace fleetqshape {

// A relay is selected if each part that is given selects it. Nothing given selects all.
struct Selection {
  std::vector<std::string> clusters;  // any of these
  std::vector<std::string> hosts;     // any of these
  std::vector<std::string> roles;     // any of these values of the label "role"
  // All of these; the key is cluster, host, instance or a label's name.
  std::vector<std::pair<std::string, std::string>> matches;

  bool empty() const {
    return clusters.empty() && hosts.empty() && roles.empty() && matches.empty();
  }
};

bool Selects(const Selection& selection, const RelayDescription& relay);

// For when a selection finds nothing: what of it no relay has, and what there is instead.
std::string ExplainNoMatch(const Selection& selection, const std::vector<RelayView>& relays);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_SELECTION_H_
