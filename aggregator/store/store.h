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

// A relay's number in one store. Given by the aggregator, never used again for another relay.
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

// A report as it is written.
struct RelayWrite {
  RelayId relay = 0;
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

  // Writes all of it or nothing, and returns when it is safe on the disk. After an error nothing
  // of it is part of the store (RESOURCE_EXHAUSTED: the disk is full; UNAVAILABLE: other trouble).
  virtual absl::Status Apply(const std::vector<RelayWrite>& writes) = 0;

  // Calls `visit` for each relay, by rising id. `problem` is OK, or says what of this relay could
  // not be read: then only its id, and the record if that could be read, is filled in.
  virtual absl::Status Load(
      absl::FunctionRef<void(LoadedRelay relay, absl::Status problem)> visit) = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_STORE_STORE_H_
