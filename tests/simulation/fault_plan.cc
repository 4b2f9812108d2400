#include "tests/simulation/fault_plan.h"

#include <cstddef>

namespace fleetqshape::test {
namespace {

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

FileKind KindOf(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (EndsWith(name, ".log")) return FileKind::kLog;
  if (EndsWith(name, ".sst")) return FileKind::kTable;
  if (name.substr(0, 9) == "MANIFEST-") return FileKind::kManifest;
  return name == "CURRENT" ? FileKind::kCurrent : FileKind::kOther;
}

FaultPlan::Verdict FaultPlan::Begin(Operation operation, const std::string& path,
                                    std::string_view data) {
  if (operation != Operation::kRead) {
    ++operations_;
    Hash(std::string(1, static_cast<char>(operation)) + path);
    Hash(KindOf(path) == FileKind::kLog ? data : std::to_string(data.size()));
  }
  Verdict verdict;
  const auto keep_some = [&] {
    verdict.kept = static_cast<uint64_t>(random_->Between(0, static_cast<int64_t>(data.size())));
  };
  if (operation != Operation::kRead && dying()) {
    if (operations_ == *dies_at_ + 1 && dies_partly_) keep_some();
    verdict.status = rocksdb::IOStatus::IOError(path, "the simulated process is dying");
  } else if (Fault* fault = Hit(operation, path)) {
    --fault->times;
    if (operation == Operation::kAppend) keep_some();
    verdict.status = rocksdb::IOStatus::IOError(path, "Input/output error");
  }
  return verdict;
}

void FaultPlan::DieAfter(uint64_t operations, bool partly) {
  dies_at_ = operations_ + operations;
  dies_partly_ = partly;
}

FaultPlan::Fault* FaultPlan::Hit(Operation operation, const std::string& path) {
  for (Fault& fault : faults_) {
    if (fault.times > 0 && fault.operation == operation &&
        (!fault.kind || *fault.kind == KindOf(path)) && random_->OneIn(fault.one_in)) {
      return &fault;
    }
  }
  return nullptr;
}

void FaultPlan::Hash(std::string_view text) {
  for (const char byte : text) hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 1099511628211U;
  hash_ = (hash_ ^ 256) * 1099511628211U;  // where it ends
}

}  // namespace fleetqshape::test
