// What is sound in a damaged database, in a new one.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_REBUILD_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_REBUILD_H_

#include <map>
#include <set>

#include "absl/status/status.h"
#include "aggregator/store/database.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// Says in `to`, synced, that it is complete and what format it has.
absl::Status WriteFormat(Database* to);

// Writes who these relays are (RecordOfLostRelay), and logs each; then WriteFormat.
absl::Status WriteLostRelays(const std::map<RelayId, v1::StoredRelay>& records, Database* to);

// Copies each relay that is sound, and of the others who they are (RecordOfLostRelay); then
// WriteFormat. Logs each of the others but those in `told`, and how many they are. An error leaves
// `to` incomplete: of writing to it, or of reading what is not damaged.
absl::Status CopyWhatIsSound(Database* from, Database* to, const std::set<RelayId>& told);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_REBUILD_H_
