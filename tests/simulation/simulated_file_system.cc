#include "tests/simulation/simulated_file_system.h"

#include <utility>

namespace fleetqshape::test {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// A path without double or trailing slashes.
std::string Clean(const std::string& path) {
  std::string clean;
  for (const char byte : path) {
    if (byte != '/' || clean.empty() || clean.back() != '/') clean.push_back(byte);
  }
  if (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

IOStatus NoSuch(const std::string& path) {
  return IOStatus::PathNotFound(path, "No such file or directory");
}

class Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(std::shared_ptr<SimulatedProcess> process, std::string path)
      : process_(std::move(process)), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    if (!process_->alive) return IOStatus::IOError(path_, "the simulated process is dead");
    IOStatus status = process_->machine->faults.Begin(Operation::kSyncDirectory, path_).status;
    if (status.ok()) process_->machine->image.SyncDirectory(path_);
    return status;
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }

 private:
  const std::shared_ptr<SimulatedProcess> process_;
  const std::string path_;
};

}  // namespace

IOStatus SimulatedFileSystem::Begin(Operation operation, const std::string& path) const {
  if (!process_->alive) return IOStatus::IOError(path, "the simulated process is dead");
  return process_->machine->faults.Begin(operation, path).status;
}

std::unique_ptr<OpenFile> SimulatedFileSystem::Open(const std::string& path,
                                                    std::shared_ptr<Inode> inode) const {
  return std::make_unique<OpenFile>(process_, path, std::move(inode));
}

IOStatus SimulatedFileSystem::OpenToRead(const std::string& path,
                                         std::unique_ptr<OpenFile>* file) const {
  IOStatus status = Begin(Operation::kRead, path);
  if (!status.ok()) return status;
  std::shared_ptr<Inode> inode = image().Find(Clean(path));
  if (inode == nullptr) return NoSuch(path);
  *file = Open(Clean(path), std::move(inode));
  return status;
}

IOStatus SimulatedFileSystem::NewSequentialFile(const std::string& path,
                                                const FileOptions& /*options*/,
                                                std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                                IODebugContext* /*debug*/) {
  std::unique_ptr<OpenFile> file;
  IOStatus status = OpenToRead(path, &file);
  if (status.ok()) *result = MakeSequentialFile(std::move(file));
  return status;
}

IOStatus SimulatedFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions& /*options*/,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* /*debug*/) {
  std::unique_ptr<OpenFile> file;
  IOStatus status = OpenToRead(path, &file);
  if (status.ok()) *result = MakeRandomAccessFile(std::move(file));
  return status;
}

IOStatus SimulatedFileSystem::NewWritableFile(const std::string& path, const FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                                              IODebugContext* /*debug*/) {
  if (!process_->machine->options_files && path.find("/OPTIONS-") != std::string::npos) {
    return IOStatus::IOError(path, "not wanted in the simulation");
  }
  IOStatus status = Begin(Operation::kCreate, Clean(path));
  if (!status.ok()) return status;
  std::shared_ptr<Inode> inode = image().Create(Clean(path));
  if (inode == nullptr) return NoSuch(path);
  *result = MakeWritableFile(Open(Clean(path), std::move(inode)), options);
  return status;
}

IOStatus SimulatedFileSystem::ReopenWritableFile(const std::string& path,
                                                 const FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* result,
                                                 IODebugContext* debug) {
  std::shared_ptr<Inode> inode = image().Find(Clean(path));
  if (inode == nullptr) return NewWritableFile(path, options, result, debug);
  IOStatus status = Begin(Operation::kRead, Clean(path));
  if (status.ok()) *result = MakeWritableFile(Open(Clean(path), std::move(inode)), options);
  return status;
}

IOStatus SimulatedFileSystem::NewDirectory(const std::string& path, const IOOptions& /*options*/,
                                           std::unique_ptr<rocksdb::FSDirectory>* result,
                                           IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kRead, path);
  if (!status.ok()) return status;
  if (!image().IsDirectory(Clean(path))) return NoSuch(path);
  *result = std::make_unique<Directory>(process_, Clean(path));
  return status;
}

IOStatus SimulatedFileSystem::FileExists(const std::string& path, const IOOptions& /*options*/,
                                         IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kRead, path);
  if (!status.ok()) return status;
  const bool there = image().Find(Clean(path)) != nullptr || image().IsDirectory(Clean(path));
  return there ? status : IOStatus::NotFound(path);
}

IOStatus SimulatedFileSystem::GetChildren(const std::string& path, const IOOptions& /*options*/,
                                          std::vector<std::string>* result,
                                          IODebugContext* /*debug*/) {
  result->clear();
  IOStatus status = Begin(Operation::kRead, path);
  if (!status.ok()) return status;
  if (!image().IsDirectory(Clean(path))) return IOStatus::NotFound(path);
  *result = image().Children(Clean(path));
  return status;
}

IOStatus SimulatedFileSystem::GetFileSize(const std::string& path, const IOOptions& /*options*/,
                                          uint64_t* bytes, IODebugContext* /*debug*/) {
  *bytes = 0;
  IOStatus status = Begin(Operation::kRead, path);
  if (!status.ok()) return status;
  const std::shared_ptr<Inode> inode = image().Find(Clean(path));
  if (inode == nullptr) return NoSuch(path);
  *bytes = inode->data.size();
  return status;
}

