// Which relays a question is about.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_SELECTION_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_SELECTION_H_

#include <optional>
#include <string>
#include <vector>

#include "aggregator/ingest/fleet.h"

namespace fleetqshape {

// A condition on what a relay has under a key: cluster, host, instance or a label's key.
struct Match {
  std::string key;
  // Any of these; none given: any value at all.
  std::vector<std::string> values;
  // The other way round: none of the values, or no label at all.
  bool negated = false;
};

// A relay is selected if each part that is given selects it. Nothing given selects all.
struct Selection {
  std::vector<std::string> clusters;  // any of these
  std::vector<std::string> hosts;     // any of these
  std::vector<std::string> roles;     // any of these values of the label "role"
  std::vector<Match> matches;         // all of these

  bool empty() const {
    return clusters.empty() && hosts.empty() && roles.empty() && matches.empty();
  }
};

// The relay's value under a key, if it has one.
std::optional<std::string> ValueOf(const RelayDescription& relay, const std::string& key);

bool Selects(const Selection& selection, const RelayDescription& relay);

// "no relay has a label KEY", with the nearest key where one is like it, and those that there are.
std::string ExplainNoKey(const std::string& key, const std::vector<RelayView>& relays);

// "no relay has KEY VALUE", with the nearest value likewise; or that no relay has the key at all.
std::string ExplainNoValue(const std::string& key, const std::string& value,
                           const std::vector<RelayView>& relays);

// For when a selection finds nothing: what of it no relay has, and what there is instead.
std::string ExplainNoMatch(const Selection& selection, const std::vector<RelayView>& relays);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_SELECTION_H_
