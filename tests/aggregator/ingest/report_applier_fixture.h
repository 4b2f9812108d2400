// A relay's state, and reports that are applied to it.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_REPORT_APPLIER_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_REPORT_APPLIER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "aggregator/ingest/report_applier.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/sections.h"

namespace fleetqshape {

using test::NamedCells;
using test::ReportWriter;

inline constexpr Queue kQueue = Queue::kDeferred;
inline constexpr Axis kAxis = Axis::kRecipientDomain;

class ReportApplierTest : public ::testing::Test {
 protected:
  absl::StatusOr<AppliedReport> Apply(const v1::Report& report,
                                      const StateLimits& limits = StateLimits()) {
    v1::PackedReport taken = test::Packed(report);
    return ApplyReport(7, *state_, &taken, &names_, limits);
  }
  // Applies a report that has to be taken, and stands on its state from then on.
  AppliedReport Advance(const v1::Report& report) {
    auto applied = Apply(report);
    EXPECT_TRUE(applied.ok()) << applied.status();
    if (!applied.ok()) return {};
    state_ = applied->state;
    return *std::move(applied);
  }
  NamedCells Cells() const { return test::CellsOfState(*state_, names_); }

  FleetNames names_;
  std::shared_ptr<const RelayState> state_ = EmptyRelayState();
  ReportWriter writer_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_REPORT_APPLIER_FIXTURE_H_
