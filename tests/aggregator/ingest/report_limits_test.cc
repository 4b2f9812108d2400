// What a report may not make of a relay's state, however sound it is.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "aggregator/ingest/report_applier.h"
#include "common/codec/section_codec.h"
#include "tests/aggregator/ingest/report_applier_fixture.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

class ReportLimitsTest : public ReportApplierTest {
 protected:
  absl::StatusCode CodeOf(const v1::Report& report, const StateLimits& limits) {
    auto applied = Apply(report, limits);
    if (!applied.ok()) return applied.status().code();
    state_ = applied->state;
    return absl::StatusCode::kOk;
  }
  static NamedCells Cells(int64_t count, const std::string& name = "a") {
    NamedCells cells;
    for (int64_t i = 0; i < count; ++i) cells.insert({kQueue, kAxis, name, i});
    return cells;
  }
};

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST_F(ReportLimitsTest, ASectionHasNoMoreArrivalsThanTheLimit) {
  const StateLimits limits{.section_arrivals = 100};
  EXPECT_EQ(CodeOf(writer_.Snapshot(1, Cells(101)), limits), kInvalid);
  EXPECT_EQ(CodeOf(writer_.Snapshot(2, Cells(99)), limits), kOk);
  EXPECT_EQ(CodeOf(writer_.ReportTo(Cells(100)), limits), kOk) << "all of the limit";
  const ReportWriter before = writer_;
  EXPECT_EQ(CodeOf(writer_.ReportTo(Cells(101)), limits), kInvalid) << "step by step";
  // As many go as come; sections are counted each for itself.
  writer_ = before;
  NamedCells cells = Cells(100, "b");
  EXPECT_EQ(CodeOf(writer_.ReportTo(cells), limits), kOk);
  for (const test::NamedCell& cell : Cells(100)) {
    cells.insert({Queue::kActive, kAxis, cell.name, cell.arrival});
  }
  EXPECT_EQ(CodeOf(writer_.ReportTo(cells), limits), kOk);
}

TEST_F(ReportLimitsTest, AnEpochHasNoMoreNamesThanTheLimit) {
  const StateLimits limits{.names = 3};
  NamedCells cells = {{kQueue, kAxis, "a", 1}, {kQueue, kAxis, "b", 1}};
  EXPECT_EQ(CodeOf(writer_.Snapshot(1, cells), limits), kOk);
  EXPECT_EQ(CodeOf(writer_.ReportTo(Cells(1, "c")), limits), kOk);
  const size_t known = names_.size();
  EXPECT_EQ(CodeOf(writer_.ReportTo(Cells(1, "d")), limits), kInvalid) << "others have gone";
  EXPECT_EQ(names_.size(), known) << "nor has the fleet";
  EXPECT_EQ(CodeOf(writer_.Snapshot(2, Cells(1, "d")), limits), kOk) << "a new epoch";
}

TEST_F(ReportLimitsTest, TheLimitsAreFarBeyondAnyQueueAndWithin32Bits) {
  const StateLimits limits;
  EXPECT_GE(limits.section_arrivals, 20'000'000U);
  EXPECT_LE(limits.section_arrivals, 100'000'000U);
  // The worst that a section may take: ten bytes an arrival, three numbers a name.
  EXPECT_LT(10 * limits.section_arrivals + 15 * limits.names, uint64_t{1} << 31);
}

// They would be stored, and read at each start, and have no limit.
TEST_F(ReportLimitsTest, WhatIsNotKnownOfASectionIsNotStored) {
  const auto with_unknown = [](v1::Report report) {
    v1::Section* section = report.mutable_sections(0);
    section->GetReflection()->MutableUnknownFields(section)->AddLengthDelimited(
        99, std::string(10'000, 'x'));
    return report;
  };
  const auto stored = [&](const v1::Report& report) {
    v1::PackedReport taken = test::Packed(report);
    const auto applied = ApplyReport(7, *state_, &taken, &names_);
    EXPECT_TRUE(applied.ok()) << applied.status();
    if (!applied.ok()) return std::string();
    state_ = applied->state;
    return applied->write.sections.back().value;
  };
  const v1::Report snapshot = writer_.Snapshot(1, Cells(1));
  EXPECT_EQ(stored(with_unknown(snapshot)), snapshot.sections(0).SerializeAsString());
  const v1::Report delta = writer_.ReportTo(Cells(2));
  EXPECT_EQ(stored(with_unknown(delta)), delta.sections(0).SerializeAsString());
}

}  // namespace
}  // namespace fleetqshape
