// What becomes of the settings and file counts that reports have.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "aggregator/ingest/report_applier.h"
#include "aggregator/store/rocksdb_store.h"
#include "common/codec/relay_limits.h"
#include "tests/aggregator/ingest/engine_fixture.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/aggregator/store/raw_store.h"
#include "tests/support/relay_facts.h"
#include "tests/support/sections.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using test::FileCountsOf;
using test::SettingsOf;
using test::TextOf;

v1::Report With(v1::Report report, const v1::PostfixSettings& settings) {
  *report.mutable_settings() = settings;
  return report;
}
v1::Report With(v1::Report report, const v1::FileCounts& files) {
  *report.mutable_files() = files;
  return report;
}

class ApplyRelayFactsTest : public ::testing::Test {
 protected:
  // Applies a report that has to be taken, and stands on its state from then on.
  v1::StoredRelay Advance(const v1::Report& report) {
    v1::PackedReport taken = test::Packed(report);
    const auto applied = ApplyReport(7, *state_, &taken, &names_);
    EXPECT_TRUE(applied.ok()) << applied.status();
    if (!applied.ok()) return {};
    state_ = applied->state;
    return applied->write.record;
  }

  FleetNames names_;
  std::shared_ptr<const RelayState> state_ = EmptyRelayState();
  ReportWriter writer_;
};

TEST_F(ApplyRelayFactsTest, AreUnknownBeforeAReportHasThem) {
  EXPECT_EQ(state_->settings, nullptr);
  EXPECT_EQ(state_->files, nullptr);
  const v1::StoredRelay record = Advance(writer_.Snapshot(1, OneCell(1)));
  EXPECT_EQ(state_->settings, nullptr);
  EXPECT_EQ(state_->files, nullptr);
  EXPECT_FALSE(record.has_settings());
  EXPECT_FALSE(record.has_files());
}

TEST_F(ApplyRelayFactsTest, AReportReplacesWhatItHasAndLeavesTheRest) {
  Advance(With(With(writer_.Snapshot(1, OneCell(1)), SettingsOf(1)), FileCountsOf(1)));
  EXPECT_EQ(TextOf(state_->settings), TextOf(SettingsOf(1)));
  EXPECT_EQ(TextOf(state_->files), TextOf(FileCountsOf(1)));
  const std::shared_ptr<const RelayState> first = state_;

  v1::StoredRelay record = Advance(writer_.ReportTo(OneCell(2)));
  EXPECT_EQ(TextOf(state_->settings), TextOf(SettingsOf(1)));
  EXPECT_EQ(TextOf(record.settings()), TextOf(SettingsOf(1)))
      << "each record has all that is known";
  EXPECT_EQ(TextOf(record.files()), TextOf(FileCountsOf(1)));

  record = Advance(With(writer_.ReportTo(OneCell(2)), SettingsOf(2)));
  EXPECT_EQ(TextOf(state_->settings), TextOf(SettingsOf(2)));
  EXPECT_EQ(TextOf(state_->files), TextOf(FileCountsOf(1)));
  EXPECT_EQ(TextOf(record.settings()), TextOf(SettingsOf(2)));

  record = Advance(With(writer_.ReportTo(OneCell(3)), FileCountsOf(0)));
  EXPECT_EQ(TextOf(state_->settings), TextOf(SettingsOf(2)));
  EXPECT_EQ(TextOf(state_->files), TextOf(FileCountsOf(0)));
  EXPECT_EQ(TextOf(record.files()), TextOf(FileCountsOf(0)));
  EXPECT_EQ(TextOf(first->settings), TextOf(SettingsOf(1))) << "a state is immutable";
}

// The whole message, and not field by field: a field that is 0 in the later report is 0 from then
// on.
TEST_F(ApplyRelayFactsTest, ALaterReportsZerosCountToo) {
  Advance(With(With(writer_.Snapshot(1, {}), SettingsOf(1)), FileCountsOf(1)));
  Advance(With(With(writer_.ReportTo({}), v1::PostfixSettings()), v1::FileCounts()));
  EXPECT_EQ(TextOf(state_->settings), "{}");
  EXPECT_EQ(TextOf(state_->files), "{}");
}

