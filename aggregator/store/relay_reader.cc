#include "aggregator/store/relay_reader.h"

#include <rocksdb/db.h>

#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/store/relay_check.h"
#include "aggregator/store/section_value.h"
#include "aggregator/store/store_directory.h"
#include "aggregator/store/store_keys.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

// Numbers are tried one by one for so long where a block of entries can't be read; a block has
// fewer. Then with growing steps, since nobody knows how far it reaches.
constexpr uint64_t kSingleSteps = 4096;

rocksdb::ReadOptions ForScan() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return options;
}

}  // namespace

FamilyCursor::FamilyCursor(Database* database, Family family)
    : entries_(database->db().NewIterator(ForScan(), database->family(family))) {}

std::optional<RelayId> FamilyCursor::Find(uint64_t from) {
  // Mostly it stands there already.
  if (!entries_->Valid() || RelayOfKey(entries_->key().ToStringView()) < from) {
    uint64_t step = 1;
    for (uint64_t tries = 0;; ++tries) {
      if (from > std::numeric_limits<RelayId>::max()) return std::nullopt;
      entries_->Seek(RelayKey(static_cast<RelayId>(from)));
      if (entries_->Valid()) break;
      if (entries_->status().ok()) return std::nullopt;
      trouble_.Update(ToAbsl(entries_->status()));
      if (tries >= kSingleSteps) step *= 2;
      from += step;
    }
  }
  return RelayOfKey(entries_->key().ToStringView());
}

absl::Status FamilyCursor::ForEach(RelayId relay, Visit visit) {
  const std::string prefix = RelayKey(relay);
  if (!entries_->Valid() || RelayOfKey(entries_->key().ToStringView()) != relay) {
    entries_->Seek(prefix);
  }
  absl::Status result;
  for (; entries_->Valid() && RelayOfKey(entries_->key().ToStringView()) == relay;
       entries_->Next()) {
    if (result.ok()) result = visit(entries_->key(), entries_->value());
  }
  if (entries_->status().ok()) return result;
  trouble_.Update(ToAbsl(entries_->status()));
  return absl::UnavailableError(trouble_.message());
}

RelayReader::RelayReader(Database* database)
    : database_(*database),
      relays_(database, kRelays),
      names_(database, kNames),
      shapes_(database, kShapes) {}

absl::Status RelayReader::trouble() const {
  absl::Status trouble = record_trouble_;
  for (const FamilyCursor* cursor : {&relays_, &names_, &shapes_}) {
    if (trouble.ok() || absl::IsDataLoss(trouble)) {
      if (!cursor->trouble().ok()) trouble = cursor->trouble();
    }
  }
  return trouble;
}

bool RelayReader::Next(Store::Wanted wanted, LoadedRelay* loaded, absl::Status* problem) {
  for (;;) {
    std::optional<RelayId> relay;
    for (FamilyCursor* cursor : {&relays_, &names_, &shapes_}) {
      const std::optional<RelayId> found = cursor->Find(next_);
      if (found && (!relay || *found < *relay)) relay = found;
    }
    if (!relay) return false;
    next_ = uint64_t{*relay} + 1;
    *loaded = LoadedRelay();
    loaded->relay = *relay;
    *problem = ReadRecord(loaded);
    if (!problem->ok()) {
      loaded->record.Clear();
      return true;
    }
    if (!wanted(*relay, loaded->record)) continue;
    *problem = ReadNames(loaded);
    problem->Update(ReadSections(loaded));
    // What could not be read may be of the relays behind it: then all of this one is there.
    if (absl::IsUnavailable(*problem) && CheckRelay(*loaded).ok()) *problem = absl::OkStatus();
    if (!problem->ok()) {
      loaded->names.clear();
      loaded->sections.clear();
    }
    return true;
  }
}

absl::Status RelayReader::ReadRecord(LoadedRelay* loaded) {
  std::string value;
  // By itself, so that it is clear whether there is none or it can't be read.
  const rocksdb::Status found =
      database_.db().Get(ForScan(), database_.family(kRelays), RelayKey(loaded->relay), &value);
  if (found.IsNotFound()) return absl::DataLossError("it has no record");
  if (!found.ok()) {
    record_trouble_.Update(ToAbsl(found));
    return ToAbsl(found);
  }
  if (!loaded->record.ParseFromString(value)) {
    return absl::DataLossError("its record does not parse");
  }
  return absl::OkStatus();
}

absl::Status RelayReader::ReadNames(LoadedRelay* loaded) {
  return names_.ForEach(loaded->relay, [&](const rocksdb::Slice& key, const rocksdb::Slice& value) {
    const auto place = ParseNamesKey(key.ToStringView());
    if (!place) return absl::DataLossError("its names have a key that is none");
    if (place->first_name_id != loaded->names.size()) {
      return absl::DataLossError(absl::StrCat("its names have a gap: ", loaded->names.size(),
                                              " before number ", place->first_name_id));
    }
    v1::StoredNames names;
    if (!names.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      return absl::DataLossError("its names don't parse");
    }
    for (std::string& name : *names.mutable_names()) loaded->names.push_back(std::move(name));
    return absl::OkStatus();
  });
}

absl::Status RelayReader::ReadSections(LoadedRelay* loaded) {
  return shapes_.ForEach(
      loaded->relay, [&](const rocksdb::Slice& key, const rocksdb::Slice& value) -> absl::Status {
        const auto place = ParseShapeKey(key.ToStringView());
        if (!place) return absl::DataLossError("a section has a key that is none");
        FQS_ASSIGN_OR_RETURN(Block block,
                             DecodeSectionValue(place->queue, place->axis, value.ToStringView()));
        loaded->sections.push_back({place->queue, place->axis, std::move(block)});
        return absl::OkStatus();
      });
}

}  // namespace fleetqshape
