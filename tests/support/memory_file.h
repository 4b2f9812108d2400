// Files without a directory.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_MEMORY_FILE_H_
#define FLEETQSHAPE_TESTS_SUPPORT_MEMORY_FILE_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "common/base/file_descriptor.h"

namespace fleetqshape::test {

// An open file in memory that holds `bytes`, and zeros from there up to `size`, if that is more;
// they take no memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes, int64_t size = 0)
      : fd_(memfd_create("fleetqshape-test", MFD_CLOEXEC)) {
    EXPECT_TRUE(fd_.valid());
    Write(0, bytes);
    if (size > static_cast<int64_t>(bytes.size())) {
      EXPECT_EQ(ftruncate(fd_.get(), size), 0);
    }
  }

  // Puts `bytes` at an offset.
  void Write(int64_t offset, std::string_view bytes) {
    EXPECT_EQ(pwrite(fd_.get(), bytes.data(), bytes.size(), offset),
              static_cast<ssize_t>(bytes.size()));
  }

  int fd() const { return fd_.get(); }
  struct stat status() const {
    struct stat status {};
    EXPECT_EQ(fstat(fd_.get(), &status), 0);
    return status;
  }
  int64_t size() const { return status().st_size; }

 private:
  FileDescriptor fd_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_MEMORY_FILE_H_
