#include "agent/watch/linked_files.h"

#include <algorithm>

namespace fleetqshape {

bool LinkedFiles::Set(uint32_t index, ino_t inode) {
  const auto known = inode_of_name_.find(index);
  if (known != inode_of_name_.end() && known->second != inode) {
    std::vector<uint32_t>& names = names_of_inode_[known->second];
    wants_listing_ |= names.front() == index && names.size() > 1;
    std::erase(names, index);
    if (names.empty()) names_of_inode_.erase(known->second);
    inode_of_name_.erase(known);
  }
  if (inode == 0) return true;
  std::vector<uint32_t>& names = names_of_inode_[inode];
  if (inode_of_name_.emplace(index, inode).second) {
    names.push_back(index);
    // Another name of it may be known from when it was the only one.
    wants_listing_ |= names.size() == 1;
  }
  return names.front() == index;
}

void LinkedFiles::Move(uint32_t from, uint32_t to) {
  const auto inode = inode_of_name_.find(from);
  if (inode == inode_of_name_.end()) return;
  const ino_t number = inode->second;
  inode_of_name_.erase(inode);
  inode_of_name_[to] = number;
  std::vector<uint32_t>& names = names_of_inode_[number];
  std::replace(names.begin(), names.end(), from, to);
}

}  // namespace fleetqshape
