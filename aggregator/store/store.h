// What an aggregator remembers of its relays.
#ifndef FLEETQSHAPE_AGGREGATOR_STORE_STORE_H_
#define FLEETQSHAPE_AGGREGATOR_STORE_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"
#include "fleetqshape/v1/store.pb.h"

namespace fleetqshape {

// A relay's number in one store. Given by the aggregator, and no other relay's as long as the store
// has anything of this one.
using RelayId = uint32_t;

// What a report does to one section of a relay.
struct SectionWrite {
  enum class Kind {
    kMerge,    // `value` is a delta on what is stored
    kReplace,  // `value` is the whole state
    kErase,
  };
  Queue queue;
  Axis axis;
  Kind kind;
  std::string value;  // a serialised v1::Section
};

// A report as it is written, or the end of a relay.
struct RelayWrite {
  RelayId relay = 0;
  // All that is stored of the relay goes. The other members don't matter.
  bool forget = false;
  v1::StoredRelay record;
  // A snapshot: all names stored before go.
  bool forget_names = false;
  uint32_t first_name_id = 0;
  v1::StoredNames names;
  std::vector<SectionWrite> sections;
};

// A relay as it is stored.
struct StoredSection {
  Queue queue;
  Axis axis;
  Block block;
};
struct LoadedRelay {
  RelayId relay = 0;
  v1::StoredRelay record;
  std::vector<std::string> names;  // by id
  std::vector<StoredSection> sections;
};

// Safe for use by several threads.
class Store {
 public:
  virtual ~Store() = default;

  // Writes all of it or nothing, and returns when it is safe on the disk. After an error
  // (RESOURCE_EXHAUSTED: the disk is full; UNAVAILABLE: other trouble) it is not known which of the
  // two was done, and each further Apply fails at once, until Recover has succeeded.
  virtual absl::Status Apply(const std::vector<RelayWrite>& writes) = 0;

  // Makes the store usable after an error of Apply. OK if it is usable: then Load tells what it
  // holds, which is all that Apply ever wrote and said so, and maybe the batch that failed. Reads
  // the log anew, so that it is not for every moment of a long trouble.
  virtual absl::Status Recover() = 0;

  // Calls `visit` for each relay that is `wanted` by its record, by rising id. `problem` is OK, or
  // says what of this relay could not be read: then only its id, and the record if that could be
  // read, is filled in. A relay whose record can't be read is always visited. An error says nothing
  // of the relays that were visited before it. `visit` must not use the store.
  using Wanted = absl::FunctionRef<bool(RelayId relay, const v1::StoredRelay& record)>;
  using Visit = absl::FunctionRef<void(LoadedRelay relay, absl::Status problem)>;
  virtual absl::Status Load(Wanted wanted, Visit visit) = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_STORE_H_
