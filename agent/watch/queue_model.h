// The agent's picture of one Postfix instance's queue.
#ifndef FLEETQSHAPE_AGENT_WATCH_QUEUE_MODEL_H_
#define FLEETQSHAPE_AGENT_WATCH_QUEUE_MODEL_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/watch/file_table.h"
#include "agent/watch/linked_files.h"
#include "agent/watch/name_table.h"
#include "agent/watch/queue_state.h"
#include "common/postfix/queue_file.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// What a file's status says of its version: the time of its last change (ctime), size and inode,
// folded into 32 bits. Never kUnknownVersion.
using FileVersion = uint32_t;
// Matches no version: the file is read again when it is listed again.
inline constexpr FileVersion kUnknownVersion = 0;
FileVersion VersionOf(const struct stat& status);

// A file as it was when it was looked at.
struct FileState {
  FileKind kind = FileKind::kMessage;
  FileVersion version = kUnknownVersion;
  bool force_expired = false;   // group execute
  bool group_readable = false;  // group read
  ino_t linked_inode = 0;       // its inode if it has several names, else 0
};

// Files by what they are, over all queues.
struct FileCounts {
  std::array<uint64_t, kFileKinds> by_kind{};
  // Of the messages:
  uint64_t force_expired = 0;
  uint64_t group_readable = 0;

  uint64_t of(FileKind kind) const { return by_kind[static_cast<size_t>(kind)]; }
  bool operator==(const FileCounts& other) const = default;
};

// The files of all queues by directory and name, and the arrivals of those that are messages.
// Exact: it holds what was put and not removed since, a file with several names once. Not safe for
// use by several threads.
class QueueModel final : public QueueState {
 public:
  // Told of each arrival that the state gains or loses, as it happens: `change` is how many, and
  // negative for a loss.
  using CellObserver = std::function<void(const Cell& cell, int64_t change)>;

  enum class Sight { kUnknown, kChanged, kSame };

  explicit QueueModel(CellObserver observer);

  // The file is as `state` says; `envelope` is its message's, and null if it is no kMessage.
  void Put(Place place, std::string_view name, const FileState& state,
           const postfix::Envelope* envelope);
  // It is gone. False if it was not known.
  bool Remove(Place place, std::string_view name);
  // It was renamed, what it holds stays. False if it was not known, and then nothing happens.
  bool Move(Place from, std::string_view from_name, Place to, std::string_view to_name);

  // Begins a pass over all queues. What is neither put, moved nor seen until EndPass is removed by
  // it, if its queue is one of those that were listed to their end. Returns how many messages it
  // removed.
  void BeginPass() { ++pass_; }
  uint64_t EndPass(const std::set<Queue>& listed);
  // What is known of a file that a pass came upon in this version. Unreadable files are kChanged:
  // it may be ourselves who changed.
  Sight See(Place place, std::string_view name, FileVersion version);
  // Other directories in which a file of that name is known.
  std::vector<Place> OtherPlacesOf(std::string_view name, DirectoryId directory) const;

  // Nothing if the file is not known.
  std::optional<FileKind> KindOf(Place place, std::string_view name) const;
  // True if only listing the queues tells which names of files with several count. Asking makes it
  // false.
  bool TakeWantsListing() { return links_.TakeWantsListing(); }

  // Messages counted, in all queues.
  uint64_t message_count() const { return file_counts_.of(FileKind::kMessage); }
  const FileCounts& file_counts() const { return file_counts_; }
  const NameTable& names() const { return *names_; }

  size_t name_count() const override { return names_->size(); }
  std::string_view Name(uint32_t id) const override { return names_->name(id); }
  uint64_t digest() const override { return digest_; }
  uint64_t arrival_count(Queue queue, Axis axis) const override {
    return arrival_counts_[static_cast<size_t>(queue)][static_cast<size_t>(axis)];
  }
  Block MakeBlock(Queue queue, Axis axis) const override;

  // True if most ids are those of names that are gone.
  bool NamesWorthRenewing() const;
  // Gives new ids to the names in use. The observer is not told: ids that it was told before mean
  // nothing any more.
  void RenewNames();
  // Gives back memory if there is much of it to give.
  void Compact();

 private:
  // Name ids and how many recipients they have.
  using DomainList = std::vector<std::pair<uint32_t, uint32_t>>;

  uint32_t Find(Place place, std::string_view name) const {
    return files_.Find(place.directory, files_.HashOf(name));
  }
  // The name id of an address's domain, which is cut if it is too long to be reported.
  uint32_t AcquireDomain(std::string_view address);
  // Fills in or empties what the record says of a message.
  void AddMessage(const postfix::Envelope& envelope, FileRecord* file);
  void RemoveMessage(FileRecord* file);
  void SetRecipients(FileRecord* file);
  template <typename Visit>
  void ForEachRecipientDomain(const FileRecord& file, const Visit& visit) const;
  // Adds (1) or takes away (-1) the record in the counts and, if it is a message, its arrivals.
  void Count(const FileRecord& file, int change);
  void Change(const FileRecord& file, Axis axis, uint32_t name_id, int64_t change);
  void Erase(uint32_t index);

  CellObserver observer_;
  std::unique_ptr<NameTable> names_;
  FileTable files_;
  LinkedFiles links_;
  std::vector<DomainList> lists_;
  std::vector<uint32_t> free_lists_;
  std::string domain_;              // scratch
  std::vector<uint32_t> name_ids_;  // scratch
  uint16_t pass_ = 0;
  uint64_t digest_ = 0;
  FileCounts file_counts_;
  std::array<std::array<uint64_t, 3>, 6> arrival_counts_{};  // by queue and axis
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_WATCH_QUEUE_MODEL_H_
