// A disk that fills up and fails when it is told to, over the machine's own.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_STORE_FAULTY_DISK_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_STORE_FAULTY_DISK_H_

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fleetqshape::test {

class FaultyDisk {
 public:
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max() / 2;

  FaultyDisk() : files_(rocksdb::NewCompositeEnv(std::make_shared<Files>(this))), env_(this) {}

  rocksdb::Env* env() { return &env_; }
  // So many bytes can be appended from now on, to files whose names end in `suffix`; of what is
  // too much, the part that fits is written.
  void SetRoom(int64_t bytes, const std::string& suffix = "") {
    suffix_ = suffix;
    room_ = bytes;
  }
  // Each later sync fails, after all was written.
  void FailSyncs(bool fail) { fail_syncs_ = fail; }
  // From now on RocksDB's work in the background is not begun. Not to be let go before the store
  // that gave it is closed.
  void HoldWork() { hold_ = true; }
  void LetWork() { hold_ = false; }
  // Appends, syncs, and files and directories that were opened or made.
  uint64_t operations() const { return operations_; }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::string name, FaultyDisk* disk)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
          name_(std::move(name)),
          disk_(*disk) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      ++disk_.operations_;
      if (!name_.ends_with(disk_.suffix_)) return target()->Append(data, options, debug);
      const int64_t size = static_cast<int64_t>(data.size());
      const int64_t room = disk_.room_.fetch_sub(size);
      if (size <= room) return target()->Append(data, options, debug);
      disk_.room_ = 0;
      const rocksdb::Slice part(data.data(), static_cast<size_t>(std::max<int64_t>(room, 0)));
      const rocksdb::IOStatus written = target()->Append(part, options, debug);
      if (!written.ok()) return written;
      return rocksdb::IOStatus::NoSpace("While appending to file: " + name_,
                                        "No space left on device");
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& /*info*/,
                             rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    // No machine crashes here: waiting for the disk would only take time.
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& /*options*/,
                           rocksdb::IODebugContext* /*debug*/) override {
      ++disk_.operations_;
      if (disk_.fail_syncs_) return rocksdb::IOStatus::IOError(name_, "Input/output error");
      return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override {
      return Sync(options, debug);
    }

   private:
    const std::string name_;
    FaultyDisk& disk_;
  };

  class Files final : public rocksdb::FileSystemWrapper {
   public:
    explicit Files(FaultyDisk* disk)
        : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(*disk) {}
    const char* Name() const override { return "FaultyDisk"; }

    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override {
      ++disk_.operations_;
      const rocksdb::IOStatus made = target()->NewWritableFile(name, options, file, debug);
      if (made.ok()) *file = std::make_unique<File>(std::move(*file), name, &disk_);
      return made;
    }
    rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* directory,
                                   rocksdb::IODebugContext* debug) override {
      ++disk_.operations_;
      return target()->NewDirectory(name, options, directory, debug);
    }
    rocksdb::IOStatus NewSequentialFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                        rocksdb::IODebugContext* debug) override {
      ++disk_.operations_;
      return target()->NewSequentialFile(name, options, file, debug);
    }

   private:
    FaultyDisk& disk_;
  };

  class Work final : public rocksdb::EnvWrapper {
   public:
    explicit Work(FaultyDisk* disk) : rocksdb::EnvWrapper(disk->files_.get()), disk_(*disk) {}
    const char* Name() const override { return "FaultyDisk"; }

    void Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                  void (*drop)(void*)) override {
      if (!disk_.hold_) return target()->Schedule(function, argument, priority, tag, drop);
      const std::lock_guard lock(mutex_);
      held_.push_back({argument, priority, tag, drop});
    }
    int UnSchedule(void* tag, Priority priority) override {
      int dropped = target()->UnSchedule(tag, priority);
      const std::lock_guard lock(mutex_);
      std::erase_if(held_, [&](const Held& held) {
        if (held.tag != tag || held.priority != priority) return false;
        if (held.drop != nullptr) held.drop(held.argument);
        ++dropped;
        return true;
      });
      return dropped;
    }

   private:
    struct Held {
      void* argument;
      Priority priority;
      void* tag;
      void (*drop)(void*);
    };
    FaultyDisk& disk_;
    std::mutex mutex_;
    std::vector<Held> held_;
  };

  std::string suffix_;
  std::atomic<int64_t> room_ = kUnlimited;
  std::atomic<bool> fail_syncs_ = false;
  std::atomic<uint64_t> operations_ = 0;
  std::atomic<bool> hold_ = false;
  const std::unique_ptr<rocksdb::Env> files_;
  Work env_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_STORE_FAULTY_DISK_H_
