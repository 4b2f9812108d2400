#include "aggregator/store/store_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "aggregator/store/rocksdb_store.h"
#include "common/codec/section_codec.h"
#include "tests/aggregator/store/faulty_disk.h"
#include "tests/aggregator/store/model_relay.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/random_source.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

class StoreCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::RandomSource random(1);
    const auto store = OpenRocksDbStore(path_);
    ASSERT_TRUE(store.ok()) << store.status();
    for (RelayId id = 1; id <= 8; ++id) {
      test::ModelRelay relay(id);
      ASSERT_TRUE((*store)->Apply({relay.Snapshot(random)}).ok());
      ASSERT_TRUE((*store)->Apply({relay.Delta(random)}).ok());
    }
  }
  StoreCheck Check() const {
    const auto check = CheckStore(path_);
    EXPECT_TRUE(check.ok()) << check.status();
    return check.ok() ? *check : StoreCheck();
  }
  // Names, sizes and bytes of all files.
  std::map<std::string, std::string> All() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      all[entry.path().string()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return all;
  }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path("store");
};

TEST_F(StoreCheckTest, ASoundStoreIsCountedAndNotChanged) {
  const auto before = All();
  const StoreCheck check = Check();
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_EQ(check.relays, 8U);
  EXPECT_GT(check.names, 8U);
  EXPECT_GT(check.messages, 0U);
  EXPECT_GT(check.recipients, 0U);
  EXPECT_GT(check.bytes, 1000U);
  EXPECT_EQ(check.format, "1");
  EXPECT_EQ(All(), before);
}

TEST_F(StoreCheckTest, AStoreThatIsInUseOrNotThereIsRefused) {
  {
    const auto store = OpenRocksDbStore(path_);
    ASSERT_TRUE(store.ok());
    const auto check = CheckStore(path_);
    EXPECT_EQ(check.status().code(), absl::StatusCode::kFailedPrecondition) << check.status();
    EXPECT_THAT(std::string(check.status().message()), HasSubstr("in use"));
  }
  EXPECT_TRUE(OpenRocksDbStore(path_).ok()) << "its lock was left";
  const auto before = All();
  EXPECT_TRUE(absl::IsNotFound(CheckStore(directory_.path("none")).status()));
  EXPECT_TRUE(absl::IsNotFound(CheckStore(directory_.path()).status()));
  EXPECT_FALSE(fs::exists(directory_.path("none")));
  EXPECT_EQ(All(), before);
}

TEST_F(StoreCheckTest, EachKindOfDamageIsToldWithItsRelay) {
  {
    test::RawStore raw(path_ + "/db");
    const std::string empty = EncodeSection(Queue::kHold, Axis::kSenderDomain, Block());
    const std::string one_more =
        EncodeSection(Queue::kHold, Axis::kSenderDomain, Block{{0}, {0, 1}, {7}});
    const std::string unnamed =
        EncodeSection(Queue::kHold, Axis::kSenderDomain, Block{{99}, {0, 1}, {7}});
    const auto shape = [](RelayId id) {
      return test::ShapeKey(id, Queue::kHold, Axis::kSenderDomain);
    };
    raw.Put("relays", test::RelayKey(1), "\xff\xff");
    raw.Put("names", test::NamesKey(2, 999), "");
    raw.Put("shapes", shape(3), "\xff\xff");
    raw.Merge("shapes", shape(4), one_more);
    raw.Put("shapes", shape(5), unnamed);
    raw.Put("shapes", test::ShapeKey(6, Queue::kActive, Axis::kSenderDomain), empty);
    raw.Put("shapes", test::RelayKey(7) + "\x1b[2J", empty);
    raw.Put("names", test::NamesKey(20, 0), "");
    raw.Put("relays", test::RelayKey(30) + "x\x1b", "");
  }
  const StoreCheck check = Check();
  const auto told = [&](const std::string& relay, const std::string& what) {
    EXPECT_THAT(check.problems,
                Contains(AllOf(HasSubstr("relay " + relay + ":"), HasSubstr(what))));
  };
  told("number 1", "record does not parse");
  told("eu/relay2/postfix", "gap");
  told("eu/relay3/postfix", "does not parse");
  told("eu/relay4/postfix", "digest");
  told("eu/relay5/postfix", "name id 99");
  told("eu/relay6/postfix", "another queue");
  told("eu/relay7/postfix", "key that is none");
  told("number 20", "no record");
  told("number 30", "key that is none: \\x00\\x00\\x00\\x1ex\\x1b");
  EXPECT_EQ(check.relays, 1U) << "the sound one";
  for (const std::string& problem : check.problems) EXPECT_EQ(problem.find('\x1b'), problem.npos);
}

TEST_F(StoreCheckTest, DamagedFilesAreToldAndLeftAsTheyAre) {
  EXPECT_TRUE(OpenRocksDbStore(path_).ok());  // all is in table files
  for (const auto& entry : fs::directory_iterator(path_ + "/db")) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(20);
    file << "damage";
  }
  const auto before = All();
  EXPECT_THAT(Check().problems, Contains(HasSubstr("checksum")));
  EXPECT_EQ(All(), before);
  fs::remove(path_ + "/db/CURRENT");
  EXPECT_THAT(Check().problems, SizeIs(1));
}

// What the last crash left is no damage.
TEST_F(StoreCheckTest, ALogThatEndsWithinARecordIsOnlyNoted) {
  for (const auto& entry : fs::directory_iterator(path_ + "/db")) {
    if (entry.path().extension() != ".log") continue;
    std::ofstream(entry.path(), std::ios::binary | std::ios::app) << "torn";
  }
  const StoreCheck check = Check();
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_THAT(check.notes, Contains(HasSubstr("within a record")));
}

}  // namespace
}  // namespace fleetqshape
