// A Postfix queue directory with real queue files, which moves and changes as Postfix's own does.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_QUEUE_DIRECTORY_BUILDER_H_
#define FLEETQSHAPE_TESTS_SUPPORT_QUEUE_DIRECTORY_BUILDER_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "common/base/file_descriptor.h"
#include "common/shape/queue.h"
#include "tests/support/queue_file_builder.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape::test {

// Files are named by their path below the queue directory, as "deferred/A/B/AB12345".
class QueueDirectoryBuilder {
 public:
  // Makes the queues' own directories.
  QueueDirectoryBuilder() {
    for (Queue queue : kAllQueues) MakeDirectory(std::string(QueueName(queue)));
  }

  const std::string& path() const { return directory_.path(); }
  std::string path(const std::string& name) const { return directory_.path(name); }

  void MakeDirectory(const std::string& name) const {
    const std::string made = directory_.MakeDirectory(name);
    EXPECT_EQ(chmod(made.c_str(), 0755), 0);
  }
  // A complete message. Its directory has to be there.
  void Write(const std::string& name, const QueueMessage& message, mode_t mode = 0700) const {
    directory_.WriteFile(name, CleanupFile(message), mode);
  }
  void WriteBytes(const std::string& name, std::string_view bytes, mode_t mode = 0700) const {
    directory_.WriteFile(name, bytes, mode);
  }
  // As Postfix moves a message from queue to queue: the file stays the same one.
  void Move(const std::string& from, const std::string& to) const {
    EXPECT_EQ(rename(path(from).c_str(), path(to).c_str()), 0) << from << " " << to;
  }
  void Remove(const std::string& name) const { EXPECT_EQ(unlink(path(name).c_str()), 0) << name; }
  void SetMode(const std::string& name, mode_t mode) const {
    EXPECT_EQ(chmod(path(name).c_str(), mode), 0) << name;
  }
  // As the delivery agent notes that a recipient is done: one byte, R to D, in place.
  void MarkDelivered(const std::string& name, std::string_view recipient) const {
    const FileDescriptor file(open(path(name).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(file.valid()) << name;
    std::string bytes(1 << 16, '\0');
    const ssize_t length = pread(file.get(), bytes.data(), bytes.size(), 0);
    ASSERT_GT(length, 0) << name;
    bytes.resize(static_cast<size_t>(length));
    const std::string record = "R" + EncodedLength(recipient.size()) + std::string(recipient);
    const size_t offset = bytes.find(record);
    ASSERT_NE(offset, std::string::npos) << name << " has no recipient " << recipient;
    ASSERT_EQ(pwrite(file.get(), "D", 1, static_cast<off_t>(offset)), 1);
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_QUEUE_DIRECTORY_BUILDER_H_
