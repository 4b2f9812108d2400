#include "aggregator/store/rocksdb_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/codec/section_codec.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/named_cells.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using Kind = SectionWrite::Kind;
using ::testing::HasSubstr;

constexpr Queue kQueue = Queue::kDeferred;
constexpr Axis kAxis = Axis::kRecipientDomain;

Block OneArrival(uint32_t name_id, int64_t arrival) { return {{name_id}, {0, 1}, {arrival}}; }

SectionWrite Replace(const Block& block, Queue queue = kQueue, Axis axis = kAxis) {
  return {queue, axis, Kind::kReplace, EncodeSection(queue, axis, block)};
}

SectionWrite Gain(const Block& block, Queue queue = kQueue, Axis axis = kAxis) {
  return {queue, axis, Kind::kMerge, EncodeSection(queue, axis, block)};
}

SectionWrite Lose(const Block& block, Queue queue = kQueue, Axis axis = kAxis) {
  return {queue, axis, Kind::kMerge, EncodeSection(queue, axis, BlockDelta{Block(), block})};
}

RelayWrite Write(RelayId relay, uint64_t sequence, std::vector<SectionWrite> sections = {}) {
  RelayWrite write;
  write.relay = relay;
  write.record.set_cluster("eu");
  write.record.set_host("relay" + std::to_string(relay));
  write.record.set_instance("postfix");
  write.record.set_epoch(77);
  write.record.set_sequence(sequence);
  write.sections = std::move(sections);
  return write;
}

RelayWrite WithNames(RelayWrite write, uint32_t first_name_id,
                     const std::vector<std::string>& names) {
  write.first_name_id = first_name_id;
  for (const std::string& name : names) write.names.add_names(name);
  return write;
}

struct Loaded {
  LoadedRelay relay;
  absl::Status problem;
};

