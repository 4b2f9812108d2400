#include "aggregator/ingest/fleet_names.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "common/base/free_memory.h"
#include "common/shape/address.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

// So many names are looked up, added or released under one lock.
constexpr size_t kNamesOfLock = 256;

// So many lookups ahead the processor is told what it will have to read.
constexpr size_t kLookAhead = 8;

constexpr size_t kWorthReturning = size_t{32} << 20;

// A smaller index is left as it is.
constexpr size_t kSmallIndex = 4096;

// The ancestor that a name keeps alive: its direct one, or the last but one. Empty if it has none.
struct Ancestor {
  std::string_view name;
  bool distant = false;
};
Ancestor AncestorOf(std::string_view name) {
  Ancestor ancestor{ParentDomain(name)};
  std::string_view last = ParentDomain(ancestor.name);
  if (last.empty()) return ancestor;
  for (auto next = ParentDomain(last); !next.empty(); next = ParentDomain(last)) {
    ancestor = {std::exchange(last, next), true};
  }
  return ancestor;
}

}  // namespace

FleetNames::Key FleetNames::KeyOf(std::string_view name) const {
  return {name, static_cast<uint32_t>(XXH3_64bits_withSeed(name.data(), name.size(), seed_))};
}

void FleetNames::Intern(absl::Span<const std::string_view> names, absl::Span<uint32_t> ids,
                        absl::Span<const NameUse> uses) {
  std::array<Key, kNamesOfLock> keys;
  std::array<uint32_t, kNamesOfLock> unknown;
  for (size_t begin = 0; begin < names.size(); begin += kNamesOfLock) {
    const size_t count = std::min(names.size() - begin, kNamesOfLock);
    uint32_t* ids_here = ids.data() + begin;
    size_t unknown_count = 0;
    for (size_t i = 0; i < count; ++i) keys[i] = KeyOf(names[begin + i]);
    {
      // Most names that a report brings are known from other relays.
      std::shared_lock lock(mutex_);
      for (size_t i = 0; i < count; ++i) {
        if (i + kLookAhead < count) index_.prefetch(keys[i + kLookAhead]);
        const auto found = index_.find(keys[i]);
        if (found == index_.end()) {
          unknown[unknown_count++] = static_cast<uint32_t>(i);
          continue;
        }
        ids_here[i] = *found;
        pages_.count(*found).fetch_add(1, std::memory_order_relaxed);
      }
    }
    if (unknown_count == 0) continue;
    std::unique_lock lock(mutex_);
    for (size_t k = 0; k < unknown_count; ++k) {
      const uint32_t i = unknown[k];
      const NameUse use = uses.empty() ? NameUse::kRecipients : uses[begin + i];
      ids_here[i] = FindOrAddLocked(keys[i], use);
    }
  }
}

uint32_t FleetNames::Intern(std::string_view name) {
  uint32_t id = 0;
  Intern(absl::MakeConstSpan(&name, 1), absl::MakeSpan(&id, 1));
  return id;
}

uint32_t FleetNames::FindOrAddLocked(const Key& key, NameUse use) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    pages_.count(*found).fetch_add(1, std::memory_order_relaxed);
    return *found;
  }
  // The ancestor of an ancestor is the last one, and that has none: this goes two deep.
  const Ancestor ancestor = AncestorOf(key.name);
  uint32_t parent = kNoParent;
  if (!ancestor.name.empty()) {
    parent = FindOrAddLocked(KeyOf(ancestor.name), use) | (ancestor.distant ? kDistant : 0);
  }
  const uint32_t id = pages_.Add(key.name, use, {NameHash(key.name), key.index_hash, parent});
  index_.insert(id);
  return id;
}

void FleetNames::Retain(absl::Span<const uint32_t> ids) {
  for (const uint32_t id : ids) pages_.count(id).fetch_add(1, std::memory_order_relaxed);
}

void FleetNames::Release(absl::Span<const uint32_t> ids) {
  std::array<uint32_t, kNamesOfLock> last;
  size_t last_count = 0;
  const auto release_last = [&] {
    std::unique_lock lock(mutex_);
    for (size_t i = 0; i < last_count; ++i) ReleaseLastLocked(last[i]);
    ShrinkIndexLocked();
    last_count = 0;
  };
  for (const uint32_t id : ids) {
    // A count comes down to 0 under the lock only, where nobody finds the name meanwhile.
    std::atomic<uint32_t>& references = pages_.count(id);
    uint32_t count = references.load(std::memory_order_relaxed);
    while (count > 1 &&
           !references.compare_exchange_weak(count, count - 1, std::memory_order_acq_rel)) {
    }
    if (count > 1) continue;
    last[last_count++] = id;
    if (last_count == last.size()) release_last();
  }
  if (last_count > 0) release_last();
}

void FleetNames::ReleaseLastLocked(uint32_t id) {
  while (pages_.count(id).fetch_sub(1, std::memory_order_acq_rel) == 1) {
    const uint32_t parent = ancestor(id);
    index_.erase(id);
    released_bytes_ += pages_.Remove(id);
    if (parent == kNoParent) return;
    id = parent;
  }
}

void FleetNames::ShrinkIndexLocked() {
  if (index_.capacity() > kSmallIndex && index_.size() < index_.capacity() / 4) index_.rehash(0);
}

std::optional<uint32_t> FleetNames::Find(std::string_view name) const {
  const Key key = KeyOf(name);
  std::shared_lock lock(mutex_);
  const auto found = index_.find(key);
  if (found == index_.end()) return std::nullopt;
  return *found;
}

size_t FleetNames::size() const {
  std::shared_lock lock(mutex_);
  return pages_.end();
}

void FleetNames::ReturnMemory() {
  {
    std::unique_lock lock(mutex_);
    if (released_bytes_ < kWorthReturning) return;
    released_bytes_ = 0;
  }
  ReturnFreeMemory();
}

}  // namespace fleetqshape
