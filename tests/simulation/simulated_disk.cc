#include "tests/simulation/simulated_disk.h"

#include <algorithm>
#include <utility>

namespace fleetqshape::test {

SimulatedDisk::SimulatedDisk(uint64_t seed) : machine_(seed) {
  machine_.image.MakeDirectory(kDirectory);
  StartProcess();
  AddWork(this);
}

SimulatedDisk::~SimulatedDisk() { RemoveWork(this); }

void SimulatedDisk::MakeSimulable(rocksdb::DBOptions* options) const {
  options->env = env();
  // These start threads.
  options->max_file_opening_threads = 1;
  options->max_subcompactions = 1;
  options->max_bgerror_resume_count = 0;
  options->stats_dump_period_sec = 0;
  options->stats_persist_period_sec = 0;
  // This queues work that Close waits for.
  options->avoid_unnecessary_blocking_io = false;
}

void SimulatedDisk::StartProcess() {
  process_ = std::make_shared<SimulatedProcess>(SimulatedProcess{&machine_});
  envs_.push_back(std::make_unique<SimulatedEnv>(process_, time_));
  SeedRocksDb(machine_.random.Bits());
}

bool SimulatedDisk::DoSome() {
  return std::any_of(envs_.rbegin(), envs_.rend(),
                     [](const auto& env) { return env->RunBackground(1) > 0; });
}

void SimulatedDisk::CrashProcess() {
  process_->alive = false;
  machine_.faults.Live();
  machine_.image.ForgetHandles();
  StartProcess();
}

void SimulatedDisk::CrashMachine() {
  process_->alive = false;
  machine_.faults.Live();
  const std::vector<Tear> any = {Tear::kPrefix, Tear::kZeros, Tear::kGarbage, Tear::kHoles};
  machine_.image.Crash(machine_.random, [&](const std::string& path) {
    const auto set = tears_.find(KindOf(path));
    return machine_.random.OneOf(set == tears_.end() ? any : set->second);
  });
  StartProcess();
}

std::string SimulatedDisk::FlipBit(FileKind kind) {
  std::vector<std::string> paths;
  for (const std::string& path : Files()) {
    if (KindOf(path) == kind && !Contents(path)->empty()) paths.push_back(path);
  }
  if (paths.empty()) return "";
  const std::string& path = machine_.random.OneOf(paths);
  std::string& data = *Contents(path);
  const auto bit =
      static_cast<size_t>(machine_.random.Between(0, static_cast<int64_t>(data.size()) * 8 - 1));
  data[bit / 8] = static_cast<char>(data[bit / 8] ^ (1 << (bit % 8)));
  return path;
}

std::string* SimulatedDisk::Contents(const std::string& path) {
  const std::shared_ptr<Inode> inode = machine_.image.Find(path);
  return inode == nullptr ? nullptr : &inode->data;
}

}  // namespace fleetqshape::test
