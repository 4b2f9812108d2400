// scan_floor: what reading a queue costs a program that looks at nothing.
//
//   scan_floor DIRECTORY THREADS [--shared-descriptors]
//
// Lists the subdirectories of DIRECTORY, and of each file in them reads the first 4096 bytes: no
// calls but getdents64, openat, read and close. The threads take whole subdirectories in turn.
//
// Two of its habits are the scan's own, so that the two can be compared. It opens files with
// O_NOATIME: the mtime of deferred mail lies ahead, so even with relatime every read would write
// the inode anew. And each thread has a descriptor table of its own, unless told otherwise: with a
// shared one, threads wait for each other at every open and close.
//
// Prints what it read as JSON: {"files": 1, "bytes": 2}.

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fleetqshape {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::perror(("scan_floor: " + what).c_str());
  std::exit(1);
}

int OpenDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) Fail(path);
  return fd;
}

template <typename Visit>
void ForEachEntry(int directory_fd, const Visit& visit) {
  alignas(dirent64) std::array<char, size_t{32} << 10> buffer;
  long count = 0;
  while ((count = syscall(SYS_getdents64, directory_fd, buffer.data(), buffer.size())) > 0) {
    for (long offset = 0; offset < count;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + offset);
      offset += entry->d_reclen;
      visit(*entry);
    }
  }
  if (count < 0) Fail("getdents64");
}

struct Sum {
  std::atomic<uint64_t> files = 0;
  std::atomic<uint64_t> bytes = 0;
};

// Reads the subdirectories that no other thread has taken.
void ReadShare(const std::vector<std::string>& directories, std::atomic<size_t>* next, Sum* sum) {
  std::array<char, 4096> buffer;
  uint64_t files = 0;
  uint64_t bytes = 0;
  for (size_t i = (*next)++; i < directories.size(); i = (*next)++) {
    const int directory_fd = OpenDirectory(directories[i]);
    ForEachEntry(directory_fd, [&](const dirent64& entry) {
      if (entry.d_type != DT_REG) return;
      const int fd = openat(directory_fd, entry.d_name, O_RDONLY | O_CLOEXEC | O_NOATIME);
      if (fd < 0) Fail(entry.d_name);
      const ssize_t count = read(fd, buffer.data(), buffer.size());
      if (count < 0) Fail(entry.d_name);
      close(fd);
      ++files;
      bytes += static_cast<uint64_t>(count);
    });
    close(directory_fd);
  }
  sum->files += files;
  sum->bytes += bytes;
}

int ReadQueue(const std::string& directory, int thread_count, bool shared_descriptors) {
  std::vector<std::string> directories;
  const int directory_fd = OpenDirectory(directory);
  ForEachEntry(directory_fd, [&](const dirent64& entry) {
    if (entry.d_type == DT_DIR && entry.d_name[0] != '.') {
      directories.push_back(directory + "/" + entry.d_name);
    }
  });
  close(directory_fd);

  Sum sum;
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 1; i < thread_count; ++i) {
    threads.emplace_back([&] {
      if (!shared_descriptors && unshare(CLONE_FILES) != 0) Fail("unshare");
      ReadShare(directories, &next, &sum);
    });
  }
  ReadShare(directories, &next, &sum);
  for (std::thread& thread : threads) thread.join();
  std::printf("{\"files\": %lu, \"bytes\": %lu}\n", sum.files.load(), sum.bytes.load());
  return 0;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) {
  const int threads = argc > 2 ? std::atoi(argv[2]) : 0;
  const bool shared = argc == 4 && std::string_view(argv[3]) == "--shared-descriptors";
  if (threads <= 0 || (argc > 3 && !shared)) {
    std::fputs("usage: scan_floor DIRECTORY THREADS [--shared-descriptors]\n", stderr);
    return 2;
  }
  return fleetqshape::ReadQueue(argv[1], threads, shared);
}
