// The file system of a simulated machine, as RocksDB asks one.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_FILE_SYSTEM_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_FILE_SYSTEM_H_

#include <rocksdb/file_system.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/simulated_files.h"

namespace fleetqshape::test {

// One process' view of the machine. Not safe for use by several threads.
class SimulatedFileSystem final : public rocksdb::FileSystem {
 public:
  using IOStatus = rocksdb::IOStatus;
  using IOOptions = rocksdb::IOOptions;
  using FileOptions = rocksdb::FileOptions;
  using IODebugContext = rocksdb::IODebugContext;

  explicit SimulatedFileSystem(std::shared_ptr<SimulatedProcess> process)
      : process_(std::move(process)) {}

  const char* Name() const override { return "SimulatedFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* debug) override;
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* debug) override;
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override;
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* debug) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* debug) override;

  IOStatus FileExists(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus GetChildren(const std::string& path, const IOOptions& options,
                       std::vector<std::string>* result, IODebugContext* debug) override;
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, uint64_t* bytes,
                       IODebugContext* debug) override;
  // Always the same.
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions& options,
                                   uint64_t* time, IODebugContext* debug) override;
  IOStatus IsDirectory(const std::string& path, const IOOptions& options, bool* is_directory,
                       IODebugContext* debug) override;
  IOStatus NumFileLinks(const std::string& path, const IOOptions& options, uint64_t* count,
                        IODebugContext* debug) override;
  IOStatus AreFilesSame(const std::string& first, const std::string& second,
                        const IOOptions& options, bool* same, IODebugContext* debug) override;
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& options, std::string* result,
                           IODebugContext* debug) override;
  IOStatus GetTestDirectory(const IOOptions& options, std::string* path,
                            IODebugContext* debug) override;
  // GetFreeSpace is not supported, on purpose: RocksDB would wait for room in a thread of its own.

  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus Truncate(const std::string& path, size_t bytes, const IOOptions& options,
                    IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override;
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override;
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override;
  IOStatus DeleteDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override;
  // A lock is the process', and ends with it.
  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* debug) override;
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& options,
                      IODebugContext* debug) override;

 private:
  // The status of an operation that is about to be done.
  IOStatus Begin(Operation operation, const std::string& path) const;
  std::unique_ptr<OpenFile> Open(const std::string& path, std::shared_ptr<Inode> inode) const;
  IOStatus OpenToRead(const std::string& path, std::unique_ptr<OpenFile>* file) const;
  DiskImage& image() const { return process_->machine->image; }

  const std::shared_ptr<SimulatedProcess> process_;
  std::set<std::string> locks_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_FILE_SYSTEM_H_
