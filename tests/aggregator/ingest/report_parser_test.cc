#include "aggregator/ingest/report_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/aggregator/relay_reports.h"
#include "tests/support/random_source.h"

namespace fleetqshape {
namespace {

// So many times the same bytes.
std::string Times(size_t count, const std::string& bytes) {
  std::string all;
  all.reserve(count * bytes.size());
  for (size_t i = 0; i < count; ++i) all += bytes;
  return all;
}

void ExpectRefused(const std::string& bytes) {
  EXPECT_EQ(ParseReport(bytes).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReportParserTest, AReportIsAsItWas) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(30); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    test::ReportWriter writer;
    v1::Report report = writer.Snapshot(1, test::RandomCells(random, 500));
    report.mutable_settings()->set_mail_version("3.7.11");
    report.mutable_files()->set_damaged(3);
    const auto parsed = ParseReport(report.SerializeAsString());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->SerializeAsString(), report.SerializeAsString());
  }
  EXPECT_TRUE(ParseReport("").ok());
}

// Whoever adds a field to one has to add it to the other.
TEST(ReportParserTest, APackedReportHasTheFieldsOfAReport) {
  const auto& report = *v1::Report::descriptor();
  const auto& packed = *v1::PackedReport::descriptor();
  ASSERT_EQ(packed.field_count(), report.field_count());
  for (int i = 0; i < report.field_count(); ++i) {
    const auto& field = *report.field(i);
    SCOPED_TRACE(field.name());
    const auto* const same = packed.FindFieldByNumber(field.number());
    ASSERT_NE(same, nullptr);
    EXPECT_EQ(same->name(), field.name());
    EXPECT_EQ(same->label(), field.label());
    if (field.number() == v1::Report::kSectionsFieldNumber) {
      EXPECT_EQ(same->type(), google::protobuf::FieldDescriptor::TYPE_BYTES);
    } else {
      EXPECT_EQ(same->type(), field.type());
      EXPECT_EQ(same->message_type(), field.message_type());
    }
  }
}

TEST(ReportParserTest, WhatIsNoReportIsRefused) {
  v1::Report report = test::ReportWriter().Snapshot(1, {});
  report.add_names("example.com");
  report.add_sections()->add_gained_steps(1);
  const std::string bytes = report.SerializeAsString();
  ASSERT_TRUE(ParseReport(bytes).ok());
  ExpectRefused("\xff\xff\xff");
  ExpectRefused(bytes + "\x2a");              // a section without a length
  ExpectRefused(bytes + "\x2a\x05");          // of 5 bytes, which are not there
  ExpectRefused(bytes + "\x2a\x02\x3a\x05");  // with a column longer than the section
  ExpectRefused(std::string("\x2a\xff\xff\xff\xff\x0f", 6));
  ExpectRefused("\x2a\x01\x04");          // the end of a group that did not begin
  ExpectRefused(bytes + "\x24");          // the same outside
  ExpectRefused(bytes + "\x33\x34");      // a group
  ExpectRefused(std::string("\x00", 1));  // field 0
}

TEST(ReportParserTest, AFewFieldsOfLaterVersionsAreTaken) {
  const std::string bytes = test::ReportWriter().Snapshot(1, {}).SerializeAsString();
  EXPECT_TRUE(ParseReport(bytes + Times(10, "\x7a\x03xyz")).ok());
  EXPECT_TRUE(ParseReport(bytes + "\x2a\x05\x7a\x03xyz").ok()) << "in a section";
}

// Each takes 2 bytes on the wire, and a hundred in memory.
TEST(ReportParserTest, ManySmallFieldsAreRefused) {
  constexpr size_t kMany = 1000;
  ExpectRefused(Times(kMany, std::string("\x2a\x00", 2)));  // sections
  ExpectRefused(Times(kMany, std::string("\x3a\x00", 2)));  // settings
  ExpectRefused(Times(kMany, std::string("\x42\x00", 2)));  // file counts
  ExpectRefused(Times(kMany, std::string("\x7a\x00", 2)));  // unknown ones
  ExpectRefused(Times(kMany, std::string("\x78\x00", 2)));
  v1::Report report;
  report.mutable_sections()->Add()->MergeFromString(Times(kMany, std::string("\x7a\x00", 2)));
  ExpectRefused(report.SerializeAsString());
  report.Clear();
  report.mutable_files()->MergeFromString(Times(kMany, std::string("\x7a\x00", 2)));
  ExpectRefused(report.SerializeAsString());
}

TEST(ReportParserTest, NamesMayBeMany) {
  v1::Report report;
  for (int i = 0; i < 10'000; ++i) report.add_names(std::to_string(i));
  EXPECT_TRUE(ParseReport(report.SerializeAsString()).ok());
}

}  // namespace
}  // namespace fleetqshape
