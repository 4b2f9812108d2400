// The names of the whole fleet, each once, with a number.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "aggregator/ingest/name_pages.h"

namespace fleetqshape {

// A name lives as long as somebody has a reference to it: those who intern it (the relays' tables,
// RelayNames) and the names whose parent it is. Then its id is free for another name, low ids
// first, so that ids stay dense.
//
// Safe for use by several threads. To read what is known of an id takes a reference, one's own or
// one that somebody is known to hold, such as the state of a relay that a question has in its
// hands; and it takes no lock.
//
// Parents are what ParentDomain cuts: ".b.c" for "a.b.c". They are names as all others. A name
// keeps the last two of its chain of parents alive, ".c.d" and ".b.c.d", but not those between,
// which are few in real mail, and of which a hostile name has hundreds (decision 0016).
class FleetNames : public std::enable_shared_from_this<FleetNames> {
 public:
  static constexpr uint32_t kNoParent = std::numeric_limits<uint32_t>::max();
  static constexpr uint32_t kUnknownParent = kNoParent - 1;

  // The seed is for a hash table: names that are made to meet there must not know it.
  explicit FleetNames(uint64_t seed = 0)
      : seed_(seed), index_(0, IndexHash{&pages_}, IndexEqual{&pages_}) {}
  FleetNames(const FleetNames&) = delete;
  FleetNames& operator=(const FleetNames&) = delete;

  // The ids of names, new ones for those that have none. The caller has a reference more to each,
  // as often as it is among them, and has to release it. `ids` is as long as `names`, and so is
  // `uses`, unless that is empty: they are recipients' then. It is a hint: a name that is known
  // keeps its id.
  void Intern(absl::Span<const std::string_view> names, absl::Span<uint32_t> ids,
              absl::Span<const NameUse> uses = {});
  uint32_t Intern(std::string_view name);
  // A reference more to each of them.
  void Retain(absl::Span<const uint32_t> ids);
  // One less.
  void Release(absl::Span<const uint32_t> ids);

  // The id of a name that somebody has a reference to. If nobody is known to, it may be another
  // name's a moment later; but the states that were at hand before do not use it then.
  std::optional<uint32_t> Find(std::string_view name) const;
  // One more than the largest id in use.
  size_t size() const;

  // All of these take a reference to `id`. What is returned is good as long as it.
  std::string_view name(uint32_t id) const { return pages_.name(id); }
  // As NamePages has it.
  const bool* start_with_dot(uint32_t id) const { return pages_.start_with_dot(id); }
  uint64_t hash(uint32_t id) const { return pages_.hash(id); }  // NameHash
  // The name's parent; kNoParent; or kUnknownParent if it has more than two ancestors: then
  // ancestor() is the last but one, and those before it have no ids of which the name knows.
  uint32_t parent(uint32_t id) const {
    const uint32_t ancestor = pages_.parent(id);
    return ancestor == kNoParent || (ancestor & kDistant) == 0 ? ancestor : kUnknownParent;
  }
  // The nearest ancestor that the name keeps alive; kNoParent if it has none.
  uint32_t ancestor(uint32_t id) const {
    const uint32_t ancestor = pages_.parent(id);
    return ancestor == kNoParent ? kNoParent : ancestor & ~kDistant;
  }

  // Gives what became free back to the system, if that is much. Takes up to some tens of
  // milliseconds then, and no lock: to be called now and then.
  void ReturnMemory();

 private:
  // In a stored parent: it is not the direct one.
  static constexpr uint32_t kDistant = NamePages::kMostIds;

  struct Key {
    std::string_view name;
    uint32_t index_hash = 0;
  };
  // The index has ids, and finds them by name, too.
  struct IndexHash {
    using is_transparent = void;
    const NamePages* pages;
    static size_t Spread(uint32_t hash) { return hash * uint64_t{0x9E37'79B9'7F4A'7C15}; }
    size_t operator()(uint32_t id) const { return Spread(pages->index_hash(id)); }
    size_t operator()(const Key& key) const { return Spread(key.index_hash); }
  };
  struct IndexEqual {
    using is_transparent = void;
    const NamePages* pages;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t id, const Key& key) const {
      return pages->index_hash(id) == key.index_hash && pages->name(id) == key.name;
    }
    bool operator()(const Key& key, uint32_t id) const { return (*this)(id, key); }
  };

  Key KeyOf(std::string_view name) const;
  // The rest need mutex_; the first one for itself alone.
  uint32_t FindOrAddLocked(const Key& key, NameUse use);
  void ReleaseLastLocked(uint32_t id);
  void ShrinkIndexLocked();

  const uint64_t seed_;
  mutable std::shared_mutex mutex_;  // guards what follows, but for what is said of ids
  NamePages pages_;
  absl::flat_hash_set<uint32_t, IndexHash, IndexEqual> index_;
  size_t released_bytes_ = 0;  // since memory was given back
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_FLEET_NAMES_H_
