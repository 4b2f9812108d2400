// The names that a relay has given ids to.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/types/span.h"
#include "aggregator/ingest/fleet_names.h"

namespace fleetqshape {

// The names of one epoch of a relay, as of one report: immutable, and cheap to copy. Each of them
// stays in FleetNames as long as a copy is held.
//
// The tables of an epoch share their memory: what a report adds is put behind what is there. One
// that did not become part of the relay's state leaves as the last copy of it goes. Different
// threads may hold, read and let go of tables of one epoch, while one at a time makes the next one.
// A table must go before FleetNames, unless that is held by a shared_ptr: then tables hold it, too.
// Letting go of one takes the lock of FleetNames for moments.
class RelayNames {
 public:
  // No names: an epoch begins.
  RelayNames() = default;

  // The relay's name ids, from 0, as ids in FleetNames. Good as long as the table.
  absl::Span<const uint32_t> fleet_ids() const {
    return table_ == nullptr ? absl::Span<const uint32_t>() : table_->Ids();
  }
  uint32_t operator[](size_t name_id) const { return table_->ids[name_id]; }
  size_t size() const { return table_ == nullptr ? 0 : table_->size; }
  bool empty() const { return size() == 0; }

  // The table with these names behind those of this one. `uses` as FleetNames::Intern has it.
  RelayNames With(absl::Span<const std::string_view> added, FleetNames* names,
                  absl::Span<const NameUse> uses = {}) const;

  // Whether they are one table, not just the same names.
  bool operator==(const RelayNames& other) const { return table_ == other.table_; }

 private:
  class Epoch;
  // What copies share.
  struct Table {
    std::shared_ptr<Epoch> epoch;
    std::shared_ptr<uint32_t[]> ids;
    size_t size = 0;
    size_t size_before = 0;  // of the table that it was made of

    Table() = default;
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    absl::Span<const uint32_t> Ids() const { return {ids.get(), size}; }
  };

  explicit RelayNames(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

  std::shared_ptr<const Table> table_;  // null: no names
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_RELAY_NAMES_H_