TEST_F(ApplyRelayFactsTest, ASnapshotWithoutThemMakesThemUnknown) {
  Advance(With(With(writer_.Snapshot(1, OneCell(1)), SettingsOf(1)), FileCountsOf(1)));
  Advance(With(writer_.Snapshot(2, OneCell(1)), FileCountsOf(2)));
  EXPECT_EQ(TextOf(state_->settings), "unknown");
  EXPECT_EQ(TextOf(state_->files), TextOf(FileCountsOf(2)));
  const v1::StoredRelay record = Advance(With(writer_.Snapshot(3, OneCell(1)), SettingsOf(3)));
  EXPECT_EQ(TextOf(state_->settings), TextOf(SettingsOf(3)));
  EXPECT_EQ(TextOf(state_->files), "unknown");
  EXPECT_FALSE(record.has_files());
}

TEST_F(ApplyRelayFactsTest, AVersionIsAnyBytesUpToTheLimit) {
  v1::PostfixSettings settings = SettingsOf(1);
  settings.set_mail_version(std::string(kMaxMailVersionLength, '\xff'));
  Advance(With(writer_.Snapshot(1, {}), settings));
  EXPECT_EQ(TextOf(state_->settings), TextOf(settings));
  settings.mutable_mail_version()->push_back('v');
  for (const v1::Report& report :
       {With(writer_.ReportTo({}), settings), With(writer_.Snapshot(2, {}), settings)}) {
    v1::PackedReport taken = test::Packed(report);
    const auto applied = ApplyReport(7, *state_, &taken, &names_);
    EXPECT_EQ(applied.status().code(), absl::StatusCode::kInvalidArgument) << applied.status();
  }
}

TEST_F(ApplyRelayFactsTest, FieldsThatThisVersionDoesNotKnowAreNotKept) {
  v1::PostfixSettings settings = SettingsOf(1);
  v1::FileCounts files = FileCountsOf(1);
  for (google::protobuf::Message* message : {static_cast<google::protobuf::Message*>(&settings),
                                             static_cast<google::protobuf::Message*>(&files)}) {
    message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(99)->assign(100'000,
                                                                                            'x');
  }
  const v1::StoredRelay record = Advance(With(With(writer_.Snapshot(1, {}), settings), files));
  EXPECT_EQ(TextOf(state_->settings), TextOf(SettingsOf(1)));
  EXPECT_EQ(TextOf(state_->files), TextOf(FileCountsOf(1)));
  EXPECT_LT(record.ByteSizeLong(), 1000U);
}

class EngineRelayFactsTest : public EngineTest {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    auto store = OpenRocksDbStore(directory_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    StartOn(store_.get());
  }
  void Close() {
    engine_.reset();
    fleet_.reset();
    store_.reset();
  }
  void Restart() {
    Close();
    Open();
  }
  std::string SettingsText(RelayId relay) const {
    return TextOf(fleet_->View(relay).state->settings);
  }
  std::string FilesText(RelayId relay) const { return TextOf(fleet_->View(relay).state->files); }

  test::TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
  ReportWriter writer_;
};

TEST_F(EngineRelayFactsTest, SurviveARestart) {
  const RelayId relay = Connect("a").relay;
  const RelayId other = Connect("b").relay;
  ReportWriter other_writer;
  SubmitSound(other, other_writer.Snapshot(1, OneCell(1)));
  SubmitSound(relay, With(With(writer_.Snapshot(9, OneCell(1)), SettingsOf(1)), FileCountsOf(1)));
  SubmitSound(relay, With(writer_.ReportTo(OneCell(1)), SettingsOf(2)));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(SettingsText(relay), TextOf(SettingsOf(2)));
    EXPECT_EQ(FilesText(relay), TextOf(FileCountsOf(1)));
    EXPECT_EQ(SettingsText(other), "unknown");
    Restart();
  }
  SubmitSound(Connect("a").relay, writer_.ReportTo(OneCell(3)));
  Restart();
  EXPECT_EQ(SettingsText(relay), TextOf(SettingsOf(2)));
  SubmitSound(Connect("a").relay, writer_.Snapshot(10, OneCell(1)));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(SettingsText(relay), "unknown");
    EXPECT_EQ(FilesText(relay), "unknown");
    Restart();
  }
}

