#include "cli/local/queue_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/file_descriptor.h"
#include "common/base/mutex.h"
#include "common/base/threads.h"
#include "common/postfix/queue_directory.h"

namespace fleetqshape {
namespace {

using postfix::DirectoryEntry;

// At most so many directories are open at a time.
constexpr size_t kMaxWaveDirectories = 512;

// How many directories may be open without taking the descriptors that the files need. Raises the
// limit as far as it may go.
size_t WaveDirectories() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  // A thread holds back up to 48 files before it closes them (ScanWorker, FileCloser).
  constexpr rlim_t kOthers = 96;
  if (limit.rlim_cur <= kOthers) return 1;
  return std::min<size_t>(limit.rlim_cur - kOthers, kMaxWaveDirectories);
}

// A directory to be scanned. It is opened only when its turn comes, below the root that it was
// found under.
struct Directory {
  std::shared_ptr<const FileDescriptor> root;
  std::string root_path;  // as it was asked for
  std::string relative;   // empty for the root itself
  FileDescriptor fd;

  std::string path() const { return relative.empty() ? root_path : root_path + "/" + relative; }
};

// A scan under way: the directories found so far, and the workers. The directories of a wave are
// open before its threads start; what they find makes later waves.
class Scanner {
 public:
  Scanner(const ScanOptions& options, ScanResult* result) : options_(options), result_(*result) {
    // Progress is told after the very message that makes the number full.
    const size_t files_at_a_time = options.progress_messages > 0 ? 1 : ScanWorker::kMostAtATime;
    for (int i = 0; i < std::max(options.threads, 1); ++i) {
      workers_.push_back(std::make_unique<ScanWorker>(&options.question, &seen_, files_at_a_time));
    }
  }

  // A path that was asked for: a directory is scanned by ScanDirectories, a plain file at once.
  void AddPath(const std::string& path) {
    auto opened = postfix::OpenDirectory(path.c_str());
    if (opened.ok()) {
      MutexLock lock(mutex_);
      pending_.push_back(
          {std::make_shared<const FileDescriptor>(*std::move(opened)), path, "", FileDescriptor()});
      return;
    }
    struct stat status {};
    const bool exists = lstat(path.c_str(), &status) == 0;
    if (exists && S_ISREG(status.st_mode)) {
      ScanFile(path);
    } else if (!exists || S_ISDIR(status.st_mode)) {
      Warn(path, opened.status());
    }
    // Links and whatever else there is are passed over, as everywhere in a queue.
  }

  void ScanDirectories() {
    for (;;) {
      const std::vector<Directory> wave = OpenWave();
      if (wave.empty()) return;
      WorkInThreads(workers_.size() - 1, [&](size_t thread) {
        // A descriptor table of its own: no locks and no shared counters at each open and close.
        if (thread == 0 || unshare(CLONE_FILES) == 0) ScanShare(wave, thread);
      });
    }
  }

  void Finish() {
    result_.table = workers_[0]->TakeTable();
    for (const auto& worker : workers_) {
      worker->MergeTableInto(&result_.table);  // the first has nothing left
      result_.counts.Add(worker->counts());
    }
  }

 private:
  std::vector<Directory> OpenWave() {
    std::vector<Directory> found;
    {
      MutexLock lock(mutex_);
      const size_t count = std::min(pending_.size(), wave_directories_);
      std::move(pending_.end() - static_cast<std::ptrdiff_t>(count), pending_.end(),
                std::back_inserter(found));
      pending_.resize(pending_.size() - count);
    }
    std::vector<Directory> wave;
    for (Directory& directory : found) {
      const char* relative = directory.relative.empty() ? "." : directory.relative.c_str();
      auto opened = postfix::OpenDirectoryBeneath(directory.root->get(), relative);
      if (opened.ok()) {
        directory.fd = *std::move(opened);
        wave.push_back(std::move(directory));
      } else if (!absl::IsNotFound(opened.status()) &&
                 !absl::IsFailedPrecondition(opened.status())) {
        // A hash directory may go, or be replaced by a link, while we look elsewhere.
        Warn(directory.path(), opened.status());
      }
    }
    return wave;
  }

  void ScanShare(const std::vector<Directory>& wave, size_t index) {
    ScanWorker& worker = *workers_[index];
    postfix::DirectoryReader reader;
    for (size_t i = 0; i < wave.size(); ++i) {
      // All threads read from the same open directories: the kernel gives each piece of a
      // directory to one of them. Each begins elsewhere, to keep out of the others' way.
      const Directory& directory = wave[(i + index * wave.size() / workers_.size()) % wave.size()];
      const absl::Status listed =
          reader.ForEachEntry(directory.fd.get(), [&](const DirectoryEntry& entry) {
            if (entry.type == DT_DIR) {
              AddSubdirectory(directory, entry.name);
            } else if (entry.type == DT_REG &&
                       postfix::IsQueueFileName(entry.name, options_.question.dialect)) {
              CountFile(directory.fd.get(), entry.name.data(), &worker);
            }
          });
      if (!listed.ok()) Warn(directory.path(), listed);
    }
    worker.Settle();
  }

  void AddSubdirectory(const Directory& parent, std::string_view name) {
    std::string relative = parent.relative.empty()
                               ? std::string(name)
                               : absl::StrCat(parent.relative, "/", std::string(name));
    MutexLock lock(mutex_);
    pending_.push_back({parent.root, parent.root_path, std::move(relative), FileDescriptor()});
  }

  void ScanFile(const std::string& path) {
    const size_t slash = path.rfind('/');
    const std::string directory_path = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (!postfix::IsQueueFileName(name, options_.question.dialect)) return;
    const FileDescriptor directory(open(directory_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    CountFile(directory.get(), name.c_str(), workers_[0].get());
    workers_[0]->Settle();
  }

  void CountFile(int directory_fd, const char* name, ScanWorker* worker) {
    const size_t counted = worker->TakeFile(directory_fd, name);
    if (options_.progress_messages == 0 || counted == 0) return;
    if (++messages_ % options_.progress_messages != 0) return;
    MutexLock lock(progress_mutex_);
    ShapeTable sum(options_.question.buckets.columns());
    for (const auto& one : workers_) one->MergeTableInto(&sum);
    options_.on_progress(sum);
  }

  void Warn(const std::string& path, const absl::Status& problem) {
    MutexLock lock(mutex_);
    result_.warnings.push_back(absl::StrCat("cannot read ", path, ": ", problem.message()));
  }

  const ScanOptions& options_;
  ScanResult& result_;  // warnings: guarded by mutex_ while threads run
  SeenFiles seen_;
  std::vector<std::unique_ptr<ScanWorker>> workers_;
  const size_t wave_directories_ = WaveDirectories();
  std::atomic<uint64_t> messages_ = 0;
  Mutex progress_mutex_;
  Mutex mutex_;
  std::vector<Directory> pending_ FQS_GUARDED_BY(mutex_);
};

}  // namespace

ScanResult ScanQueues(const ScanOptions& options) {
  ScanResult result(options.question.buckets.columns());
  Scanner scanner(options, &result);
  for (const std::string& path : options.paths) scanner.AddPath(path);
  scanner.ScanDirectories();
  scanner.Finish();
  return result;
}

}  // namespace fleetqshape
