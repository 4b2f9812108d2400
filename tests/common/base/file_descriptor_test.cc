#include "common/base/file_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace fleetqshape {
namespace {

int OpenSomething() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST(FileDescriptorTest, NothingIsOwnedByDefault) {
  const FileDescriptor fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
}

TEST(FileDescriptorTest, ClosesAtTheEnd) {
  const int number = OpenSomething();
  {
    const FileDescriptor fd(number);
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(FileDescriptorTest, MovingHandsOverAndClosesOnce) {
  const int number = OpenSomething();
  FileDescriptor first(number);
  FileDescriptor second(std::move(first));
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what a moved one holds
  EXPECT_EQ(second.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(FileDescriptorTest, AssigningClosesWhatWasOwned) {
  const int old_number = OpenSomething();
  const int new_number = OpenSomething();
  FileDescriptor fd(old_number);
  fd = FileDescriptor(new_number);
  EXPECT_FALSE(IsOpen(old_number));
  EXPECT_TRUE(IsOpen(new_number));
  FileDescriptor& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(IsOpen(new_number));
}

TEST(FileDescriptorTest, ReleaseLeavesItOpen) {
  FileDescriptor fd(OpenSomething());
  const FileDescriptor owner(fd.Release());
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(owner.get()));
}

}  // namespace
}  // namespace fleetqshape
