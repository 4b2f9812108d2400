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
#include <string>
#include <utility>

namespace fleetqshape::test {

class FaultyDisk {
 public:
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max() / 2;

  FaultyDisk() : env_(rocksdb::NewCompositeEnv(std::make_shared<Files>(this))) {}

  rocksdb::Env* env() { return env_.get(); }
  // So many bytes can be appended from now on, to files whose names end in `suffix`; of what is
  // too much, the part that fits is written.
  void SetRoom(int64_t bytes, const std::string& suffix = "") {
    suffix_ = suffix;
    room_ = bytes;
  }
  // Each later sync fails, after all was written.
  void FailSyncs(bool fail) { fail_syncs_ = fail; }
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

  std::string suffix_;
  std::atomic<int64_t> room_ = kUnlimited;
  std::atomic<bool> fail_syncs_ = false;
  std::atomic<uint64_t> operations_ = 0;
  const std::unique_ptr<rocksdb::Env> env_;  // last: its files refer to the rest
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_STORE_FAULTY_DISK_H_
