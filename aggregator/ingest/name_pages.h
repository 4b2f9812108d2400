// Where the names of the fleet are kept: what is known of each id, 4,096 ids to a page.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_NAME_PAGES_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_NAME_PAGES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>

namespace fleetqshape {

// Whose addresses a name stands in, as far as is known when it comes.
enum class NameUse : uint8_t { kRecipients, kSendersOnly };
constexpr size_t kNameUses = 2;

// Gives ids to names, low ones first, but a page has names of one use only: what is counted by
// recipients' names has few pages then, whatever senders spam invents. Gives the memory of a page
// back when all of its ids are free. 29 bytes an id, and the name's own bytes.
//
// What is known of an id stays where it is, and is not written again before the id is removed, but
// for its count. So an id that nobody removes meanwhile may be read at any time, without a lock.
// Add, Remove and end are for one thread at a time.
class NamePages {
 public:
  static constexpr uint32_t kIdsOfPage = 4096;
  // Ids are below this.
  static constexpr uint32_t kMostIds = uint32_t{1} << 31;

  struct Facts {
    uint64_t hash = 0;        // NameHash of the name
    uint32_t index_hash = 0;  // another one, for FleetNames
    uint32_t parent = 0;      // FleetNames knows what it means
  };

  // A free id, with a count of 1. Stops the program when there is none, at 100 GB of names.
  uint32_t Add(std::string_view name, NameUse use, const Facts& facts);
  // Frees an id that Add gave. Returns how many bytes that made free, about.
  size_t Remove(uint32_t id);
  // One more than the largest id that is in use.
  size_t end() const;

  std::string_view name(uint32_t id) const {
    const char* stored = PageOf(id).names[id % kIdsOfPage].get();
    Length length = 0;
    std::memcpy(&length, stored, sizeof length);
    return {stored + sizeof length, length};
  }
  uint64_t hash(uint32_t id) const { return PageOf(id).hashes[id % kIdsOfPage]; }
  uint32_t index_hash(uint32_t id) const { return PageOf(id).index_hashes[id % kIdsOfPage]; }
  uint32_t parent(uint32_t id) const { return PageOf(id).parents[id % kIdsOfPage]; }
  // Whether names start with a dot: of this id and those that follow in its page, of which one is
  // in use. Only those in use may be read.
  const bool* start_with_dot(uint32_t id) const {
    return PageOf(id).dotted.data() + id % kIdsOfPage;
  }
  std::atomic<uint32_t>& count(uint32_t id) const { return PageOf(id).counts[id % kIdsOfPage]; }

 private:
  using Length = uint32_t;

  struct Page {
    std::array<uint64_t, kIdsOfPage> hashes;
    std::array<uint32_t, kIdsOfPage> index_hashes;
    std::array<uint32_t, kIdsOfPage> parents;
    std::array<std::atomic<uint32_t>, kIdsOfPage> counts;
    std::array<bool, kIdsOfPage> dotted;                    // at hand: questions ask for each name
    std::array<std::unique_ptr<char[]>, kIdsOfPage> names;  // null: the id is free
    NameUse use;
    uint32_t used = 0;
    uint32_t lowest_free = 0;  // no free id of the page is below
  };
  // The pages of so many ids are in one of these, which are never given back: 8 KB.
  static constexpr uint32_t kPagesOfShelf = 1024;
  using Shelf = std::array<std::unique_ptr<Page>, kPagesOfShelf>;

  std::unique_ptr<Page>& PagePlace(uint32_t page) const {
    return (*shelves_[page / kPagesOfShelf])[page % kPagesOfShelf];
  }
  Page& PageOf(uint32_t id) const { return *PagePlace(id / kIdsOfPage); }
  std::set<uint32_t>& OpenPages(NameUse use) { return open_[static_cast<size_t>(use)]; }
  void OpenPage(NameUse use);
  void ClosePage(uint32_t page);

  std::array<std::unique_ptr<Shelf>, kMostIds / kIdsOfPage / kPagesOfShelf> shelves_;
  uint32_t pages_ = 0;                              // one more than the last page that is there
  std::set<uint32_t> missing_;                      // those before it that are not
  std::array<std::set<uint32_t>, kNameUses> open_;  // by use: those that have free ids
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_NAME_PAGES_H_
