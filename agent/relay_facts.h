// What an agent knows of its relay, as the schema has it.
#ifndef FLEETQSHAPE_AGENT_RELAY_FACTS_H_
#define FLEETQSHAPE_AGENT_RELAY_FACTS_H_

#include "agent/postfix/settings.h"
#include "agent/watch/queue_model.h"
#include "fleetqshape/v1/relay.pb.h"

namespace fleetqshape {

v1::PostfixSettings ToProto(const PostfixSettings& settings);
v1::FileCounts ToProto(const FileCounts& counts);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_RELAY_FACTS_H_