IOStatus SimulatedFileSystem::GetFileModificationTime(const std::string& path,
                                                      const IOOptions& options, uint64_t* time,
                                                      IODebugContext* debug) {
  *time = 0;
  return FileExists(path, options, debug);
}

IOStatus SimulatedFileSystem::IsDirectory(const std::string& path, const IOOptions& /*options*/,
                                          bool* is_directory, IODebugContext* /*debug*/) {
  *is_directory = image().IsDirectory(Clean(path));
  return Begin(Operation::kRead, path);
}

IOStatus SimulatedFileSystem::NumFileLinks(const std::string& path, const IOOptions& /*options*/,
                                           uint64_t* count, IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kRead, path);
  const std::shared_ptr<Inode> inode = image().Find(Clean(path));
  if (status.ok() && inode == nullptr) return NoSuch(path);
  *count = 0;
  for (const std::string& other : image().Files()) *count += image().Find(other) == inode;
  return status;
}

IOStatus SimulatedFileSystem::AreFilesSame(const std::string& first, const std::string& second,
                                           const IOOptions& /*options*/, bool* same,
                                           IODebugContext* /*debug*/) {
  *same = image().Find(Clean(first)) == image().Find(Clean(second));
  return Begin(Operation::kRead, first);
}

IOStatus SimulatedFileSystem::GetAbsolutePath(const std::string& path, const IOOptions& /*options*/,
                                              std::string* result, IODebugContext* /*debug*/) {
  *result = Clean(path.empty() || path[0] != '/' ? "/" + path : path);
  return IOStatus::OK();
}

IOStatus SimulatedFileSystem::GetTestDirectory(const IOOptions& options, std::string* path,
                                               IODebugContext* debug) {
  *path = "/test";
  return CreateDirIfMissing(*path, options, debug);
}

IOStatus SimulatedFileSystem::DeleteFile(const std::string& path, const IOOptions& /*options*/,
                                         IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kDelete, Clean(path));
  if (status.ok() && !image().Remove(Clean(path))) return NoSuch(path);
  return status;
}

IOStatus SimulatedFileSystem::Truncate(const std::string& path, size_t bytes,
                                       const IOOptions& /*options*/, IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kTruncate, Clean(path));
  if (!status.ok()) return status;
  const std::shared_ptr<Inode> inode = image().Find(Clean(path));
  if (inode == nullptr) return NoSuch(path);
  image().Truncate(inode.get(), bytes);
  return status;
}

IOStatus SimulatedFileSystem::RenameFile(const std::string& from, const std::string& to,
                                         const IOOptions& /*options*/, IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kRename, Clean(to));
  if (status.ok() && !image().Rename(Clean(from), Clean(to))) return NoSuch(from);
  return status;
}

IOStatus SimulatedFileSystem::LinkFile(const std::string& from, const std::string& to,
                                       const IOOptions& /*options*/, IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kLink, Clean(to));
  if (status.ok() && !image().Link(Clean(from), Clean(to))) return NoSuch(from);
  return status;
}

IOStatus SimulatedFileSystem::CreateDir(const std::string& path, const IOOptions& /*options*/,
                                        IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kDirectory, Clean(path));
  if (!status.ok()) return status;
  if (image().IsDirectory(Clean(path))) return IOStatus::IOError(path, "File exists");
  return image().MakeDirectory(Clean(path)) ? status : NoSuch(path);
}

IOStatus SimulatedFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options,
                                                 IODebugContext* debug) {
  if (image().IsDirectory(Clean(path))) return Begin(Operation::kRead, path);
  return CreateDir(path, options, debug);
}

IOStatus SimulatedFileSystem::DeleteDir(const std::string& path, const IOOptions& /*options*/,
                                        IODebugContext* /*debug*/) {
  IOStatus status = Begin(Operation::kDirectory, Clean(path));
  if (!status.ok()) return status;
  return image().RemoveDirectory(Clean(path)) ? status
                                              : IOStatus::IOError(path, "not an empty directory");
}

IOStatus SimulatedFileSystem::LockFile(const std::string& path, const IOOptions& /*options*/,
                                       rocksdb::FileLock** lock, IODebugContext* /*debug*/) {
  *lock = nullptr;
  IOStatus status = IOStatus::OK();
  if (image().Find(Clean(path)) != nullptr) {
    status = Begin(Operation::kRead, Clean(path));
  } else {
    status = Begin(Operation::kCreate, Clean(path));
    if (status.ok() && image().Create(Clean(path)) == nullptr) return NoSuch(path);
  }
  if (!status.ok()) return status;
  if (!locks_.insert(Clean(path)).second) {
    return IOStatus::IOError("While lock file: " + path, "Resource temporarily unavailable");
  }
  *lock = new Lock(Clean(path));
  return status;
}

IOStatus SimulatedFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/,
                                         IODebugContext* /*debug*/) {
  const std::unique_ptr<Lock> ours(static_cast<Lock*>(lock));
  locks_.erase(ours->path());
  return IOStatus::OK();
}

}  // namespace fleetqshape::test
