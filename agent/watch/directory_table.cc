#include "agent/watch/directory_table.h"

namespace fleetqshape {

DirectoryId DirectoryTable::Ensure(Queue queue, std::string_view path, int depth) {
  const DirectoryId known = Find(path);
  if (known != kNoDirectory) return known;
  const auto id = static_cast<DirectoryId>(directories_.size());
  directories_.push_back({queue, std::string(path), depth, kNoWatch});
  id_of_path_.emplace(std::string(path), id);
  return id;
}

DirectoryId DirectoryTable::Find(std::string_view path) const {
  const auto found = id_of_path_.find(absl::string_view(path.data(), path.size()));
  return found == id_of_path_.end() ? kNoDirectory : found->second;
}

void DirectoryTable::SetWatch(DirectoryId id, int watch) {
  Directory& directory = directories_[id];
  const auto old = id_of_watch_.find(directory.watch);
  if (old != id_of_watch_.end() && old->second == id) id_of_watch_.erase(old);
  directory.watch = watch;
  if (watch != kNoWatch) id_of_watch_[watch] = id;
}

void DirectoryTable::ForgetWatches() {
  for (Directory& directory : directories_) directory.watch = kNoWatch;
  id_of_watch_.clear();
}

DirectoryId DirectoryTable::OfWatch(int watch) const {
  const auto found = id_of_watch_.find(watch);
  return found == id_of_watch_.end() ? kNoDirectory : found->second;
}

}  // namespace fleetqshape
