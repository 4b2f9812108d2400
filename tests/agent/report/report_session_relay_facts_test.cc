// What a session tells of its relay beside the queue: settings and file counts.

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "common/codec/relay_limits.h"
#include "tests/agent/report/report_session_fixture.h"
#include "tests/support/relay_facts.h"

namespace fleetqshape {
namespace {

using test::FileCountsOf;
using test::SettingsOf;
using test::TextOf;

class ReportSessionRelayFactsTest : public ReportSessionTest {
 protected:
  // The next report, acknowledged at once; none if there is nothing to say (or a heartbeat).
  std::optional<v1::Report> NextReport() {
    const Messages messages = Take();
    if (messages.empty() || messages[0].has_heartbeat()) return std::nullopt;
    const auto report = ReportOf(messages);
    if (report) {
      follower_.Apply(*report);
      session_.OnMessage(Acknowledgement(report->epoch(), report->sequence()));
    }
    return report;
  }
  // Settings, file counts and a message, all reported.
  void ReportAll() {
    session_.SetSettings(SettingsOf());
    session_.SetFileCounts(FileCountsOf());
    Put(1, Queue::kActive, "r@one");
    ReportSnapshot();
  }
};

TEST_F(ReportSessionRelayFactsTest, ASnapshotHasThemBoth) {
  session_.SetSettings(SettingsOf());
  session_.SetFileCounts(FileCountsOf());
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf()));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf()));
  EXPECT_EQ(report->digest(), 0U) << "they are no part of it";
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionRelayFactsTest, WhatIsUnknownIsNotInASnapshot) {
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->has_settings());
  EXPECT_FALSE(report->has_files());
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionRelayFactsTest, NothingButZerosIsReportedToo) {
  session_.SetSettings({});
  session_.SetFileCounts({});
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->has_settings());
  EXPECT_TRUE(report->has_files());
}

TEST_F(ReportSessionRelayFactsTest, ADeltaHasThemOnlyIfTheyChanged) {
  ReportAll();
  session_.SetSettings(SettingsOf());
  session_.SetFileCounts(FileCountsOf());
  EXPECT_FALSE(NextReport());
  Put(2, Queue::kActive, "r@two");
  auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->has_settings());
  EXPECT_FALSE(report->has_files());

  Put(3, Queue::kActive, "r@three");
  session_.SetSettings(SettingsOf(5));
  session_.SetFileCounts(FileCountsOf(6));
  report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf(5)));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(6)));
  EXPECT_EQ(report->sections_size(), 2);
  EXPECT_FALSE(NextReport());
}

TEST_F(ReportSessionRelayFactsTest, ChangedSettingsAloneAreADeltaWithoutSections) {
  ReportAll();
  session_.SetSettings(SettingsOf(5));
  EXPECT_FALSE(session_.UpToDate());
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kFirstEpoch);
  EXPECT_EQ(report->sequence(), 2U);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf(5)));
  EXPECT_FALSE(report->has_files());
  EXPECT_EQ(report->sections_size(), 0);
  EXPECT_EQ(report->names_size(), 0);
  EXPECT_EQ(report->digest(), model_.digest());
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_EQ(session_.counters().deltas, 1U);
}

TEST_F(ReportSessionRelayFactsTest, SettingsThatChangedBackAreNotReported) {
  ReportAll();
  session_.SetSettings(SettingsOf(5));
  session_.SetSettings(SettingsOf());
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_FALSE(NextReport());
}

TEST_F(ReportSessionRelayFactsTest, AVersionBeyondTheLimitIsCut) {
  v1::PostfixSettings settings = SettingsOf();
  settings.set_mail_version(std::string(kMaxMailVersionLength, 'v') + "w");
  session_.SetSettings(settings);
  Open();
  session_.OnMessage(Welcome(0, 0));
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->settings().mail_version(), std::string(kMaxMailVersionLength, 'v'));
  session_.SetSettings(settings);
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionRelayFactsTest, ChangedFileCountsAloneAreReportedWhenTheyLasted) {
  ReportAll();
  clock_.AdvanceSeconds(3);
  const int64_t changed = clock_.MonotonicMilliseconds();
  session_.SetFileCounts(FileCountsOf(5));
  EXPECT_FALSE(session_.UpToDate());
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), changed + 7'000) << "the heartbeat";
  clock_.AdvanceSeconds(7);
  const Messages heartbeat = Take();
  ASSERT_EQ(heartbeat.size(), 1U);
  EXPECT_TRUE(heartbeat[0].has_heartbeat());

  EXPECT_EQ(session_.NextOutgoingMilliseconds(), changed + 10'000) << "the file counts";
  session_.SetFileCounts(FileCountsOf(6));  // still not what was reported
  clock_.AdvanceMilliseconds(2'999);
  EXPECT_TRUE(Take().empty());
  clock_.AdvanceMilliseconds(1);
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 2U);
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(6)));
  EXPECT_FALSE(report->has_settings());
  EXPECT_EQ(report->sections_size(), 0);
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), changed + 20'000);
}

TEST_F(ReportSessionRelayFactsTest, ChangedFileCountsGoAlongWithWhatElseChangedAtOnce) {
  ReportAll();
  session_.SetFileCounts(FileCountsOf(5));
  EXPECT_FALSE(NextReport());
  Put(2, Queue::kActive, "r@two");
  auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(5)));

  session_.SetFileCounts(FileCountsOf(6));
  EXPECT_FALSE(NextReport());
  session_.SetSettings(SettingsOf(5));
  report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(6)));
  EXPECT_TRUE(session_.UpToDate());
}

