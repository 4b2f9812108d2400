// Open files of a simulated process.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_FILES_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_FILES_H_

#include <rocksdb/file_system.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/simulation/simulated_machine.h"

namespace fleetqshape::test {

// An open file, which takes place on the disk until it is closed.
class OpenFile {
 public:
  OpenFile(std::shared_ptr<SimulatedProcess> process, std::string path,
           std::shared_ptr<Inode> inode);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // At most `bytes` from `offset` on, into `scratch`.
  rocksdb::IOStatus Read(uint64_t offset, size_t bytes, char* scratch,
                         rocksdb::Slice* result) const;
  rocksdb::IOStatus Append(std::string_view data);
  rocksdb::IOStatus Sync();
  rocksdb::IOStatus Truncate(uint64_t bytes);
  rocksdb::IOStatus Allocate(uint64_t bytes);
  void Close();
  uint64_t size() const { return inode_->data.size(); }

 private:
  FaultPlan::Verdict Begin(Operation operation, std::string_view data = {}) const;

  const std::shared_ptr<SimulatedProcess> process_;
  const std::string path_;
  const std::shared_ptr<Inode> inode_;
  bool open_ = true;
};

std::unique_ptr<rocksdb::FSSequentialFile> MakeSequentialFile(std::unique_ptr<OpenFile> file);
std::unique_ptr<rocksdb::FSRandomAccessFile> MakeRandomAccessFile(std::unique_ptr<OpenFile> file);
std::unique_ptr<rocksdb::FSWritableFile> MakeWritableFile(std::unique_ptr<OpenFile> file,
                                                          const rocksdb::FileOptions& options);

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_FILES_H_
