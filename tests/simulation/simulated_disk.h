// A machine for RocksDB that is simulated: with one seed it does the same each time, in the
// caller's thread, and it crashes, fills up and fails when it is told to.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_DISK_H_
#define FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_DISK_H_

#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/rocksdb_seams.h"
#include "tests/simulation/simulated_env.h"

namespace fleetqshape::test {

// Outlives every database that was opened in it, and belongs to the thread that made it.
//
// In env() no file is touched, no time slept and no thread started, if the options are those of
// MakeSimulable. Flushes and compactions are done in RunBackground, and when the thread waits for
// one (see rocksdb_seams.h). Info logs are to be given: RocksDB's own would be one more file.
class SimulatedDisk final : private BackgroundWork {
 public:
  // The directory that is there from the start, empty.
  static constexpr char kDirectory[] = "/disk";
  static constexpr size_t kAllJobs = 1000;

  explicit SimulatedDisk(uint64_t seed);
  ~SimulatedDisk() override;
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  // Sets what a database in env() must have set, and leaves the rest: env; one thread for opening
  // files and for a compaction, no statistics each some minutes, no resuming after errors by itself
  // (all of which are threads of RocksDB's own); no queue for deletions. After a full disk, RocksDB
  // would resume in a thread, too: it doesn't, because env() can't tell it the free space.
  // Nobody may set a rate limiter, or an SstFileManager that deletes slowly: these have threads.
  void MakeSimulable(rocksdb::DBOptions* options) const;

  // The present process': a crash ends it, and the next one has another.
  rocksdb::Env* env() const { return envs_.back().get(); }

  // Runs what RocksDB queued (flushes and compactions), in its order, and what that queues.
  // Returns how many jobs that were. A compaction that keeps failing is queued again each time.
  size_t RunBackground(size_t at_most = kAllJobs) { return envs_.back()->RunBackground(at_most); }
  size_t background_jobs() const { return envs_.back()->queued(); }

  // Each of these ends the process. Databases that it had open can be destroyed before or after:
  // after, they change nothing any more.
  //
  // As kill -9 does: all that was written is there.
  void CrashProcess();
  // As a power failure does: see DiskImage and Tear.
  void CrashMachine();
  // What may become of the ends of such files in a crash of the machine. If not set: anything, but
  // of MANIFESTs a prefix is left. RocksDB doesn't open a database whose MANIFEST ends in anything
  // else than records and a part of one, and there is no setting to have it.
  void set_tears(FileKind kind, std::vector<Tear> tears) { tears_[kind] = std::move(tears); }

  // After so many further operations that change something, this and all later ones fail and
  // change nothing, until one of the crashes. If `partly`, the first of them may be an append that
  // is done in part.
  void FailAfterOperations(uint64_t operations, bool partly = true) {
    machine_.faults.DieAfter(operations, partly);
  }
  // Whether an operation failed that way.
  bool dying() const { return machine_.faults.dying(); }
  uint64_t operations() const { return machine_.faults.operations(); }
  // RocksDB writes an OPTIONS file at each opening (and for each new column family), which nobody
  // reads, in most of the time of opening. If not set, they fail to be made, and RocksDB does
  // without.
  void set_options_files(bool wanted) { machine_.options_files = wanted; }
  // Equal for two runs that did the same.
  uint64_t operations_hash() const { return machine_.faults.hash(); }

  // What the disk holds at most; kNoLimit at first.
  static constexpr uint64_t kNoLimit = DiskImage::kNoLimit;
  void SetCapacity(uint64_t bytes) { machine_.image.set_capacity(bytes); }
  uint64_t FreeBytes() const { return machine_.image.FreeBytes(); }

  // Errors of input and output. An append that fails may be done in part; what a sync that failed
  // was of is not safe, whatever later syncs say.
  void FailNext(Operation operation, std::optional<FileKind> kind = std::nullopt,
                int64_t times = 1) {
    machine_.faults.Add({operation, kind, 1, times});
  }
  void FailSometimes(Operation operation, int64_t one_in,
                     std::optional<FileKind> kind = std::nullopt) {
    machine_.faults.Add({operation, kind, one_in, std::numeric_limits<int64_t>::max()});
  }
  void StopFailing() { machine_.faults.Clear(); }

  // Flips a random bit of a random file of the kind, and returns the file's path; empty if there
  // is none with contents.
  std::string FlipBit(FileKind kind);

  // All files' paths, sorted.
  std::vector<std::string> Files() const { return machine_.image.Files(); }
  // A file's contents, to be looked at or changed; null if there is none.
  std::string* Contents(const std::string& path);

  void AdvanceMicroseconds(uint64_t microseconds) { time_->AdvanceMicroseconds(microseconds); }

 private:
  void StartProcess();
  // For who waits: a job of any process, since a dead one's databases are to be destroyed, too.
  bool DoSome() override;

  SimulatedMachine machine_;
  const std::shared_ptr<SimulatedTime> time_ = std::make_shared<SimulatedTime>();
  std::map<FileKind, std::vector<Tear>> tears_ = {{FileKind::kManifest, {Tear::kPrefix}}};
  std::shared_ptr<SimulatedProcess> process_;
  // One for each process: databases of those that ended may not be destroyed yet.
  std::vector<std::unique_ptr<SimulatedEnv>> envs_;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_SIMULATED_DISK_H_
