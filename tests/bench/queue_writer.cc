// queue_writer: writes a deferred queue to be scanned by benchmarks.
//
//   queue_writer DIRECTORY FILES [SEED]
//
// DIRECTORY/deferred gets FILES queue files as a busy relay has them: hash_queue_names depth 1,
// short queue ids, records as cleanup(8) writes them, sizes of a log-normal distribution (6.4 KB on
// the average), one recipient in nine messages of ten and up to 30 in the others, some delivered
// already, some recipients extracted from the content, 20,000 domains by Zipf's law, ages up to
// five days. As qmgr(8) leaves it, a file's mtime is the time of the next delivery attempt, which
// lies ahead.
//
// Prints what it wrote as JSON: {"files": 1, "bytes": 2, "recipients": 3}.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/file_descriptor.h"
#include "tests/bench/message_source.h"

namespace fleetqshape {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::perror(("queue_writer: " + what).c_str());
  std::exit(1);
}

// A file takes the way of a message: written in incoming, then renamed to what its inode gives.
void WriteMessage(const std::string& directory, const Message& message, int64_t now_seconds,
                  uint64_t microseconds) {
  const std::string incoming = directory + "/incoming/new";
  const FileDescriptor file(open(incoming.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (file.get() < 0) Fail(incoming);
  const ssize_t written = write(file.get(), message.bytes.data(), message.bytes.size());
  if (written != static_cast<ssize_t>(message.bytes.size())) Fail(incoming);
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || fchmod(file.get(), 0700) != 0) Fail(incoming);
  const int64_t backoff_seconds =
      std::clamp<int64_t>(now_seconds - message.arrival_seconds, 300, 4000);
  // A day more, so that it stays ahead for as long as a benchmark may take.
  const std::array<timespec, 2> times = {
      {{now_seconds - 1000, 0}, {now_seconds + backoff_seconds + 86400, 0}}};
  if (futimens(file.get(), times.data()) != 0) Fail(incoming);
  const std::string id = Format("%05lX%lX", microseconds, status.st_ino);
  const std::string deferred = directory + "/deferred/" + id[0] + "/" + id;
  if (rename(incoming.c_str(), deferred.c_str()) != 0) Fail(deferred);
}

int WriteQueue(const std::string& directory, int files, uint64_t seed) {
  std::vector<std::string> directories = {"/incoming", "/deferred"};
  for (const char digit : std::string_view("0123456789ABCDEF")) {
    directories.push_back(std::string("/deferred/") + digit);
  }
  for (const std::string& name : directories) {
    if (mkdir((directory + name).c_str(), 0700) != 0) Fail(directory + name);
  }
  const int64_t now_seconds = std::time(nullptr);
  MessageSource source(seed, now_seconds);
  uint64_t bytes = 0;
  uint64_t recipients = 0;
  for (int i = 0; i < files; ++i) {
    const Message message = source.Next();
    WriteMessage(directory, message, now_seconds, source.Number(1'000'000));
    bytes += message.bytes.size();
    recipients += static_cast<uint64_t>(message.recipients);
  }
  std::printf("{\"files\": %d, \"bytes\": %lu, \"recipients\": %lu}\n", files, bytes, recipients);
  return 0;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) {
  const int files = argc > 2 ? std::atoi(argv[2]) : 0;
  if (files <= 0 || argc > 4) {
    std::fputs("usage: queue_writer DIRECTORY FILES [SEED]\n", stderr);
    return 2;
  }
  return fleetqshape::WriteQueue(argv[1], files,
                                 argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
}
