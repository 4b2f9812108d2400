#include "cli/local/file_closer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace fleetqshape {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

std::vector<int> OpenSome(int count) {
  std::vector<int> fds;
  for (int i = 0; i < count; ++i) fds.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fds;
}

TEST(FileCloserTest, ClosesAllItWasGivenAndNothingElse) {
  for (const int count : {1, 2, 31, 32, 33, 100}) {
    const std::vector<int> before = OpenSome(1);
    const std::vector<int> fds = OpenSome(count);
    const std::vector<int> behind = OpenSome(1);
    FileCloser closer;
    for (const int fd : fds) closer.Close(fd);
    closer.Flush();
    for (const int fd : fds) EXPECT_FALSE(IsOpen(fd)) << count;
    EXPECT_TRUE(IsOpen(before[0]));
    EXPECT_TRUE(IsOpen(behind[0]));
    close(before[0]);
    close(behind[0]);
  }
}

TEST(FileCloserTest, LeavesOpenWhatStandsBetween) {
  const std::vector<int> fds = OpenSome(40);
  FileCloser closer;
  for (size_t i = 0; i < fds.size(); ++i) {
    if (i % 3 != 1) closer.Close(fds[i]);
  }
  closer.Flush();
  for (size_t i = 0; i < fds.size(); ++i) {
    EXPECT_EQ(IsOpen(fds[i]), i % 3 == 1) << i;
    if (i % 3 == 1) close(fds[i]);
  }
}

TEST(FileCloserTest, TakesDescriptorsInAnyOrder) {
  const std::vector<int> fds = OpenSome(10);
  FileCloser closer;
  for (size_t i = fds.size(); i > 0; --i) closer.Close(fds[i - 1]);
  closer.Flush();
  for (const int fd : fds) EXPECT_FALSE(IsOpen(fd));
}

TEST(FileCloserTest, KeepsFewOpen) {
  FileCloser closer;
  int highest = 0;
  for (int i = 0; i < 1000; ++i) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    highest = fd > highest ? fd : highest;
    closer.Close(fd);
  }
  closer.Flush();
  EXPECT_LT(highest, 200);
}

TEST(FileCloserTest, NothingToFlushIsNoError) {
  FileCloser closer;
  closer.Flush();
  closer.Flush();
  EXPECT_TRUE(IsOpen(STDERR_FILENO));
}

}  // namespace
}  // namespace fleetqshape
