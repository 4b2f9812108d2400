// The files of a queue, in little memory.
#ifndef FLEETQSHAPE_AGENT_WATCH_FILE_TABLE_H_
#define FLEETQSHAPE_AGENT_WATCH_FILE_TABLE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// What a file in a queue turned out to be.
enum class FileKind : uint8_t {
  kMessage,       // counted
  kBeingWritten,  // by its mode; or set aside as corrupt
  kUnreadable,    // may not be opened
  kNoRecipients,  // a message with nobody left to deliver to
  kForeign,       // no queue file
  kDamaged,       // a queue file that is cut off, malformed or beyond a bound
  kLinked,        // a further name of a file that is known by another one
};
inline constexpr size_t kFileKinds = 7;

// A directory of a queue: the queue's own or a hash directory below. DirectoryTable gives them.
using DirectoryId = uint32_t;

struct Place {
  Queue queue;
  DirectoryId directory;
};

// 48 bytes a file; a name is known by a hash of 64 bits.
struct FileRecord {
  uint64_t name_hash;
  int64_t arrival;  // this and what the domains are: of messages
  uint32_t version;
  uint32_t sender;            // name id
  uint32_t recipient_domain;  // name id if there is one domain only, else the index of a list
  uint32_t recipients;        // how many have that one domain; 0 if there is a list
  DirectoryId directory;
  uint32_t next_of_name;  // FileTable
  uint16_t pass;
  Queue queue;
  FileKind kind;
  bool force_expired;
  bool group_readable;
  bool has_links;
};

// Records by directory and name. A name is nearly always in one directory: Postfix gives each
// message a name of its own and moves it about with that name. Not safe for use by several threads.
class FileTable {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  FileTable();
  FileTable(const FileTable&) = delete;
  FileTable& operator=(const FileTable&) = delete;

  // Seeded at random in each table, so that no names can be made up to collide.
  uint64_t HashOf(std::string_view name) const;

  // The record's index, kNone if there is none. Indexes stay until Compact.
  uint32_t Find(DirectoryId directory, uint64_t name_hash) const;
  // The first record of that name in any directory; At(...).next_of_name leads to the others.
  uint32_t FindAnywhere(uint64_t name_hash) const;
  // A new record with only its directory and name filled in, not to be there yet.
  uint32_t Insert(DirectoryId directory, uint64_t name_hash);
  void Erase(uint32_t index);

  FileRecord& At(uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }
  const FileRecord& At(uint32_t index) const { return chunks_[index / kChunk][index % kChunk]; }

  size_t size() const { return size_; }
  // Indexes below this may be in use; those that are not have the directory kNone.
  uint32_t end() const { return end_; }

  // True if most of the memory is for files that are gone.
  bool WorthCompacting() const;
  // Gives it back. Indexes change; `moved(from, to)` is called for each record that goes elsewhere.
  template <typename Moved>
  void Compact(const Moved& moved) {
    uint32_t to = 0;
    for (uint32_t from = 0; from < end_; ++from) {
      if (At(from).directory == kNone) continue;
      if (from != to) {
        At(to) = At(from);
        moved(from, to);
      }
      ++to;
    }
    FinishCompacting(to);
  }

 private:
  static constexpr uint32_t kChunk = 1024;

  // Sets of indexes in which one is found by the hash of its name.
  struct Hash {
    using is_transparent = void;
    const FileTable* table;
    size_t operator()(uint32_t index) const { return table->At(index).name_hash; }
    size_t operator()(uint64_t name_hash) const { return name_hash; }
  };
  struct Equal {
    using is_transparent = void;
    const FileTable* table;
    bool operator()(uint32_t a, uint32_t b) const {
      return table->At(a).name_hash == table->At(b).name_hash;
    }
    bool operator()(uint32_t index, uint64_t name_hash) const {
      return table->At(index).name_hash == name_hash;
    }
  };
  using Index = absl::flat_hash_set<uint32_t, Hash, Equal>;

  Index MakeIndex() const { return Index(0, Hash{this}, Equal{this}); }
  void FinishCompacting(uint32_t end);

  const uint64_t seed_;
  std::vector<std::unique_ptr<FileRecord[]>> chunks_;
  Index first_of_name_;
  uint32_t free_ = kNone;  // a list through next_of_name
  uint32_t end_ = 0;
  size_t size_ = 0;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_FILE_TABLE_H_
