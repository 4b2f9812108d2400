#include "aggregator/ingest/report_applier.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/codec/section_codec.h"
#include "common/shape/address.h"
#include "tests/aggregator/ingest/report_applier_fixture.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/sections.h"

namespace fleetqshape {
namespace {

TEST_F(ReportApplierTest, ASnapshotAndDeltasLeadToTheAgentsState) {
  for (uint64_t seed = test::FirstSeed(); seed < test::FirstSeed() + test::Runs(30); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    test::RandomSource random(seed);
    NamedCells cells = test::RandomCells(random, 200);
    Advance(writer_.Snapshot(seed, cells));
    EXPECT_EQ(Cells(), cells);
    for (uint64_t sequence = 2; sequence < 12; ++sequence) {
      const std::shared_ptr<const RelayState> before = state_;
      const NamedCells cells_before = cells;
      cells = test::ChangedCells(random, cells, 100);
      const AppliedReport applied = Advance(writer_.ReportTo(cells));
      EXPECT_EQ(Cells(), cells);
      EXPECT_EQ(state_->epoch, seed);
      EXPECT_EQ(state_->sequence, sequence);
      EXPECT_EQ(state_->digest, test::DigestOf(cells));
      EXPECT_EQ(applied.write.relay, 7U);
      EXPECT_EQ(applied.write.record.epoch(), seed);
      EXPECT_EQ(applied.write.record.sequence(), sequence);
      EXPECT_EQ(applied.write.record.digest(), state_->digest);
      EXPECT_EQ(applied.write.record.name_count(), state_->names.size());
      EXPECT_FALSE(applied.write.forget_names);
      EXPECT_EQ(test::CellsOfState(*before, names_), cells_before) << "a state is immutable";
    }
  }
}

TEST_F(ReportApplierTest, ASnapshotReplacesAllThatWasKnown) {
  Advance(writer_.Snapshot(1, {{Queue::kHold, kAxis, "old", 1}, {kQueue, kAxis, "old2", 1}}));
  const NamedCells cells = {{kQueue, kAxis, "new", 2}};
  const AppliedReport applied = Advance(writer_.Snapshot(2, cells));
  EXPECT_EQ(Cells(), cells);
  EXPECT_EQ(state_->names.size(), 1U);
  EXPECT_TRUE(applied.write.forget_names);
  EXPECT_EQ(applied.write.first_name_id, 0U);
  ASSERT_EQ(applied.write.names.names_size(), 1);
  EXPECT_EQ(applied.write.names.names(0), "new");
  // On disk all sections are erased before those of the snapshot are written.
  std::map<std::pair<Queue, Axis>, SectionWrite::Kind> last;
  for (const SectionWrite& write : applied.write.sections) {
    last[{write.queue, write.axis}] = write.kind;
  }
  EXPECT_EQ(last.size(), kSectionCount);
  for (const auto& [section, kind] : last) {
    const bool written = section == std::pair(kQueue, kAxis);
    EXPECT_EQ(kind, written ? SectionWrite::Kind::kReplace : SectionWrite::Kind::kErase);
  }
}

TEST_F(ReportApplierTest, SectionsThatDidNotChangeAreShared) {
  Advance(writer_.Snapshot(1, {{Queue::kHold, kAxis, "a", 1}, {kQueue, kAxis, "b", 1}}));
  const std::shared_ptr<const RelayState> before = state_;
  Advance(writer_.ReportTo({{Queue::kHold, kAxis, "a", 1}, {kQueue, kAxis, "b", 2}}));
  const size_t hold = SectionIndex(Queue::kHold, kAxis);
  EXPECT_EQ(before->sections[hold], state_->sections[hold]);
  EXPECT_EQ(before->names, state_->names);
}

TEST_F(ReportApplierTest, TheLongestNameIsTaken) {
  Advance(writer_.Snapshot(1, {{kQueue, kAxis, std::string(kMaxReportedNameLength, 'a'), 1}}));
  EXPECT_EQ(Cells(), writer_.cells());
}

TEST_F(ReportApplierTest, RelaysOwnIdsLeadToTheFleetsNames) {
  names_.Intern("of another relay");
  Advance(writer_.Snapshot(1, {{kQueue, kAxis, "b", 1}, {kQueue, kAxis, "of another relay", 1}}));
  ASSERT_EQ(state_->names.size(), 2U);
  EXPECT_EQ(names_.name(state_->names[0]), "b");
  EXPECT_EQ(state_->names[1], 0U);
}

// Pages have names of one use (NamePages).
TEST_F(ReportApplierTest, RecipientsNamesStandTogether) {
  const auto page_of = [this](const std::string& name) {
    const auto id = names_.Find(name);
    EXPECT_TRUE(id) << name;
    return id.value_or(0) / NamePages::kIdsOfPage;
  };
  constexpr Axis kRecipients = Axis::kRecipientDomain;
  constexpr Axis kSenders = Axis::kSenderDomain;
  Advance(writer_.Snapshot(
      1,
      {{kQueue, kSenders, "s1", 1}, {kQueue, kRecipients, "r1", 1}, {kQueue, kSenders, "r1", 1}}));
  Advance(writer_.ReportTo({{kQueue, kRecipients, "r1", 1},
                            {kQueue, kSenders, "s2", 1},
                            {Queue::kHold, kSenders, "r2", 1},
                            {Queue::kHold, kRecipients, "r2", 1}}));
  EXPECT_NE(page_of("r1"), page_of("s1"));
  EXPECT_EQ(page_of("r2"), page_of("r1"));
  EXPECT_EQ(page_of("s2"), page_of("s1"));
}

TEST_F(ReportApplierTest, ADeltaIsStoredAsTheMergeOperandThatCame) {
  Advance(writer_.Snapshot(1, {{kQueue, kAxis, "a", 1}}));
  const v1::Report report = writer_.ReportTo({{kQueue, kAxis, "a", 2}, {kQueue, kAxis, "b", 3}});
  const AppliedReport applied = Advance(report);
  ASSERT_EQ(applied.write.sections.size(), 1U);
  EXPECT_EQ(applied.write.sections[0].kind, SectionWrite::Kind::kMerge);
  EXPECT_EQ(applied.write.sections[0].value, report.sections(0).SerializeAsString());
  EXPECT_EQ(applied.write.first_name_id, 1U);
  ASSERT_EQ(applied.write.names.names_size(), 1);
  EXPECT_EQ(applied.write.names.names(0), "b");
}

// Reading a section never takes merging much more than what it holds.
TEST_F(ReportApplierTest, ABaseTakesThePlaceOfOperandsThatOutgrowIt) {
  constexpr int64_t kArrivals = 24'000;
  NamedCells cells;
  for (int64_t i = 0; i < kArrivals; ++i) cells.insert({kQueue, kAxis, "d", i});
  Advance(writer_.Snapshot(1, cells));
  size_t since_base = 0;
  int bases = 0;
  for (int64_t step = 0; step < 100; ++step) {
    for (int64_t i = 0; i < 500; ++i) {
      cells.erase(cells.begin());
      cells.insert({kQueue, kAxis, "d", kArrivals + 500 * step + i});
    }
    const AppliedReport applied = Advance(writer_.ReportTo(cells));
    ASSERT_EQ(applied.write.sections.size(), 1U);
    const SectionWrite& write = applied.write.sections[0];
    if (write.kind == SectionWrite::Kind::kMerge) {
      since_base += write.value.size();
      ASSERT_LE(since_base, static_cast<size_t>(3 * kArrivals));
      continue;
    }
    ASSERT_EQ(write.kind, SectionWrite::Kind::kReplace);
    ++bases;
    EXPECT_GT(since_base, static_cast<size_t>(3 * kArrivals) - 2000) << "not before it is worth it";
    since_base = 0;
    const auto block = test::DecodeState(write.value);
    ASSERT_TRUE(block.ok()) << block.status();
    EXPECT_EQ(*block, *state_->sections[SectionIndex(kQueue, kAxis)]);
  }
  EXPECT_GT(bases, 0);
  EXPECT_EQ(Cells(), cells);
}

TEST_F(ReportApplierTest, SmallOperandsAreNotReplacedHoweverSmallTheBase) {
  Advance(writer_.Snapshot(1, {}));
  for (int64_t step = 0; step < 500; ++step) {
    const AppliedReport applied = Advance(writer_.ReportTo({{kQueue, kAxis, "d", step}}));
    ASSERT_EQ(applied.write.sections[0].kind, SectionWrite::Kind::kMerge);
  }
}

TEST_F(ReportApplierTest, ASnapshotIsABaseAndCountsNoOperands) {
  NamedCells cells;
  for (int64_t i = 0; i < 1000; ++i) cells.insert({kQueue, kAxis, "d" + std::to_string(i), i});
  Advance(writer_.Snapshot(1, {}));
  Advance(writer_.ReportTo(cells));
  EXPECT_GT(state_->operand_bytes[SectionIndex(kQueue, kAxis)], 0U);
  Advance(writer_.Snapshot(2, cells));
  for (size_t bytes : state_->operand_bytes) EXPECT_EQ(bytes, 0U);
}

// What is refused, and why. Each case changes a report that would be taken as it is.
struct Refusal {
  const char* what;
  absl::StatusCode code;
  std::function<void(v1::Report*)> spoil;
};

class ReportRefusalTest : public ReportApplierTest,
                          public ::testing::WithParamInterface<Refusal> {};

TEST_P(ReportRefusalTest, IsRefusedAndLeavesTheStateAsItWas) {
  const NamedCells before = {{kQueue, kAxis, "a", 1}, {Queue::kHold, kAxis, "b", 5}};
  Advance(writer_.Snapshot(1, before));
  const v1::Report sound = writer_.ReportTo(
      {{kQueue, kAxis, "a", 2}, {Queue::kHold, kAxis, "b", 5}, {Queue::kActive, kAxis, "c", 9}});
  ASSERT_TRUE(Apply(sound).ok());
  v1::Report spoiled = sound;
  GetParam().spoil(&spoiled);
  const auto applied = Apply(spoiled);
  EXPECT_EQ(applied.status().code(), GetParam().code) << applied.status();
  EXPECT_FALSE(applied.status().message().empty());
  EXPECT_EQ(Cells(), before);
  // It does not stand in the way of the sound one.
  Advance(sound);
  EXPECT_EQ(Cells(), writer_.cells());
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnfit = absl::StatusCode::kFailedPrecondition;
constexpr auto kOther = absl::StatusCode::kDataLoss;  // than the agent's state

INSTANTIATE_TEST_SUITE_P(
    All, ReportRefusalTest,
    ::testing::Values(
        Refusal{"WrongDigest", kOther, [](auto* r) { r->set_digest(r->digest() + 1); }},
        Refusal{"NoDigest", kOther, [](auto* r) { r->clear_digest(); }},
        Refusal{"ASectionLeftOut", kOther, [](auto* r) { r->mutable_sections()->RemoveLast(); }},
        Refusal{"NamesThatLeaveAGap", kUnfit, [](auto* r) { r->set_first_name_id(3); }},
        Refusal{"NamesThatComeAgain", kUnfit, [](auto* r) { r->set_first_name_id(0); }},
        Refusal{"ANameThatIsNotGiven", kInvalid, [](auto* r) { r->mutable_names()->Clear(); }},
        Refusal{"ANameIdFarBeyond", kInvalid,
                [](auto* r) { r->mutable_sections(0)->set_name_id_steps(0, 0xFFFFFFFF); }},
        Refusal{"ANameTooLong", kInvalid,
                [](auto* r) { r->set_names(0, std::string(kMaxReportedNameLength + 1, 'a')); }},
        Refusal{"AnotherName", kOther, [](auto* r) { r->set_names(0, "another"); }},
        Refusal{"NoQueue", kInvalid, [](auto* r) { r->mutable_sections(0)->clear_queue(); }},
        Refusal{"AnUnknownQueue", kInvalid,
                [](auto* r) { r->mutable_sections(0)->set_queue(static_cast<v1::Queue>(6)); }},
        Refusal{"AnUnknownAxis", kInvalid,
                [](auto* r) { r->mutable_sections(0)->set_axis(static_cast<v1::Axis>(3)); }},
        Refusal{"AnotherQueue", kOther,
                [](auto* r) { r->mutable_sections(0)->set_queue(v1::QUEUE_MAILDROP); }},
        Refusal{"ASectionTwice", kInvalid,
                [](auto* r) { *r->add_sections() = v1::Section(r->sections(0)); }},
        Refusal{"TwoSectionsOfOneQueue", kInvalid,
                [](auto* r) { r->mutable_sections(1)->set_queue(r->sections(0).queue()); }},
        Refusal{"ColumnsOfDifferentLengths", kInvalid,
                [](auto* r) { r->mutable_sections(0)->add_gained(1); }},
        Refusal{"AnArrivalLeftOut", kInvalid,
                [](auto* r) { r->mutable_sections(0)->mutable_gained_steps()->RemoveLast(); }},
        Refusal{"AnArrivalTooMany", kInvalid,
                [](auto* r) { r->mutable_sections(0)->add_gained_steps(1); }},
        Refusal{"AnotherArrival", kOther,
                [](auto* r) { r->mutable_sections(0)->set_base_seconds(77); }},
        Refusal{"ALossThatIsNotThere", kUnfit,
                [](auto* r) {
                  // The second section is the one that loses.
                  r->mutable_sections(1)->set_base_seconds(r->sections(1).base_seconds() + 3);
                }}),
    [](const auto& info) { return info.param.what; });

// The first report that a state gets shows what it is worth.
TEST_F(ReportApplierTest, ASnapshotThatLosesSomethingIsRefusedOrStoredAsTheStateThatItMakes) {
  v1::Report report = writer_.Snapshot(1, {{kQueue, kAxis, "a", 2}});
  const Block both{{0}, {0, 2}, {1, 2}};
  const Block one{{0}, {0, 1}, {1}};
  *report.mutable_sections(0) =
      test::SectionOf(EncodeSection(kQueue, kAxis, BlockDelta{both, one}));
  const auto applied = Apply(report);
  if (!applied.ok()) return;
  for (const SectionWrite& write : applied->write.sections) {
    if (write.kind != SectionWrite::Kind::kReplace) continue;
    const auto stored = test::DecodeState(write.value);
    ASSERT_TRUE(stored.ok()) << "it cannot be read again: " << stored.status();
    EXPECT_EQ(*stored, *applied->state->sections[SectionIndex(kQueue, kAxis)]);
  }
}

TEST_F(ReportApplierTest, ANewBaseCanBeReadAgainHoweverFarApartTheArrivalsAre) {
  // Enough arrivals that the delta is worth a new base.
  const auto applied_snapshot =
      Apply(writer_.Snapshot(1, {{kQueue, kAxis, "a", std::numeric_limits<int64_t>::min()}}));
  if (!applied_snapshot.ok()) return;
  state_ = applied_snapshot->state;
  NamedCells cells = writer_.cells();
  for (int i = 0; i < 20'000; ++i) {
    cells.insert({kQueue, kAxis, "b" + std::to_string(i), std::numeric_limits<int64_t>::max()});
  }
  const auto applied = Apply(writer_.ReportTo(cells));
  if (!applied.ok()) return;
  ASSERT_EQ(applied->write.sections.size(), 1U);
  ASSERT_EQ(applied->write.sections[0].kind, SectionWrite::Kind::kReplace);
  const auto stored = test::DecodeState(applied->write.sections[0].value);
  ASSERT_TRUE(stored.ok()) << "it cannot be read again: " << stored.status();
}

class LoadedStateTest : public ReportApplierTest {
 protected:
  // What a store gives back of state_.
  LoadedRelay Loaded() const {
    LoadedRelay loaded;
    loaded.relay = 7;
    loaded.record.set_epoch(state_->epoch);
    loaded.record.set_sequence(state_->sequence);
    loaded.record.set_digest(state_->digest);
    loaded.record.set_name_count(static_cast<uint32_t>(state_->names.size()));
    for (uint32_t id : state_->names.fleet_ids()) loaded.names.emplace_back(names_.name(id));
    for (Queue queue : kAllQueues) {
      for (Axis axis : kAllAxes) {
        loaded.sections.push_back({queue, axis, *state_->sections[SectionIndex(queue, axis)]});
      }
    }
    return loaded;
  }
  void SetUp() override {
    test::RandomSource random(1);
    Advance(writer_.Snapshot(5, test::RandomCells(random, 100)));
    Advance(writer_.ReportTo(test::ChangedCells(random, writer_.cells(), 50)));
  }
  absl::StatusCode CodeOf(const LoadedRelay& loaded) {
    return StateOfLoaded(loaded, &names_).status().code();
  }
};

TEST_F(LoadedStateTest, IsTheStateThatWasStored) {
  FleetNames names;  // of an aggregator that starts anew
  names.Intern("of a relay that was loaded before");
  const auto state = StateOfLoaded(Loaded(), &names);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(test::CellsOfState(**state, names), writer_.cells());
  EXPECT_EQ((*state)->epoch, 5U);
  EXPECT_EQ((*state)->sequence, 2U);
  EXPECT_EQ((*state)->digest, state_->digest);
}

TEST_F(LoadedStateTest, RecipientsNamesStandTogether) {
  FleetNames names;
  const auto state = StateOfLoaded(Loaded(), &names);
  ASSERT_TRUE(state.ok()) << state.status();
  std::set<uint32_t> recipients;
  std::set<uint32_t> senders;
  for (const test::NamedCell& cell : writer_.cells()) {
    const auto id = names.Find(cell.name);
    ASSERT_TRUE(id);
    (cell.axis == Axis::kRecipientDomain ? recipients : senders).insert(*id);
  }
  std::set<uint32_t> pages;
  for (const uint32_t id : recipients) pages.insert(id / NamePages::kIdsOfPage);
  EXPECT_EQ(pages.size(), 1U);
  for (const uint32_t id : senders) {
    EXPECT_EQ(pages.contains(id / NamePages::kIdsOfPage), recipients.contains(id));
  }
}

TEST_F(LoadedStateTest, IsDataLossIfItDoesNotFitItsRecord) {
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  ASSERT_EQ(CodeOf(Loaded()), absl::StatusCode::kOk);
  LoadedRelay loaded = Loaded();
  loaded.record.set_digest(loaded.record.digest() + 1);
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "digest";
  loaded = Loaded();
  loaded.names.pop_back();
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "a name less";
  loaded = Loaded();
  loaded.names.pop_back();
  loaded.record.set_name_count(loaded.record.name_count() - 1);
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "a name less, in the record too";
  loaded = Loaded();
  loaded.names.emplace_back("one more");
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "a name more";
  loaded = Loaded();
  std::swap(loaded.names[0], loaded.names[1]);
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "names in another order";
  loaded = Loaded();
  std::erase_if(loaded.sections, [](const auto& section) { return section.queue == kQueue; });
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "sections that are missing";
  loaded = Loaded();
  std::swap(loaded.sections[0].block, loaded.sections[1].block);
  EXPECT_EQ(CodeOf(loaded), kDataLoss) << "sections in each other's place";
}

}  // namespace
}  // namespace fleetqshape