// A message is being written at every other look, for an hour.
TEST_F(ReportSessionRelayFactsTest, CountsThatComeAndGoMakeNoReports) {
  ReportAll();
  for (int second = 0; second < 3600; ++second) {
    clock_.AdvanceSeconds(1);
    session_.SetFileCounts(FileCountsOf(second % 2 == 0 ? 2 : 1));
    EXPECT_FALSE(NextReport());
  }
  EXPECT_EQ(session_.counters().deltas, 0U);
  EXPECT_EQ(session_.counters().heartbeats, 360U);
}

TEST_F(ReportSessionRelayFactsTest, CountsThatAreNeverTheSameMakeAReportATimeOfDelay) {
  ReportAll();
  for (uint64_t second = 1; second <= 1000; ++second) {
    clock_.AdvanceSeconds(1);
    session_.SetFileCounts(FileCountsOf(second + 1));
    if (const auto report = NextReport()) {
      EXPECT_EQ(report->files().being_written(), second + 1) << "the latest";
    }
  }
  // They begin to differ a second after each report.
  EXPECT_EQ(session_.counters().deltas, 1000U / 11);
}

TEST_F(ReportSessionRelayFactsTest, FileCountsWaitTheSameTimeWhateverTheWallClockDoes) {
  ReportAll();
  for (const int64_t jump : {-86'400, 86'400}) {
    SCOPED_TRACE(jump);
    session_.SetFileCounts(FileCountsOf(jump < 0 ? 5 : 6));
    clock_.AdvanceMilliseconds(1);  // past the heartbeat
    clock_.JumpSeconds(jump);
    EXPECT_FALSE(NextReport());
    clock_.AdvanceMilliseconds(9'998);
    EXPECT_FALSE(NextReport());
    clock_.AdvanceMilliseconds(1);
    EXPECT_TRUE(NextReport());
  }
}

TEST_F(ReportSessionRelayFactsTest, WhatChangesWhileAReportIsInFlightWaitsForItsEnd) {
  ReportAll();
  session_.SetSettings(SettingsOf(5));
  ASSERT_TRUE(ReportOf(Take()));
  const int64_t sent = clock_.MonotonicMilliseconds();
  session_.SetSettings(SettingsOf());  // as it was before that report
  session_.SetFileCounts(FileCountsOf(5));
  clock_.AdvanceSeconds(60);
  const Messages messages = Take();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].has_heartbeat());
  EXPECT_EQ(session_.NextOutgoingMilliseconds(), sent + 70'000)
      << "nobody wakes up for what can't be sent";
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  EXPECT_FALSE(session_.UpToDate());
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 3U);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf()));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(5)));
  session_.OnMessage(Acknowledgement(kFirstEpoch, 3));
  EXPECT_TRUE(session_.UpToDate());
}

TEST_F(ReportSessionRelayFactsTest, AReportThatDidNotArriveIsSentAgainAsItWas) {
  ReportAll();
  session_.SetSettings(SettingsOf(5));
  session_.SetFileCounts(FileCountsOf(5));
  const auto bytes = ReportBytes(Take());
  ASSERT_TRUE(bytes);
  session_.OnDisconnected();
  session_.SetSettings(SettingsOf(6));
  session_.SetFileCounts(FileCountsOf(6));
  clock_.AdvanceSeconds(60);
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_EQ(ReportBytes(Take()), bytes);
  session_.OnMessage(Acknowledgement(kFirstEpoch, 2));
  const auto report = ReportOf(Take());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 3U);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf(6)));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(6)));
}

TEST_F(ReportSessionRelayFactsTest, WhatChangedWhileDisconnectedIsReportedAfterTheWelcome) {
  ReportAll();
  session_.OnDisconnected();
  session_.SetSettings(SettingsOf(5));
  session_.SetFileCounts(FileCountsOf(5));
  EXPECT_FALSE(session_.NextOutgoingMilliseconds());
  clock_.AdvanceSeconds(3600);
  EXPECT_TRUE(Take().empty());
  Open();
  session_.OnMessage(Welcome(kFirstEpoch, 1));
  EXPECT_FALSE(session_.UpToDate());
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sequence(), 2U);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf(5)));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(5)));
}

TEST_F(ReportSessionRelayFactsTest, ANewEpochsSnapshotHasThemThoughTheyDidNotChange) {
  ReportAll();
  session_.OnMessage(SnapshotRequest());
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->epoch(), kSecondEpoch);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf()));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf()));
  EXPECT_TRUE(session_.UpToDate());
  EXPECT_FALSE(NextReport());
}

// What was only ever in the report that was given up is in the snapshot.
TEST_F(ReportSessionRelayFactsTest, AReportThatIsGivenUpTakesNothingAway) {
  ReportAll();
  session_.SetSettings(SettingsOf(5));
  session_.SetFileCounts(FileCountsOf(5));
  ASSERT_TRUE(ReportOf(Take()));
  session_.OnMessage(SnapshotRequest());
  const auto report = NextReport();
  ASSERT_TRUE(report);
  EXPECT_EQ(TextOf(report->settings()), TextOf(SettingsOf(5)));
  EXPECT_EQ(TextOf(report->files()), TextOf(FileCountsOf(5)));
}

}  // namespace
}  // namespace fleetqshape
