// A relay's state as JSON.
#ifndef FLEETQSHAPE_AGENT_INSPECT_STATE_JSON_H_
#define FLEETQSHAPE_AGENT_INSPECT_STATE_JSON_H_

#include "agent/options.h"
#include "agent/watch/queue_model.h"
#include "nlohmann/json_fwd.hpp"

namespace fleetqshape {

// What an agent would report of the relay. Names are escaped as everywhere (PrintableName): they
// come from the mail.
nlohmann::ordered_json StateJson(const AgentOptions& options, const RelayOptions& relay,
                                 const QueueModel& model);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_INSPECT_STATE_JSON_H_
