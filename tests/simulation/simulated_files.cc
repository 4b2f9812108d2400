#include "tests/simulation/simulated_files.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fleetqshape::test {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<OpenFile> file) : file_(std::move(file)) {}

  IOStatus Read(size_t bytes, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*debug*/) override {
    IOStatus status = file_->Read(offset_, bytes, scratch, result);
    if (status.ok()) offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t bytes) override {
    offset_ = std::min(offset_ + bytes, file_->size());
    return IOStatus::OK();
  }

 private:
  const std::unique_ptr<OpenFile> file_;
  uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<OpenFile> file) : file_(std::move(file)) {}

  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*debug*/) const override {
    return file_->Read(offset, bytes, scratch, result);
  }

 private:
  const std::unique_ptr<OpenFile> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::unique_ptr<OpenFile> file, const rocksdb::FileOptions& options)
      : rocksdb::FSWritableFile(options),
        file_(std::move(file)),
        allow_fallocate_(options.allow_fallocate) {}

  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*debug*/) override {
    return file_->Append(data.ToStringView());
  }
  IOStatus Truncate(uint64_t bytes, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    return file_->Truncate(bytes);
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    file_->Close();
    return IOStatus::OK();
  }
  // What is appended is the kernel's at once.
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return file_->Sync();
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return file_->size();
  }
  // As sync_file_range(2), which starts writing but leaves nothing that could be relied on.
  IOStatus RangeSync(uint64_t /*offset*/, uint64_t /*bytes*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Allocate(uint64_t offset, uint64_t bytes, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    return allow_fallocate_ ? file_->Allocate(offset + bytes) : IOStatus::OK();
  }

 private:
  const std::unique_ptr<OpenFile> file_;
  const bool allow_fallocate_;
};

}  // namespace

OpenFile::OpenFile(std::shared_ptr<SimulatedProcess> process, std::string path,
                   std::shared_ptr<Inode> inode)
    : process_(std::move(process)), path_(std::move(path)), inode_(std::move(inode)) {
  ++inode_->open_handles;
}

// A destroyed file gives nothing back of what was preallocated: Close does.
OpenFile::~OpenFile() {
  if (open_ && process_->alive) --inode_->open_handles;
}

FaultPlan::Verdict OpenFile::Begin(Operation operation, std::string_view data) const {
  if (!process_->alive) return {IOStatus::IOError(path_, "the simulated process is dead")};
  return process_->machine->faults.Begin(operation, path_, data);
}

IOStatus OpenFile::Read(uint64_t offset, size_t bytes, char* scratch, Slice* result) const {
  *result = Slice(scratch, 0);
  IOStatus status = Begin(Operation::kRead).status;
  if (!status.ok() || offset >= inode_->data.size()) return status;
  const size_t there = std::min<uint64_t>(bytes, inode_->data.size() - offset);
  std::memcpy(scratch, inode_->data.data() + offset, there);
  *result = Slice(scratch, there);
  return status;
}

IOStatus OpenFile::Append(std::string_view data) {
  FaultPlan::Verdict verdict = Begin(Operation::kAppend, data);
  if (!verdict.status.ok() && verdict.kept == 0) return verdict.status;
  if (!verdict.status.ok()) data = data.substr(0, verdict.kept);
  const size_t appended = process_->machine->image.Append(inode_.get(), data);
  process_->machine->faults.Ended(std::to_string(appended));
  if (verdict.status.ok() && appended < data.size()) {
    return IOStatus::NoSpace(path_, "No space left on device");
  }
  return verdict.status;
}

IOStatus OpenFile::Sync() {
  FaultPlan::Verdict verdict = Begin(Operation::kSync);
  if (verdict.status.ok()) {
    DiskImage::Sync(inode_.get());
  } else if (process_->alive && !process_->machine->faults.dying()) {
    DiskImage::SyncFails(inode_.get());
  }
  return verdict.status;
}

IOStatus OpenFile::Truncate(uint64_t bytes) {
  FaultPlan::Verdict verdict = Begin(Operation::kTruncate);
  if (verdict.status.ok()) process_->machine->image.Truncate(inode_.get(), bytes);
  return verdict.status;
}

IOStatus OpenFile::Allocate(uint64_t bytes) {
  FaultPlan::Verdict verdict = Begin(Operation::kAllocate);
  if (verdict.status.ok() && !process_->machine->image.Allocate(inode_.get(), bytes)) {
    return IOStatus::NoSpace(path_, "No space left on device");
  }
  return verdict.status;
}

void OpenFile::Close() {
  if (!open_ || !process_->alive) return;
  open_ = false;
  --inode_->open_handles;
  // As RocksDB's own: what was preallocated and not used is given back.
  if (!process_->machine->faults.dying()) inode_->allocated = inode_->data.size();
}

std::unique_ptr<rocksdb::FSSequentialFile> MakeSequentialFile(std::unique_ptr<OpenFile> file) {
  return std::make_unique<SequentialFile>(std::move(file));
}

std::unique_ptr<rocksdb::FSRandomAccessFile> MakeRandomAccessFile(std::unique_ptr<OpenFile> file) {
  return std::make_unique<RandomAccessFile>(std::move(file));
}

std::unique_ptr<rocksdb::FSWritableFile> MakeWritableFile(std::unique_ptr<OpenFile> file,
                                                          const rocksdb::FileOptions& options) {
  return std::make_unique<WritableFile>(std::move(file), options);
}

}  // namespace fleetqshape::test