class RocksDbStoreTest : public ::testing::Test {
 protected:
  void Open() {
    store_.reset();
    auto opened = OpenRocksDbStore(directory_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void SetUp() override { Open(); }

  void Apply(const std::vector<RelayWrite>& writes) {
    const absl::Status status = store_->Apply(writes);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::map<RelayId, Loaded> LoadAll() {
    std::map<RelayId, Loaded> all;
    RelayId last = 0;
    const absl::Status status = store_->Load([](RelayId, const v1::StoredRelay&) { return true; },
                                             [&](LoadedRelay relay, absl::Status problem) {
                                               const RelayId id = relay.relay;
                                               EXPECT_TRUE(all.empty() || id > last)
                                                   << "by rising id";
                                               last = id;
                                               all[id] = {std::move(relay), std::move(problem)};
                                             });
    EXPECT_TRUE(status.ok()) << status;
    return all;
  }
  // The relay, which has to be there without a problem.
  LoadedRelay LoadSound(RelayId relay) {
    auto all = LoadAll();
    EXPECT_TRUE(all.contains(relay));
    EXPECT_TRUE(all[relay].problem.ok()) << all[relay].problem;
    return all[relay].relay;
  }
  // The sections of a relay that hold something.
  static std::map<std::pair<Queue, Axis>, Block> SectionsOf(const LoadedRelay& relay) {
    std::map<std::pair<Queue, Axis>, Block> sections;
    for (const StoredSection& section : relay.sections) {
      if (!section.block.name_ids.empty()) {
        sections[{section.queue, section.axis}] = section.block;
      }
    }
    return sections;
  }
  // Closes the store and hands out RocksDB, to be damaged. Open opens the store again.
  std::unique_ptr<test::RawStore> Raw() {
    store_.reset();
    return std::make_unique<test::RawStore>(directory_.path("db"));
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

using Sections = std::map<std::pair<Queue, Axis>, Block>;

TEST_F(RocksDbStoreTest, ANewStoreHasNoRelays) {
  EXPECT_TRUE(LoadAll().empty());
  Open();
  EXPECT_TRUE(LoadAll().empty());
}

TEST_F(RocksDbStoreTest, WhatWasAppliedIsThereAfterAReopen) {
  RelayWrite write = WithNames(Write(3, 1, {Replace(OneArrival(0, 10))}), 0, {"a", "\xff\n"});
  write.record.set_agent_version("9.9");
  write.record.set_digest(123);
  write.record.set_name_count(2);
  write.record.set_heard_milliseconds(456);
  write.record.set_clock_offset_milliseconds(-789);
  v1::Label* label = write.record.add_labels();
  label->set_key("role");
  label->set_value("gateway");
  Apply({write});
  for (int i = 0; i < 2; ++i) {
    const LoadedRelay loaded = LoadSound(3);
    EXPECT_EQ(loaded.record.SerializeAsString(), write.record.SerializeAsString());
    EXPECT_EQ(loaded.names, (std::vector<std::string>{"a", "\xff\n"}));
    EXPECT_EQ(SectionsOf(loaded), (Sections{{{kQueue, kAxis}, OneArrival(0, 10)}}));
    Open();
  }
}

TEST_F(RocksDbStoreTest, DeltasAreMergedAndNamesAppended) {
  Apply({WithNames(Write(3, 1, {Replace(OneArrival(0, 10))}), 0, {"a"})});
  Apply({WithNames(Write(3, 2, {Gain(OneArrival(1, 20))}), 1, {"b", "c"})});
  Open();
  Apply({Write(3, 3, {Lose(OneArrival(0, 10)), Gain(OneArrival(2, 5), Queue::kActive)})});
  Apply({WithNames(Write(3, 4), 3, {"d"})});
  Open();
  const LoadedRelay loaded = LoadSound(3);
  EXPECT_EQ(loaded.record.sequence(), 4U);
  EXPECT_EQ(loaded.names, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(SectionsOf(loaded), (Sections{{{kQueue, kAxis}, OneArrival(1, 20)},
                                          {{Queue::kActive, kAxis}, OneArrival(2, 5)}}));
}

TEST_F(RocksDbStoreTest, ASectionThatSumsToNothingIsNoProblem) {
  Apply({Write(3, 1, {Replace(OneArrival(0, 10))})});
  Apply({Write(3, 2, {Lose(OneArrival(0, 10))})});
  EXPECT_TRUE(SectionsOf(LoadSound(3)).empty());
  Open();
  EXPECT_TRUE(SectionsOf(LoadSound(3)).empty());
}

TEST_F(RocksDbStoreTest, ASnapshotReplacesNamesAndSections) {
  Apply({WithNames(Write(3, 1,
                         {Replace(OneArrival(0, 10)), Replace(OneArrival(1, 1), Queue::kHold),
                          Gain(OneArrival(1, 2), Queue::kActive)}),
                   0, {"old0", "old1"})});
  Apply({WithNames(Write(3, 2, {Gain(OneArrival(2, 10))}), 2, {"old2"})});
  RelayWrite snapshot = WithNames(Write(3, 1), 0, {"new0"});
  snapshot.forget_names = true;
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) snapshot.sections.push_back({queue, axis, Kind::kErase, ""});
  }
  snapshot.sections.push_back(Replace(OneArrival(0, 99), Queue::kActive));
  Apply({snapshot});
  for (int i = 0; i < 2; ++i) {
    const LoadedRelay loaded = LoadSound(3);
    EXPECT_EQ(loaded.names, std::vector<std::string>{"new0"});
    EXPECT_EQ(SectionsOf(loaded), (Sections{{{Queue::kActive, kAxis}, OneArrival(0, 99)}}));
    Open();
  }
  EXPECT_EQ(Raw()->All("shapes").size(), 1U) << "what was erased takes no room";
}

TEST_F(RocksDbStoreTest, ASnapshotWithoutNamesForgetsTheOldOnes) {
  Apply({WithNames(Write(3, 1), 0, {"old"})});
  RelayWrite snapshot = Write(3, 1);
  snapshot.forget_names = true;
  Apply({snapshot});
  EXPECT_TRUE(LoadSound(3).names.empty());
}

TEST_F(RocksDbStoreTest, RelaysDoNotLeakIntoEachOther) {
  const std::vector<RelayId> ids = {1, 2, 255, 256, 0x10000, 0xFFFFFFFE, 0xFFFFFFFF, 0x01000000};
  std::vector<RelayWrite> writes;
  writes.reserve(ids.size());
  for (RelayId id : ids) {
    writes.push_back(
        WithNames(Write(id, 1, {Replace(OneArrival(0, id))}), 0, {"name" + std::to_string(id)}));
  }
  Apply(writes);
  EXPECT_EQ(LoadAll().size(), ids.size());
  for (RelayId changed : ids) {
    SCOPED_TRACE(changed);
    RelayWrite snapshot = WithNames(Write(changed, 5), 0, {"changed" + std::to_string(changed)});
    snapshot.forget_names = true;
    snapshot.sections = {{kQueue, kAxis, Kind::kErase, ""},
                         Replace(OneArrival(0, changed + int64_t{1}), Queue::kHold)};
    Apply({snapshot});
    auto all = LoadAll();
    ASSERT_EQ(all.size(), ids.size());
    bool before = true;  // as the ids stand in the list, this one and those before are changed
    for (RelayId id : ids) {
      const auto& [relay, problem] = all[id];
      ASSERT_TRUE(problem.ok()) << id << " " << problem;
      EXPECT_EQ(relay.record.host(), "relay" + std::to_string(id));
      const std::string prefix = before ? "changed" : "name";
      EXPECT_EQ(relay.names, std::vector<std::string>{prefix + std::to_string(id)});
      const Sections expected =
          before ? Sections{{{Queue::kHold, kAxis}, OneArrival(0, id + int64_t{1})}}
                 : Sections{{{kQueue, kAxis}, OneArrival(0, id)}};
      EXPECT_EQ(SectionsOf(relay), expected);
      if (id == changed) before = false;
    }
  }
}

TEST_F(RocksDbStoreTest, KeysAreAsTheStoreFormatSays) {
  Apply({WithNames(Write(0x01020304, 1, {Replace(OneArrival(5, 10))}), 5, {"five"})});
  const auto raw = Raw();
  EXPECT_EQ(raw->All("default"), (std::map<std::string, std::string>{{"format", "1"}}));
  EXPECT_EQ(raw->All("relays").begin()->first, std::string("\x01\x02\x03\x04", 4));
  EXPECT_EQ(raw->All("names").begin()->first, std::string("\x01\x02\x03\x04\0\0\0\x05", 8));
  EXPECT_EQ(raw->All("shapes").begin()->first, std::string("\x01\x02\x03\x04\x05\x01", 6));
}

TEST_F(RocksDbStoreTest, AnotherFormatVersionIsRefusedAndNothingIsChanged) {
  Raw()->Put("default", "format", "2");
  const auto opened = OpenRocksDbStore(directory_.path());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("format 2"));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("reads 1"));
  EXPECT_EQ(Raw()->All("default"), (std::map<std::string, std::string>{{"format", "2"}}));
  Raw()->Put("default", "format", "1");
  Open();
}

TEST_F(RocksDbStoreTest, ASecondHandleIsRefused) {
  const auto second = OpenRocksDbStore(directory_.path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(directory_.path()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
  Apply({Write(1, 1)});  // the first one goes on
  EXPECT_EQ(LoadAll().size(), 1U);
}

TEST_F(RocksDbStoreTest, ADirectoryThatAnotherProcessHasOpenIsRefused) {
  Apply({Write(1, 1)});
  store_.reset();
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  // A process that holds RocksDB's lock, and does nothing else between fork and exit.
  const std::string lock_path = directory_.path("LOCK");
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(lock_path.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const char result = fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 'L' : 'E';
    if (write(ready[1], &result, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char result = 'E';
  ASSERT_EQ(read(ready[0], &result, 1), 1);
  ASSERT_EQ(result, 'L');
  const auto opened = OpenRocksDbStore(directory_.path());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition) << opened.status();
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("in use by another process"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  Open();
  EXPECT_EQ(LoadAll().size(), 1U);
}

TEST_F(RocksDbStoreTest, ADirectoryThatCannotBeMadeIsToldByName) {
  const std::string file = directory_.WriteFile("file", "");
  const auto opened = OpenRocksDbStore(file + "/store");
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kUnavailable) << opened.status();
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr(file + "/store"));
}

TEST_F(RocksDbStoreTest, ANewDirectoryIsForItsOwnerAlone) {
  const std::string path = directory_.path("store");
  ASSERT_TRUE(OpenRocksDbStore(path).ok());
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
}

TEST_F(RocksDbStoreTest, AStoreOfTheOlderLayoutIsRefused) {
  directory_.MakeDirectory("older");
  directory_.WriteFile("older/CURRENT", "MANIFEST-000004\n");
  const auto opened = OpenRocksDbStore(directory_.path("older"));
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), ::testing::HasSubstr("older layout"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path("older/db")));
  EXPECT_FALSE(std::filesystem::exists(directory_.path("older/LOCK")));
}

TEST_F(RocksDbStoreTest, ADamagedRelayIsToldAndTheOthersAreRead) {
  for (RelayId id = 1; id <= 8; ++id) {
    Apply({WithNames(Write(id, 1, {Replace(OneArrival(0, id))}), 0, {"a"})});
    Apply({WithNames(Write(id, 2), 1, {"b"})});
  }
  {
    const auto raw = Raw();
    raw->Put("relays", test::RelayKey(1), "\xff\xff");
    raw->Put("names", test::NamesKey(2, 0), "\xff\xff");
    raw->Put("names", test::NamesKey(3, 7), "");  // a gap
    raw->Put("shapes", test::ShapeKey(4, kQueue, kAxis), "\xff\xff");
    raw->Put("shapes", test::ShapeKey(5, kQueue, kAxis), "");
    raw->Put("shapes", test::ShapeKey(6, kQueue, kAxis), Lose(OneArrival(0, 1)).value);
    raw->Put("names", test::RelayKey(7) + "x", "");
  }
  Open();
  auto all = LoadAll();
  ASSERT_EQ(all.size(), 8U);
  for (RelayId id = 1; id <= 7; ++id) {
    EXPECT_FALSE(all[id].problem.ok()) << id;
    EXPECT_EQ(all[id].relay.relay, id);
    EXPECT_EQ(all[id].relay.record.host(), id == 1 ? "" : "relay" + std::to_string(id));
  }
  EXPECT_TRUE(all[8].problem.ok()) << all[8].problem;
  EXPECT_EQ(all[8].relay.names, (std::vector<std::string>{"a", "b"}));
}

TEST_F(RocksDbStoreTest, ALossThatIsNotThereIsToldAsDamageOfItsRelayOnly) {
  Apply({Write(1, 1, {Replace(OneArrival(0, 10))}), Write(2, 1, {Replace(OneArrival(0, 10))})});
  Apply({Write(1, 2, {Lose(OneArrival(0, 11))})});
  auto all = LoadAll();
  EXPECT_EQ(all[1].problem.code(), absl::StatusCode::kDataLoss) << all[1].problem;
  EXPECT_TRUE(all[2].problem.ok()) << all[2].problem;
}

// One report's writes are one batch: either all of them are there, or none.
TEST_F(RocksDbStoreTest, SeveralReportsAreWrittenTogether) {
  std::vector<RelayWrite> writes;
  for (RelayId id = 1; id <= 100; ++id) {
    writes.push_back(WithNames(Write(id, 1, {Replace(OneArrival(0, id))}), 0, {"n"}));
  }
  Apply(writes);
  Apply({});
  Open();
  auto all = LoadAll();
  EXPECT_EQ(all.size(), 100U);
  for (const auto& [id, loaded] : all) {
    EXPECT_EQ(SectionsOf(loaded.relay), (Sections{{{kQueue, kAxis}, OneArrival(0, id)}}));
  }
}

}  // namespace
}  // namespace fleetqshape
