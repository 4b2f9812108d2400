#include "common/postfix/queue_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/support/temporary_directory.h"
#include "tests/support/unprivileged.h"

namespace fleetqshape::postfix {
namespace {

using test::TemporaryDirectory;
using test::UnprivilegedFileAccess;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

FileDescriptor Opened(const std::string& path) {
  auto fd = OpenDirectory(path.c_str());
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : FileDescriptor();
}

std::map<std::string, int> TypesIn(int directory_fd) {
  std::map<std::string, int> types;
  DirectoryReader reader;
  const absl::Status status = reader.ForEachEntry(directory_fd, [&](const DirectoryEntry& entry) {
    EXPECT_EQ(entry.name.data()[entry.name.size()], '\0');
    EXPECT_TRUE(types.emplace(entry.name, entry.type).second) << entry.name << " comes twice";
  });
  EXPECT_TRUE(status.ok()) << status;
  return types;
}

absl::StatusCode CodeOfOpening(const std::string& path) {
  return OpenDirectory(path.c_str()).status().code();
}

void MakeSocket(const std::string& path) {
  const FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

class QueueDirectoryTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
};

using DirectoryReaderTest = QueueDirectoryTest;
using OpenDirectoryTest = QueueDirectoryTest;
using OpenQueueFileTest = QueueDirectoryTest;

// With openat2 and without.
class OpenDirectoryBeneathTest
    : public QueueDirectoryTest,
      public ::testing::WithParamInterface<absl::StatusOr<FileDescriptor> (*)(int, const char*)> {
 protected:
  absl::StatusOr<FileDescriptor> Open(const FileDescriptor& root, const char* path) {
    return GetParam()(root.get(), path);
  }
};

INSTANTIATE_TEST_SUITE_P(Openat2, OpenDirectoryBeneathTest,
                         ::testing::Values(&OpenDirectoryBeneath));
INSTANTIATE_TEST_SUITE_P(Stepwise, OpenDirectoryBeneathTest,
                         ::testing::Values(&OpenDirectoryStepwise));

TEST_F(DirectoryReaderTest, TellsWhatEachEntryIs) {
  directory_.WriteFile("A1B2C3", "");
  directory_.MakeDirectory("D");
  std::filesystem::create_symlink("A1B2C3", directory_.path("LINK00"));
  ASSERT_EQ(mkfifo(directory_.path("FIFO00").c_str(), 0700), 0);
  MakeSocket(directory_.path("SOCKET"));
  EXPECT_THAT(TypesIn(Opened(directory_.path()).get()),
              ElementsAre(Pair("A1B2C3", DT_REG), Pair("D", DT_DIR), Pair("FIFO00", DT_FIFO),
                          Pair("LINK00", DT_LNK), Pair("SOCKET", DT_SOCK)));
}

TEST_F(DirectoryReaderTest, AnEmptyDirectoryHasNoEntries) {
  EXPECT_THAT(TypesIn(Opened(directory_.path()).get()), IsEmpty());
}

TEST_F(DirectoryReaderTest, NamesThatStartWithDotsAreEntries) {
  directory_.WriteFile(".hidden", "");
  directory_.WriteFile("...", "");
  EXPECT_THAT(TypesIn(Opened(directory_.path()).get()),
              ElementsAre(Pair("...", DT_REG), Pair(".hidden", DT_REG)));
}

TEST_F(DirectoryReaderTest, TellsTheInode) {
  const std::string path = directory_.WriteFile("A1B2C3", "");
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  DirectoryReader reader;
  const FileDescriptor fd = Opened(directory_.path());
  EXPECT_TRUE(
      reader
          .ForEachEntry(fd.get(),
                        [&](const DirectoryEntry& entry) { EXPECT_EQ(entry.inode, status.st_ino); })
          .ok());
}

TEST_F(DirectoryReaderTest, ALargeDirectoryIsReadToItsEnd) {
  // More than the reader's buffer holds.
  std::map<std::string, int> expected;
  for (int i = 0; i < 400; ++i) {
    const std::string name = std::string(200, 'A') + std::to_string(i);
    directory_.WriteFile(name, "");
    expected[name] = DT_REG;
  }
  EXPECT_EQ(TypesIn(Opened(directory_.path()).get()), expected);
}

TEST_F(DirectoryReaderTest, ReadsOnFromWhereTheDescriptorStands) {
  directory_.WriteFile("A1B2C3", "");
  const FileDescriptor fd = Opened(directory_.path());
  EXPECT_EQ(TypesIn(fd.get()).size(), 1U);
  EXPECT_THAT(TypesIn(fd.get()), IsEmpty());
}

TEST_F(DirectoryReaderTest, ADirectoryThatWasRemovedHasNoEntries) {
  const std::string path = directory_.MakeDirectory("D");
  const FileDescriptor fd = Opened(path);
  ASSERT_EQ(rmdir(path.c_str()), 0);
  EXPECT_THAT(TypesIn(fd.get()), IsEmpty());
}

TEST_F(DirectoryReaderTest, WhatIsNoDirectoryIsUnavailable) {
  const FileDescriptor fd(open(directory_.WriteFile("A1B2C3", "").c_str(), O_RDONLY | O_CLOEXEC));
  DirectoryReader reader;
  const auto visit = [](const DirectoryEntry& entry) { ADD_FAILURE() << entry.name; };
  EXPECT_EQ(reader.ForEachEntry(fd.get(), visit).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reader.ForEachEntry(-1, visit).code(), absl::StatusCode::kUnavailable);
}

TEST_F(OpenDirectoryTest, OpensADirectory) {
  const FileDescriptor fd = Opened(directory_.path());
  EXPECT_TRUE(fd.valid());
  EXPECT_EQ(fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(OpenDirectoryTest, WhatDoesNotExistIsNotFound) {
  EXPECT_EQ(CodeOfOpening(directory_.path("none")), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOfOpening(""), absl::StatusCode::kNotFound);
}

TEST_F(OpenDirectoryTest, WhatIsNoDirectoryIsRefused) {
  const std::string file = directory_.WriteFile("A1B2C3", "");
  EXPECT_EQ(CodeOfOpening(file), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOfOpening(file + "/x"), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(mkfifo(directory_.path("FIFO00").c_str(), 0700), 0);
  EXPECT_EQ(CodeOfOpening(directory_.path("FIFO00")), absl::StatusCode::kFailedPrecondition);
}

TEST_F(OpenDirectoryTest, ALinkIsRefusedUnlessASlashFollows) {
  directory_.MakeDirectory("D");
  std::filesystem::create_symlink("D", directory_.path("link"));
  EXPECT_EQ(CodeOfOpening(directory_.path("link")), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOfOpening(directory_.path("link/")), absl::StatusCode::kOk);
}

TEST_F(OpenDirectoryTest, WhatMayNotBeReadIsDenied) {
  const std::string path = directory_.MakeDirectory("D");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  const UnprivilegedFileAccess unprivileged;
  EXPECT_EQ(CodeOfOpening(path), absl::StatusCode::kPermissionDenied);
}

TEST_P(OpenDirectoryBeneathTest, OpensWhatLiesBelow) {
  directory_.MakeDirectory("D/E");
  directory_.WriteFile("D/E/A1B2C3", "");
  const FileDescriptor root = Opened(directory_.path());
  const auto below = Open(root, "D/E");
  ASSERT_TRUE(below.ok()) << below.status();
  EXPECT_THAT(TypesIn(below->get()), ElementsAre(Pair("A1B2C3", DT_REG)));
  const auto same = Open(root, ".");
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_THAT(TypesIn(same->get()), ElementsAre(Pair("D", DT_DIR)));
}

TEST_P(OpenDirectoryBeneathTest, RefusesToLeave) {
  directory_.MakeDirectory("queue/D");
  directory_.MakeDirectory("other");
  const FileDescriptor root = Opened(directory_.path("queue"));
  for (const std::string& path :
       {std::string(".."), std::string("../other"), std::string("D/../.."),
        std::string("D/../../queue"), directory_.path("queue/D"), std::string("/")}) {
    const auto opened = Open(root, path.c_str());
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kUnavailable) << path;
  }
}

TEST_P(OpenDirectoryBeneathTest, RefusesLinksEvenOnTheWayAndToWithin) {
  directory_.MakeDirectory("queue/D/E");
  directory_.MakeDirectory("other/E");
  std::filesystem::create_symlink("../other", directory_.path("queue/out"));
  std::filesystem::create_symlink("D", directory_.path("queue/in"));
  const FileDescriptor root = Opened(directory_.path("queue"));
  for (const char* path : {"out", "out/", "out/E", "in", "in/", "in/E"}) {
    EXPECT_EQ(Open(root, path).status().code(), absl::StatusCode::kFailedPrecondition) << path;
  }
}

TEST_P(OpenDirectoryBeneathTest, RefusesMountPoints) {
  const FileDescriptor root = Opened("/");
  EXPECT_EQ(Open(root, "proc").status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(OpenDirectoryBeneathTest, TellsWhatIsMissingOrDenied) {
  directory_.WriteFile("A1B2C3", "");
  directory_.MakeDirectory("D");
  const FileDescriptor root = Opened(directory_.path());
  const auto code = [&](const char* path) { return Open(root, path).status().code(); };
  EXPECT_EQ(code("none"), absl::StatusCode::kNotFound);
  EXPECT_EQ(code("A1B2C3"), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(chmod(directory_.path("D").c_str(), 0), 0);
  const UnprivilegedFileAccess unprivileged;
  EXPECT_EQ(code("D"), absl::StatusCode::kPermissionDenied);
}

TEST_F(OpenQueueFileTest, OpensARegularFileAndTakesItsStatus) {
  directory_.WriteFile("A1B2C3", "hello", 0740);
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  const FileDescriptor fd(OpenQueueFile(root.get(), "A1B2C3", &status));
  ASSERT_TRUE(fd.valid());
  EXPECT_EQ(status.st_mode, S_IFREG | 0740U);
  EXPECT_EQ(status.st_size, 5);
  char bytes[8];
  EXPECT_EQ(read(fd.get(), bytes, sizeof bytes), 5);
  EXPECT_EQ(fcntl(fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(OpenQueueFileTest, RefusesWhatIsNoRegularFileWithoutWaiting) {
  ASSERT_EQ(mkfifo(directory_.path("FIFO00").c_str(), 0700), 0);
  directory_.MakeDirectory("DIRECT");
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  for (const char* name : {"FIFO00", "DIRECT"}) {
    errno = 0;
    EXPECT_EQ(OpenQueueFile(root.get(), name, &status), -1) << name;
    EXPECT_EQ(errno, EINVAL) << name;
  }
  MakeSocket(directory_.path("SOCKET"));
  EXPECT_EQ(OpenQueueFile(root.get(), "SOCKET", &status), -1);
}

TEST_F(OpenQueueFileTest, RefusesLinks) {
  directory_.WriteFile("A1B2C3", "");
  std::filesystem::create_symlink("A1B2C3", directory_.path("LINK00"));
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  EXPECT_EQ(OpenQueueFile(root.get(), "LINK00", &status), -1);
  EXPECT_EQ(errno, ELOOP);
}

TEST_F(OpenQueueFileTest, TellsThatAFileIsGone) {
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  EXPECT_EQ(OpenQueueFile(root.get(), "A1B2C3", &status), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(OpenQueueFileTest, TellsThatAFileMayNotBeRead) {
  directory_.WriteFile("A1B2C3", "", 0);
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  const UnprivilegedFileAccess unprivileged;
  EXPECT_EQ(OpenQueueFile(root.get(), "A1B2C3", &status), -1);
  EXPECT_EQ(errno, EACCES);
}

TEST_F(OpenQueueFileTest, LeavesTheTimeOfReadingAloneWhereItMay) {
  directory_.WriteFile("A1B2C3", "");
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  const FileDescriptor fd(OpenQueueFile(root.get(), "A1B2C3", &status));
  EXPECT_EQ(fcntl(fd.get(), F_GETFL) & O_NOATIME, O_NOATIME);
}

TEST_F(OpenQueueFileTest, OpensTheFilesOfOthersToo) {
  const FileDescriptor etc = Opened("/etc");  // root's, whoever runs this
  struct stat status {};
  const UnprivilegedFileAccess unprivileged;
  for (const char* name : {"passwd", "group"}) {
    const FileDescriptor fd(OpenQueueFile(etc.get(), name, &status));
    EXPECT_TRUE(fd.valid()) << name;
    EXPECT_EQ(fcntl(fd.get(), F_GETFL) & O_NOATIME, 0) << name;
  }
}

TEST_F(OpenQueueFileTest, LeavesNothingOpenThatItRefuses) {
  ASSERT_EQ(mkfifo(directory_.path("FIFO00").c_str(), 0700), 0);
  const FileDescriptor root = Opened(directory_.path());
  struct stat status {};
  const auto next_free = [] {
    return FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
  };
  const int before = next_free();
  EXPECT_EQ(OpenQueueFile(root.get(), "FIFO00", &status), -1);
  EXPECT_EQ(next_free(), before);
}

}  // namespace
}  // namespace fleetqshape::postfix
