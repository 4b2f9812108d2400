// The files of a simulated machine, and what a crash of it leaves of them.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_DISK_IMAGE_H_
#define FLEETQSHAPE_TESTS_SIMULATION_DISK_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random_source.h"

namespace fleetqshape::test {

// A file's contents, with or without a name.
struct Inode {
  struct Range {
    uint64_t begin;
    uint64_t end;
  };
  std::string data;
  // Bytes of the disk that it holds: its size, or more if it was preallocated.
  uint64_t allocated = 0;
  // What was appended since the last sync, by rising offset.
  std::vector<Range> unsynced;
  // What a failed sync was of. The kernel takes such pages for clean, so no later sync mends it.
  std::vector<Range> doubtful;
  int open_handles = 0;
};

// What a crash of the machine may make of the bytes at a file's end that were not synced. There
// is no fifth way for a disk whose sectors are written whole.
enum class Tear {
  kPrefix,   // the first of them are there
  kZeros,    // after those, the file's size was written, the bytes were not
  kGarbage,  // the same, and the blocks hold something else
  kHoles,    // sectors were written in any order, zeros are in the others
};

// Paths are absolute. Not safe for use by several threads.
//
// Of a file, what was synced survives. Of a directory, what was done before its sync survives, and
// of the later creations, renames and deletions (of all directories) the first so many, as a
// journal has it. Truncations and new directories are durable at once.
class DiskImage {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
  static constexpr uint64_t kSectorBytes = 512;

  std::shared_ptr<Inode> Find(const std::string& path) const;
  bool IsDirectory(const std::string& path) const { return tree_.directories.count(path) > 0; }
  // The names, not the paths, of all in a directory.
  std::vector<std::string> Children(const std::string& directory) const;
  // All files' paths, sorted.
  std::vector<std::string> Files() const;

  // An empty file; one that was there is truncated. Null if there is no such directory.
  std::shared_ptr<Inode> Create(const std::string& path);
  // False: there is no such file or directory, or the new name is a directory's.
  bool Remove(const std::string& path);
  // Of a file, or of a directory with all in it.
  bool Rename(const std::string& from, const std::string& to);
  bool Link(const std::string& from, const std::string& to);
  bool MakeDirectory(const std::string& path);
  bool RemoveDirectory(const std::string& path);
  void SyncDirectory(const std::string& path);

  // Appends as much as there is room for, and returns how much that was.
  size_t Append(Inode* inode, std::string_view data);
  // False if there is no room for the file to hold so many bytes.
  bool Allocate(Inode* inode, uint64_t bytes);
  // Also gives back what was preallocated beyond `bytes`.
  void Truncate(Inode* inode, uint64_t bytes);
  static void Sync(Inode* inode) { inode->unsynced.clear(); }
  static void SyncFails(Inode* inode);

  void set_capacity(uint64_t bytes) { capacity_ = bytes; }
  uint64_t FreeBytes() const;

  // Nobody has a file open any more.
  void ForgetHandles();
  // The machine stops, and is started again. `tear` says how a file is torn, by its path.
  void Crash(RandomSource& random, const std::function<Tear(const std::string& path)>& tear);

 private:
  // One entry of the journal. Either path may be empty.
  struct Change {
    std::string put;
    std::shared_ptr<Inode> inode;
    std::string removed;
    bool directory = false;  // `removed` is renamed to `put`
  };
  struct Tree {
    std::map<std::string, std::shared_ptr<Inode>> names;
    std::set<std::string> directories = {"/"};
  };

  void Do(Change change);
  static void Apply(const Change& change, Tree* tree);
  static void ApplyDirectory(const Change& change, Tree* tree);

  Tree tree_;
  Tree durable_;
  std::vector<Change> journal_;  // what durable_ does not have
  std::vector<std::shared_ptr<Inode>> nameless_;
  uint64_t capacity_ = kNoLimit;
};

// "/a/b" of "/a/b/c".
std::string ParentDirectory(const std::string& path);

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_DISK_IMAGE_H_
