// Whether what is stored of a relay fits together.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_RELAY_CHECK_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_RELAY_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// DATA_LOSS if there are not as many names as the record says, a section has a name that is not
// there, or the digest is not the record's.
absl::Status CheckRelay(const LoadedRelay& loaded);

// What a relay whose stored state was lost is kept as: who it is, and that nothing was reported.
v1::StoredRelay RecordOfLostRelay(const v1::StoredRelay& record);
// Whether the record is one of these. A report's has an epoch.
bool IsLostRelay(const v1::StoredRelay& record);

// cluster/host/instance, made fit to be shown, or the number if the record does not say.
std::string RelayText(RelayId relay, const v1::StoredRelay& record);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_RELAY_CHECK_H_
