#include "tests/simulation/simulated_env.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace fleetqshape::test {

SimulatedEnv::SimulatedEnv(std::shared_ptr<SimulatedProcess> process,
                           std::shared_ptr<SimulatedTime> time)
    : rocksdb::EnvWrapper(rocksdb::NewCompositeEnv(std::make_shared<SimulatedFileSystem>(process))),
      process_(std::move(process)),
      time_(std::move(time)) {
  file_system_ = target()->GetFileSystem();
  system_clock_ = time_;
}

size_t SimulatedEnv::RunBackground(size_t at_most) {
  size_t done = 0;
  for (; done < at_most && !jobs_.empty(); ++done) {
    const Job job = jobs_.front();
    jobs_.pop_front();
    job.function(job.argument);
  }
  return done;
}

void SimulatedEnv::Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                            void (*unscheduled)(void*)) {
  jobs_.push_back({function, argument, priority, tag, unscheduled});
}

int SimulatedEnv::UnSchedule(void* tag, Priority priority) {
  std::deque<Job> kept;
  std::deque<Job> removed;
  for (const Job& job : jobs_) {
    (job.tag == tag && job.priority == priority ? removed : kept).push_back(job);
  }
  jobs_ = std::move(kept);
  for (const Job& job : removed) {
    if (job.unscheduled != nullptr) job.unscheduled(job.argument);
  }
  return static_cast<int>(removed.size());
}

void SimulatedEnv::StartThread(void (*)(void*), void* /*argument*/) {
  std::fputs("RocksDB starts a thread in a simulation\n", stderr);
  std::abort();
}

unsigned int SimulatedEnv::GetThreadPoolQueueLen(Priority priority) const {
  return static_cast<unsigned int>(std::count_if(
      jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.priority == priority; }));
}

rocksdb::Status SimulatedEnv::GetHostName(char* name, uint64_t length) {
  std::snprintf(name, length, "simulated");
  return rocksdb::Status::OK();
}

std::string SimulatedEnv::GenerateUniqueId() {
  char text[64];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012" PRIx64,
                ++process_->machine->unique_ids);
  return text;
}

}  // namespace fleetqshape::test
