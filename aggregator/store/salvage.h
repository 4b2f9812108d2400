// What can be read of a database that can't be opened.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_SALVAGE_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_SALVAGE_H_

#include <map>
#include <string>

#include "aggregator/store/database.h"
#include "aggregator/store/store.h"

namespace fleetqshape {

// The records of relays in the table files of a database's directory, the latest of each that can
// be read. Nothing tells whether a relay was forgotten later, nor which of the other files belong
// together: good for knowing who the relays were, not for what they had. (RocksDB's RepairDB makes
// a database of all of it, in which parts are missing or count twice; and Debian's 7.8 ends the
// program when the disk fails meanwhile.)
std::map<RelayId, v1::StoredRelay> SalvageRecords(const std::string& path,
                                                  const DatabaseOptions& options);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_SALVAGE_H_
