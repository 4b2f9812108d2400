#include "tests/simulation/disk_image.h"

#include <algorithm>
#include <utility>

namespace fleetqshape::test {
namespace {

// None, all, or any number between: the ends are where mistakes are.
uint64_t SomeOf(uint64_t all, RandomSource& random) {
  switch (random.Between(0, 3)) {
    case 0:
      return 0;
    case 1:
      return all;
    default:
      return static_cast<uint64_t>(random.Between(0, static_cast<int64_t>(all)));
  }
}

// Each sector of the range is there, or zeros are.
void MakeHoles(uint64_t begin, uint64_t end, RandomSource& random, std::string* data) {
  while (begin < end) {
    const uint64_t next =
        std::min(end, (begin / DiskImage::kSectorBytes + 1) * DiskImage::kSectorBytes);
    if (random.OneIn(2)) std::fill(data->begin() + begin, data->begin() + next, '\0');
    begin = next;
  }
}

// All from `begin` on was not synced.
void TearTail(uint64_t begin, Tear tear, RandomSource& random, std::string* data) {
  const uint64_t kept = SomeOf(data->size() - begin, random);
  if (tear == Tear::kPrefix) {
    data->resize(begin + kept);
    return;
  }
  if (tear == Tear::kHoles) {
    data->resize(begin + kept);
    MakeHoles(begin, data->size(), random, data);
    return;
  }
  data->resize(begin + kept + SomeOf(data->size() - begin - kept, random));
  for (uint64_t i = begin + kept; i < data->size(); ++i) {
    (*data)[i] = tear == Tear::kZeros ? '\0' : static_cast<char>(random.Bits());
  }
}

void TearInode(Tear tear, RandomSource& random, Inode* inode) {
  std::vector<Inode::Range> loose = std::move(inode->doubtful);
  loose.insert(loose.end(), inode->unsynced.begin(), inode->unsynced.end());
  inode->doubtful.clear();
  inode->unsynced.clear();
  uint64_t tail = inode->data.size();
  while (!loose.empty() && loose.back().end >= tail) {
    tail = std::min(tail, loose.back().begin);
    loose.pop_back();
  }
  for (const Inode::Range& range : loose) {
    MakeHoles(range.begin, range.end, random, &inode->data);
  }
  if (tail < inode->data.size()) TearTail(tail, tear, random, &inode->data);
}

}  // namespace

std::string ParentDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::shared_ptr<Inode> DiskImage::Find(const std::string& path) const {
  const auto found = tree_.names.find(path);
  return found == tree_.names.end() ? nullptr : found->second;
}

std::vector<std::string> DiskImage::Children(const std::string& directory) const {
  std::vector<std::string> children;
  const auto add = [&](const std::string& path) {
    if (path != "/" && ParentDirectory(path) == directory) {
      children.push_back(path.substr(path.rfind('/') + 1));
    }
  };
  for (const auto& [path, inode] : tree_.names) add(path);
  for (const std::string& path : tree_.directories) add(path);
  return children;
}

std::vector<std::string> DiskImage::Files() const {
  std::vector<std::string> files;
  for (const auto& [path, inode] : tree_.names) files.push_back(path);
  return files;
}

void DiskImage::Apply(const Change& change, Tree* tree) {
  if (change.directory) {
    ApplyDirectory(change, tree);
    return;
  }
  if (!change.removed.empty()) tree->names.erase(change.removed);
  if (!change.put.empty()) tree->names[change.put] = change.inode;
}

void DiskImage::ApplyDirectory(const Change& change, Tree* tree) {
  const std::string prefix = change.removed + "/";
  const auto moved = [&](const std::string& path) {
    return path.compare(0, prefix.size(), prefix) == 0 || path == change.removed;
  };
  const auto new_path = [&](const std::string& path) {
    return change.put + path.substr(change.removed.size());
  };
  Tree after;
  for (const auto& [path, inode] : tree->names) {
    after.names[moved(path) ? new_path(path) : path] = inode;
  }
  for (const std::string& path : tree->directories) {
    after.directories.insert(moved(path) ? new_path(path) : path);
  }
  *tree = std::move(after);
}

void DiskImage::Do(Change change) {
  const auto closed = std::remove_if(nameless_.begin(), nameless_.end(),
                                     [](const auto& inode) { return inode->open_handles == 0; });
  nameless_.erase(closed, nameless_.end());
  const auto keep_nameless = [&](const std::string& path) {
    const std::shared_ptr<Inode> inode = Find(path);
    if (inode != nullptr && inode != change.inode) nameless_.push_back(inode);
  };
  keep_nameless(change.removed);
  keep_nameless(change.put);
  Apply(change, &tree_);
  journal_.push_back(std::move(change));
}

std::shared_ptr<Inode> DiskImage::Create(const std::string& path) {
  if (!IsDirectory(ParentDirectory(path)) || IsDirectory(path)) return nullptr;
  if (const std::shared_ptr<Inode> there = Find(path)) {
    Truncate(there.get(), 0);
    return there;
  }
  auto inode = std::make_shared<Inode>();
  Do({path, inode, ""});
  return inode;
}

bool DiskImage::Remove(const std::string& path) {
  if (Find(path) == nullptr) return false;
  Do({"", nullptr, path});
  return true;
}

bool DiskImage::Rename(const std::string& from, const std::string& to) {
  if (IsDirectory(from)) {
    if (!IsDirectory(ParentDirectory(to)) || IsDirectory(to) || Find(to) != nullptr) return false;
    Do({to, nullptr, from, /*directory=*/true});
    return true;
  }
  const std::shared_ptr<Inode> inode = Find(from);
  if (inode == nullptr || !IsDirectory(ParentDirectory(to)) || IsDirectory(to)) return false;
  if (from != to) Do({to, inode, from});
  return true;
}

bool DiskImage::Link(const std::string& from, const std::string& to) {
  const std::shared_ptr<Inode> inode = Find(from);
  if (inode == nullptr || !IsDirectory(ParentDirectory(to)) || Find(to) != nullptr) return false;
  Do({to, inode, ""});
  return true;
}

bool DiskImage::MakeDirectory(const std::string& path) {
  if (!IsDirectory(ParentDirectory(path)) || Find(path) != nullptr) return false;
  tree_.directories.insert(path);
  durable_.directories.insert(path);
  return true;
}

bool DiskImage::RemoveDirectory(const std::string& path) {
  if (!Children(path).empty()) return false;
  durable_.directories.erase(path);
  return tree_.directories.erase(path) > 0;
}

void DiskImage::SyncDirectory(const std::string& path) {
  const auto in_directory = [&](const Change& change) {
    return ParentDirectory(change.put.empty() ? change.removed : change.put) == path;
  };
  // Where a directory was renamed, paths mean something else before and after: all that was done
  // before becomes durable, too, as with a journal that is written in its order.
  size_t in_order = 0;
  const bool renamed = std::any_of(journal_.begin(), journal_.end(),
                                   [](const Change& change) { return change.directory; });
  for (size_t i = 0; renamed && i < journal_.size(); ++i) {
    if (in_directory(journal_[i])) in_order = i + 1;
  }
  std::vector<Change> others;
  for (size_t i = 0; i < journal_.size(); ++i) {
    Change& change = journal_[i];
    if (i < in_order || in_directory(change)) {
      Apply(change, &durable_);
    } else {
      others.push_back(std::move(change));
    }
  }
  journal_ = std::move(others);
}

size_t DiskImage::Append(Inode* inode, std::string_view data) {
  const uint64_t begin = inode->data.size();
  if (!Allocate(inode, begin + data.size())) {
    data = data.substr(0, inode->allocated + FreeBytes() - begin);
  }
  if (data.empty()) return 0;
  inode->data += data;
  inode->allocated = std::max<uint64_t>(inode->allocated, inode->data.size());
  if (!inode->unsynced.empty() && inode->unsynced.back().end == begin) {
    inode->unsynced.back().end = inode->data.size();
  } else {
    inode->unsynced.push_back({begin, inode->data.size()});
  }
  return data.size();
}

bool DiskImage::Allocate(Inode* inode, uint64_t bytes) {
  if (bytes <= inode->allocated) return true;
  if (capacity_ != kNoLimit && bytes - inode->allocated > FreeBytes()) return false;
  inode->allocated = bytes;
  return true;
}

void DiskImage::Truncate(Inode* inode, uint64_t bytes) {
  inode->data.resize(bytes);
  inode->allocated = bytes;
  for (std::vector<Inode::Range>* ranges : {&inode->unsynced, &inode->doubtful}) {
    while (!ranges->empty() && ranges->back().begin >= bytes) ranges->pop_back();
    if (!ranges->empty()) ranges->back().end = std::min(ranges->back().end, bytes);
  }
}

void DiskImage::SyncFails(Inode* inode) {
  inode->doubtful.insert(inode->doubtful.end(), inode->unsynced.begin(), inode->unsynced.end());
  inode->unsynced.clear();
}

uint64_t DiskImage::FreeBytes() const {
  if (capacity_ == kNoLimit) return kNoLimit / 2;
  uint64_t used = 0;
  std::set<const Inode*> counted;  // a file may have two names
  for (const auto& [path, inode] : tree_.names) {
    if (counted.insert(inode.get()).second) used += inode->allocated;
  }
  for (const std::shared_ptr<Inode>& inode : nameless_) {
    if (inode->open_handles > 0 && counted.insert(inode.get()).second) used += inode->allocated;
  }
  return used < capacity_ ? capacity_ - used : 0;
}

void DiskImage::ForgetHandles() {
  nameless_.clear();
  for (const auto& [path, inode] : tree_.names) inode->open_handles = 0;
}

void DiskImage::Crash(RandomSource& random,
                      const std::function<Tear(const std::string& path)>& tear) {
  const uint64_t committed = SomeOf(journal_.size(), random);
  for (uint64_t i = 0; i < committed; ++i) Apply(journal_[i], &durable_);
  journal_.clear();
  tree_ = durable_;
  ForgetHandles();
  std::set<const Inode*> torn;
  for (const auto& [path, inode] : tree_.names) {
    if (torn.insert(inode.get()).second) TearInode(tear(path), random, inode.get());
  }
}

}  // namespace fleetqshape::test
