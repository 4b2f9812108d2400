// A directory for one test.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define FLEETQSHAPE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/file_descriptor.h"

namespace fleetqshape::test {

// A new directory of its own below ::testing::TempDir(), removed at the end with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(::testing::TempDir() + "fleetqshape.XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << path_;
    // Other users have to get in, for the tests of what they may not read.
    chmod(path_.c_str(), 0755);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }

  std::string MakeDirectory(std::string_view name) const {
    std::filesystem::create_directories(path(name));
    return path(name);
  }
  // A file as Postfix leaves it, by its mode, when it is complete.
  std::string WriteFile(std::string_view name, std::string_view bytes, mode_t mode = 0700) const {
    const FileDescriptor fd(
        open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    EXPECT_TRUE(fd.valid()) << path(name);
    while (!bytes.empty()) {
      const ssize_t count = write(fd.get(), bytes.data(), bytes.size());
      if (count <= 0) {
        ADD_FAILURE() << "write " << path(name);
        break;
      }
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    EXPECT_EQ(fchmod(fd.get(), mode), 0);
    return path(name);
  }

 private:
  std::string path_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