TEST_F(EngineRelayFactsTest, OfARefusedReportNothingIsTaken) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, With(With(writer_.Snapshot(9, OneCell(1)), SettingsOf(1)), FileCountsOf(1)));
  v1::PostfixSettings malformed = SettingsOf(2);
  malformed.set_mail_version(std::string(kMaxMailVersionLength + 1, 'v'));
  v1::Report report = With(With(writer_.ReportTo(OneCell(2)), malformed), FileCountsOf(2));
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, report)));
  report = With(report, SettingsOf(2));
  report.set_digest(report.digest() ^ 1);
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, report)));
  EXPECT_EQ(SettingsText(relay), TextOf(SettingsOf(1)));
  EXPECT_EQ(FilesText(relay), TextOf(FileCountsOf(1)));
  EXPECT_EQ(Cells(relay), OneCell(1));
  Restart();
  EXPECT_EQ(SettingsText(relay), TextOf(SettingsOf(1)));
  EXPECT_EQ(FilesText(relay), TextOf(FileCountsOf(1)));
}

TEST_F(EngineRelayFactsTest, AReportThatComesAgainDoesNotBringThemBack) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  const v1::Report second = With(writer_.ReportTo(OneCell(1)), SettingsOf(2));
  SubmitSound(relay, second);
  SubmitSound(relay, With(second, SettingsOf(3)));  // the same number: it is not even looked at
  EXPECT_EQ(SettingsText(relay), TextOf(SettingsOf(2)));
  SubmitSound(relay, With(writer_.ReportTo(OneCell(1)), SettingsOf(4)));
  EXPECT_TRUE(IsSnapshotRequest(SubmitAndWait(relay, second)));
  EXPECT_EQ(SettingsText(relay), TextOf(SettingsOf(4)));
}

TEST_F(EngineRelayFactsTest, AreUnknownOfARelayWhoseStoredStateIsDamaged) {
  const RelayId relay = Connect("a").relay;
  SubmitSound(relay, With(With(writer_.Snapshot(9, OneCell(1)), SettingsOf(1)), FileCountsOf(1)));
  Close();
  {
    test::RawStore raw(directory_.path("db"));
    raw.Put("names", test::NamesKey(relay, 0), "");
  }
  Open();
  EXPECT_EQ(SettingsText(relay), "unknown");
  EXPECT_EQ(FilesText(relay), "unknown");
}

TEST_F(EngineRelayFactsTest, ARelayIsConnectedAsLongAsItsStreamIsOpen) {
  const RelayId relay = Connect("a").relay;
  EXPECT_TRUE(fleet_->View(relay).connected);
  const auto second = engine_->Connect(HelloOf("a"), "another peer", clock_.NowMilliseconds());
  EXPECT_FALSE(second.ok());
  EXPECT_TRUE(fleet_->View(relay).connected) << "the first one still is";
  Disconnect(relay);
  EXPECT_FALSE(fleet_->View(relay).connected);
  Connect("a");
  EXPECT_TRUE(fleet_->View(relay).connected);
  SubmitSound(relay, writer_.Snapshot(9, OneCell(1)));
  EXPECT_TRUE(fleet_->View(relay).connected);
  Restart();
  EXPECT_FALSE(fleet_->View(relay).connected) << "no stream outlives the aggregator";
}

}  // namespace
}  // namespace fleetqshape
