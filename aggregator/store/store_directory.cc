#include "aggregator/store/store_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos) return end == std::string::npos ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status Sync(rocksdb::Env& env, const std::string& directory) {
  std::unique_ptr<rocksdb::Directory> opened;
  FQS_RETURN_IF_ERROR(ToAbsl(env.NewDirectory(directory, &opened)));
  return ToAbsl(opened->Fsync());
}

}  // namespace

absl::Status ToAbsl(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string words = status.ToString();
  if (status.IsNoSpace() || absl::StrContains(words, strerror(EDQUOT))) {
    return absl::ResourceExhaustedError(words);
  }
  if (status.IsCorruption()) return absl::DataLossError(words);
  return absl::UnavailableError(words);
}

StoreDirectory::StoreDirectory(std::string path, rocksdb::Env* env)
    : path_(std::move(path)), env_(*env) {}

StoreDirectory::~StoreDirectory() {
  if (lock_ != nullptr) env_.UnlockFile(lock_).PermitUncheckedError();
}

absl::StatusOr<std::unique_ptr<StoreDirectory>> StoreDirectory::Take(const std::string& path,
                                                                     rocksdb::Env* env) {
  std::unique_ptr<StoreDirectory> directory(new StoreDirectory(path, env));
  FQS_ASSIGN_OR_RETURN(const bool there, directory->Exists(path));
  if (!there) {
    FQS_RETURN_IF_ERROR(directory->MakeDirectory(path));
    // So that a crash of the machine does not take the directory itself. Its parent may be one that
    // we can't open.
    Sync(*env, ParentOf(path)).IgnoreError();
  }
  FQS_RETURN_IF_ERROR(directory->RefuseOlderLayout());
  FQS_RETURN_IF_ERROR(directory->Lock());
  FQS_RETURN_IF_ERROR(directory->FinishReplacement());
  FQS_RETURN_IF_ERROR(directory->DropNew());
  return directory;
}

absl::StatusOr<std::unique_ptr<StoreDirectory>> StoreDirectory::TakeExisting(
    const std::string& path, rocksdb::Env* env) {
  std::unique_ptr<StoreDirectory> directory(new StoreDirectory(path, env));
  FQS_RETURN_IF_ERROR(directory->RefuseOlderLayout());
  FQS_ASSIGN_OR_RETURN(const bool there, directory->HasDatabase());
  FQS_ASSIGN_OR_RETURN(const bool ready, directory->Exists(directory->ready_database()));
  if (!there && !ready) {
    return absl::NotFoundError(absl::StrCat(path, ": there is no store"));
  }
  // Taking the lock makes the file if it is not there: a copy of a store may lack it.
  FQS_ASSIGN_OR_RETURN(const bool has_lock, directory->Exists(path + "/LOCK"));
  if (has_lock) FQS_RETURN_IF_ERROR(directory->Lock());
  return directory;
}

absl::Status StoreDirectory::Lock() {
  const rocksdb::Status locked = env_.LockFile(path_ + "/LOCK", &lock_);
  if (locked.ok()) return absl::OkStatus();
  lock_ = nullptr;
  const std::string words = locked.ToString();
  // Of another process, and of this one.
  if (absl::StrContains(words, strerror(EAGAIN)) ||
      absl::StrContains(words, "lock hold by current process")) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, " is in use by another process: ", words));
  }
  return absl::Status(ToAbsl(locked).code(), absl::StrCat(path_, ": ", words));
}

absl::Status StoreDirectory::RefuseOlderLayout() const {
  FQS_ASSIGN_OR_RETURN(const bool older, Exists(path_ + "/CURRENT"));
  if (!older) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path_,
      " holds a store of an older layout (its files stand there and not in db/), which "
      "this program does not read: use another directory; agents send all again"));
}

absl::StatusOr<bool> StoreDirectory::HasDatabase() const { return Exists(database()); }

absl::Status StoreDirectory::PrepareNew() {
  FQS_RETURN_IF_ERROR(DropNew());
  return MakeDirectory(new_database());
}

absl::Status StoreDirectory::DropNew() { return RemoveTree(new_database()); }

absl::Status StoreDirectory::ReplaceByNew() {
  FQS_RETURN_IF_ERROR(Sync(env_, new_database()));
  FQS_RETURN_IF_ERROR(Sync(env_, path_));
  FQS_RETURN_IF_ERROR(Rename(new_database(), ready_database()));
  return FinishReplacement();
}

absl::Status StoreDirectory::FinishReplacement() {
  FQS_ASSIGN_OR_RETURN(const bool ready, Exists(ready_database()));
  if (!ready) return absl::OkStatus();
  FQS_ASSIGN_OR_RETURN(const bool there, HasDatabase());
  if (there) {
    FQS_RETURN_IF_ERROR(RemoveTree(damaged_database()));
    FQS_RETURN_IF_ERROR(Rename(database(), damaged_database()));
  }
  return Rename(ready_database(), database());
}

absl::StatusOr<bool> StoreDirectory::Exists(const std::string& path) const {
  const rocksdb::Status found = env_.FileExists(path);
  if (found.ok()) return true;
  if (found.IsNotFound()) return false;
  return ToAbsl(found);
}

absl::Status StoreDirectory::MakeDirectory(const std::string& path) const {
  // The domains that a fleet's users write to are nobody else's business. RocksDB's own way gives
  // everybody a look.
  if (&env_ != rocksdb::Env::Default()) return ToAbsl(env_.CreateDirIfMissing(path));
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  const std::string words = absl::StrCat("cannot make ", path, ": ", std::strerror(errno));
  return errno == ENOSPC || errno == EDQUOT ? absl::ResourceExhaustedError(words)
                                            : absl::UnavailableError(words);
}

absl::Status StoreDirectory::RemoveTree(const std::string& path) const {
  FQS_ASSIGN_OR_RETURN(const bool there, Exists(path));
  if (!there) return absl::OkStatus();
  std::vector<std::string> children;
  FQS_RETURN_IF_ERROR(ToAbsl(env_.GetChildren(path, &children)));
  for (const std::string& name : children) {
    if (name == "." || name == "..") continue;
    const std::string child = absl::StrCat(path, "/", name);
    if (env_.DeleteFile(child).ok()) continue;
    FQS_RETURN_IF_ERROR(RemoveTree(child));  // RocksDB's own directories: archive, lost
  }
  return ToAbsl(env_.DeleteDir(path));
}

absl::Status StoreDirectory::Rename(const std::string& from, const std::string& to) const {
  FQS_RETURN_IF_ERROR(ToAbsl(env_.RenameFile(from, to)));
  return Sync(env_, path_);
}

}  // namespace fleetqshape
