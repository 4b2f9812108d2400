#include "aggregator/store/store_check.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/store/database.h"
#include "aggregator/store/relay_check.h"
#include "aggregator/store/relay_reader.h"
#include "aggregator/store/store_directory.h"
#include "aggregator/store/store_keys.h"
#include "common/base/printable.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

std::string Shown(absl::string_view text) { return PrintableName(std::string(text)); }

// A message is counted with at least one recipient, and both with its arrival. The digest says that
// all is as the agent sent it, so that a difference is the agent's.
void CompareAxes(const LoadedRelay& loaded, StoreCheck* check) {
  std::map<std::pair<Queue, int64_t>, std::pair<uint64_t, uint64_t>> counts;
  for (const auto& [queue, axis, block] : loaded.sections) {
    for (size_t i = 0; i < block.arrivals.size(); ++i) {
      auto& [messages, recipients] = counts[{queue, block.arrivals[i]}];
      ++(axis == Axis::kSenderDomain ? messages : recipients);
    }
  }
  for (const auto& [place, count] : counts) {
    const auto& [messages, recipients] = count;
    if (messages <= recipients && (messages > 0) == (recipients > 0)) continue;
    check->notes.push_back(absl::StrCat("relay ", RelayText(loaded.relay, loaded.record), ": ",
                                        std::string(QueueName(place.first)), ": ", messages,
                                        " messages with ", recipients, " recipients arrived at ",
                                        place.second, ", as its agent reported it"));
    return;
  }
}

void CheckRelays(Database* database, StoreCheck* check) {
  RelayReader reader(database);
  LoadedRelay loaded;
  absl::Status problem;
  while (reader.Next([](RelayId, const v1::StoredRelay&) { return true; }, &loaded, &problem)) {
    const std::string relay = RelayText(loaded.relay, loaded.record);
    problem.Update(CheckRelay(loaded));
    if (!problem.ok()) {
      check->problems.push_back(absl::StrCat("relay ", relay, ": ", Shown(problem.message())));
      continue;
    }
    if (IsLostRelay(loaded.record)) {
      check->notes.push_back(absl::StrCat(
          "relay ", relay, ": was damaged before, and its agent has sent no snapshot"));
    }
    ++check->relays;
    check->names += loaded.names.size();
    for (const auto& [queue, axis, block] : loaded.sections) {
      (axis == Axis::kSenderDomain ? check->messages : check->recipients) += block.arrivals.size();
    }
    CompareAxes(loaded, check);
  }
  if (!reader.trouble().ok()) check->problems.push_back(Shown(reader.trouble().message()));
}

// Keys that stand in no relay's way, so that reading relays does not show them.
void CheckKeys(Database* database, StoreCheck* check) {
  for (const Family family : {kMeta, kRelays}) {
    const std::unique_ptr<rocksdb::Iterator> entry(
        database->db().NewIterator(rocksdb::ReadOptions(), database->family(family)));
    for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
      const std::string_view key = entry->key().ToStringView();
      const bool known = family == kMeta ? key == kFormatKey : ParseRelayKey(key).has_value();
      if (known) continue;
      check->problems.push_back(absl::StrCat(
          "relay number ", RelayOfKey(key), ": ", kFamilyNames[family],
          " has a key that is none: ", Shown(absl::string_view(key.data(), key.size()))));
    }
    if (!entry->status().ok()) check->problems.push_back(Shown(entry->status().ToString()));
  }
}

void CheckFormat(Database* database, StoreCheck* check) {
  const rocksdb::Status found = database->db().Get(rocksdb::ReadOptions(), database->family(kMeta),
                                                   kFormatKey, &check->format);
  if (!found.ok()) {
    check->problems.push_back(
        absl::StrCat("its format version can't be read: ", Shown(found.ToString())));
  } else if (check->format != kFormatVersion) {
    check->format = Shown(check->format);
    check->problems.push_back(
        absl::StrCat("it has format ", check->format, ", this program reads ", kFormatVersion));
  }
}

uint64_t BytesIn(const std::string& path, rocksdb::Env* env) {
  uint64_t bytes = 0;
  std::vector<std::string> files;
  env->GetChildren(path, &files).PermitUncheckedError();
  for (const std::string& file : files) {
    uint64_t size = 0;
    if (env->GetFileSize(absl::StrCat(path, "/", file), &size).ok()) bytes += size;
  }
  return bytes;
}

}  // namespace

absl::StatusOr<StoreCheck> CheckStore(const std::string& directory, rocksdb::Env* env) {
  if (env == nullptr) env = rocksdb::Env::Default();
  FQS_ASSIGN_OR_RETURN(const auto taken, StoreDirectory::TakeExisting(directory, env));
  StoreCheck check;
  FQS_ASSIGN_OR_RETURN(const bool there, taken->HasDatabase());
  if (!there) {
    check.problems.push_back(
        "it was being replaced when the aggregator stopped; its next start "
        "goes on with that");
    return check;
  }
  check.bytes = BytesIn(taken->database(), env);
  auto opened = Database::OpenReadOnly(
      taken->database(), {.env = env, .write_buffer_bytes = size_t{64} << 20, .max_log_bytes = 0});
  if (absl::IsDataLoss(opened.status())) {
    check.problems.push_back(Shown(opened.status().message()));
    return check;
  }
  FQS_RETURN_IF_ERROR(opened.status());
  const std::unique_ptr<Database> database = *std::move(opened);
  const std::string log_problem = Shown(database->log_problem().message());
  if (database->log_state() == LogState::kUnfinishedEnd) {
    check.notes.push_back(
        absl::StrCat("the log ends within a record, which was never acknowledged: ", log_problem));
  } else if (database->log_state() == LogState::kDamaged) {
    check.problems.push_back(absl::StrCat("the log is damaged: ", log_problem));
  }
  const rocksdb::Status checksums = database->db().VerifyChecksum();
  if (!checksums.ok()) check.problems.push_back(Shown(checksums.ToString()));
  CheckFormat(database.get(), &check);
  CheckKeys(database.get(), &check);
  CheckRelays(database.get(), &check);
  return check;
}

}  // namespace fleetqshape
