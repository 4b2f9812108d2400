#include "common/shape/shape_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/shape/address.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Counts = std::vector<uint64_t>;
using Rows = std::map<std::string, Counts>;

Rows RowsOf(const Table& table) {
  Rows rows;
  for (size_t i = 0; i < table.names.size(); ++i) {
    const bool fresh =
        rows.emplace(table.names[i], Counts(table.row(i), table.row(i) + table.columns)).second;
    EXPECT_TRUE(fresh) << "two rows of " << table.names[i];
  }
  EXPECT_EQ(table.counts.size(), table.names.size() * table.columns);
  return rows;
}

std::vector<std::string> Names(const Table& table) { return table.names; }

ShapeTable TableOf(const std::vector<std::string>& names) {
  ShapeTable table(2);
  for (const std::string& name : names) {
    table.Add(name, 1);
    table.AddTotal(1);
  }
  return table;
}

RowOptions Parents(double min_subdomains) { return {true, min_subdomains}; }

// qshape's own algorithm, arrival by arrival.
class Qshape {
 public:
  Qshape(size_t columns, bool parents) : columns_(columns), parents_(parents) {}

  void Count(std::string name, size_t bucket) {
    bool child_is_new = false;
    do {
      Counts& counts = counts_[name];
      counts.resize(columns_);
      const bool old = ++counts[0] > 1;
      ++counts[bucket];
      if (child_is_new) ++subdomains_[name];
      child_is_new = !old;
      if (parents_) name = ParentDomain(name);
    } while (parents_ && !name.empty());
  }

  Rows Visible(double min_subdomains) const {
    Rows rows;
    for (const auto& [name, counts] : counts_) {
      const auto found = subdomains_.find(name);
      const double subdomains = found == subdomains_.end() ? 0 : found->second;
      if (!(name.starts_with('.') && subdomains < min_subdomains)) rows[name] = counts;
    }
    return rows;
  }

 private:
  size_t columns_;
  bool parents_;
  Rows counts_;
  std::map<std::string, int> subdomains_;
};

TEST(ShapeTableTest, AnEmptyTableIsATotalOfZeros) {
  const Table table = ShapeTable(3).Finish({});
  EXPECT_EQ(table.columns, 3U);
  EXPECT_THAT(table.total, ElementsAre(0, 0, 0));
  EXPECT_THAT(table.names, IsEmpty());
}

TEST(ShapeTableTest, CountsTheSumAndTheBucketOfEachName) {
  ShapeTable table(4);
  table.Add("a.example", 1);
  table.Add("b.example", 3);
  table.Add("a.example", 3);
  table.Add("a.example", 3);
  table.Add("", 2);
  EXPECT_THAT(RowsOf(table.Finish({})), ElementsAre(Pair("", ElementsAre(1, 0, 1, 0)),
                                                    Pair("a.example", ElementsAre(3, 1, 0, 2)),
                                                    Pair("b.example", ElementsAre(1, 0, 0, 1))));
}

TEST(ShapeTableTest, TotalIsCountedApart) {
  ShapeTable table(3);
  table.Add("a", 1);
  EXPECT_THAT(table.Finish({}).total, ElementsAre(0, 0, 0));
  table.AddTotal(1);
  table.AddTotal(2);
  const uint64_t counts[] = {10, 4, 6};
  table.AddTotalCounts(counts);
  EXPECT_THAT(table.Finish({}).total, ElementsAre(12, 5, 7));
}

TEST(ShapeTableTest, ABucketWithoutAColumnCountsInTheSumOnly) {
  ShapeTable table(1);
  table.Add("a", 1);
  table.AddTotal(1);
  EXPECT_THAT(RowsOf(table.Finish({})), ElementsAre(Pair("a", ElementsAre(1))));
  EXPECT_THAT(table.Finish({}).total, ElementsAre(1));
}

// With -b 0.5 qshape adds what is older than -t to column 0, where the sum stands.
TEST(ShapeTableTest, BucketZeroCountsTwice) {
  ShapeTable table(1);
  table.Add("a", 0);
  table.AddTotal(0);
  EXPECT_THAT(RowsOf(table.Finish({})), ElementsAre(Pair("a", ElementsAre(2))));
  EXPECT_THAT(table.Finish({}).total, ElementsAre(2));
}

TEST(ShapeTableTest, AddsWholeRows) {
  ShapeTable table(3);
  const uint64_t first[] = {3, 1, 2};
  const uint64_t second[] = {uint64_t{1} << 40, 0, uint64_t{1} << 40};
  table.AddCounts("a", first);
  table.AddCounts("b", first);
  table.AddCounts("a", second);
  EXPECT_THAT(
      RowsOf(table.Finish({})),
      ElementsAre(Pair("a", ElementsAre((uint64_t{1} << 40) + 3, 1, (uint64_t{1} << 40) + 2)),
                  Pair("b", ElementsAre(3, 1, 2))));
}

TEST(ShapeTableTest, NamesAreBytes) {
  using std::string_view_literals::operator""sv;
  ShapeTable table(2);
  table.Add("a\0b"sv, 1);
  table.Add("a\0c"sv, 1);
  table.Add("\xff"sv, 1);
  EXPECT_THAT(Names(table.Finish({})),
              UnorderedElementsAre(std::string("a\0b"sv), std::string("a\0c"sv), "\xff"));
}

TEST(ShapeTableTest, MergingAddsNamesAndTotal) {
  ShapeTable sum(3);
  sum.Add("a", 1);
  sum.AddTotal(1);
  ShapeTable other(3);
  for (const char* name : {"a", "b", "b"}) {
    other.Add(name, 2);
    other.AddTotal(2);
  }
  sum.MergeFrom(other);
  sum.MergeFrom(ShapeTable(3));
  const Table table = sum.Finish({});
  EXPECT_THAT(RowsOf(table),
              ElementsAre(Pair("a", ElementsAre(2, 1, 1)), Pair("b", ElementsAre(2, 0, 2))));
  EXPECT_THAT(table.total, ElementsAre(4, 1, 3));
}

TEST(ShapeTableTest, WithoutParentsThereAreNone) {
  EXPECT_THAT(Names(TableOf({"a.b.c", "b.b.c"}).Finish({false, 1})),
              UnorderedElementsAre("a.b.c", "b.b.c"));
}

TEST(ShapeTableTest, NamesThatStartWithADotAreHiddenEvenWithoutParents) {
  const Table table = TableOf({".example.com", ".x", ".", "a."}).Finish({});
  EXPECT_THAT(Names(table), UnorderedElementsAre("a."));
  EXPECT_THAT(table.total, ElementsAre(4, 4));
}

TEST(ShapeTableTest, AParentSumsUpWhatLiesBelowIt) {
  ShapeTable shape(3);
  shape.Add("a.example.com", 1);
  shape.Add("a.example.com", 2);
  shape.Add("b.example.com", 2);
  shape.Add("x.b.example.com", 1);
  shape.Add("example.com", 1);
  const Rows rows = RowsOf(shape.Finish(Parents(1)));
  EXPECT_THAT(rows.at(".example.com"), ElementsAre(4, 2, 2));
  EXPECT_THAT(rows.at(".b.example.com"), ElementsAre(1, 1, 0));
  EXPECT_THAT(rows.at("b.example.com"), ElementsAre(1, 0, 1));
  EXPECT_THAT(rows.at("example.com"), ElementsAre(1, 1, 0));
  EXPECT_EQ(rows.size(), 6U);
}

TEST(ShapeTableTest, TotalDoesNotCountParents) {
  EXPECT_THAT(TableOf({"a.b.c", "d.b.c"}).Finish(Parents(1)).total, ElementsAre(2, 2));
}

TEST(ShapeTableTest, AParentNeedsEnoughDistinctDirectSubdomains) {
  std::vector<std::string> names = {"a.x.y", "b.x.y", "c.x.y", "d.x.y", "a.x.y", "x.y"};
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(5))).count(".x.y"), 0U);
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(4))).count(".x.y"), 1U);
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(3.5))).count(".x.y"), 1U);
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(4.5))).count(".x.y"), 0U);
  names.push_back("e.x.y");
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(5))).count(".x.y"), 1U);
  EXPECT_EQ(RowsOf(TableOf(names).Finish({true})).count(".x.y"), 1U);
}

TEST(ShapeTableTest, AnIntermediateParentCountsOnceForItsOwnParent) {
  // .x.y has two direct subdomains: a.x.y and .b.x.y, however many lie below the latter.
  const std::vector<std::string> names = {"a.x.y", "1.b.x.y", "2.b.x.y", "3.b.x.y"};
  EXPECT_THAT(RowsOf(TableOf(names).Finish(Parents(3))),
              ElementsAre(Pair(".b.x.y", ElementsAre(3, 3)), Pair("1.b.x.y", ElementsAre(1, 1)),
                          Pair("2.b.x.y", ElementsAre(1, 1)), Pair("3.b.x.y", ElementsAre(1, 1)),
                          Pair("a.x.y", ElementsAre(1, 1))));
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(2))).count(".x.y"), 1U);
}

TEST(ShapeTableTest, ADomainAndAParentOfTheSameLabelsAreTwoSubdomains) {
  // b.x.y and .b.x.y both have .x.y as their parent.
  const std::vector<std::string> names = {"b.x.y", "1.b.x.y"};
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(2))).count(".x.y"), 1U);
  EXPECT_EQ(RowsOf(TableOf(names).Finish(Parents(3))).count(".x.y"), 0U);
}

// The address user@..b.x.y is reduced to .b.x.y, which is a parent's name.
TEST(ShapeTableTest, AMailsOwnNameThatIsAParentsSharesItsRow) {
  const std::vector<std::string> names = {".b.x.y", "1.b.x.y", "2.b.x.y", ".b.x.y"};
  const Rows rows = RowsOf(TableOf(names).Finish(Parents(2)));
  EXPECT_THAT(rows.at(".b.x.y"), ElementsAre(4, 4));
  EXPECT_EQ(rows.count(".x.y"), 0U);  // its only subdomain is .b.x.y, once
  EXPECT_THAT(RowsOf(TableOf(names).Finish(Parents(1))).at(".x.y"), ElementsAre(4, 4));
}

TEST(ShapeTableTest, AHiddenNameStillCountsForItsParents) {
  const Rows rows = RowsOf(TableOf({".a.x.y", "b.x.y"}).Finish(Parents(2)));
  EXPECT_EQ(rows.count(".a.x.y"), 0U);
  EXPECT_THAT(rows.at(".x.y"), ElementsAre(2, 2));
}

TEST(ShapeTableTest, AddressLiteralsAreCutUpLikeNames) {
  EXPECT_EQ(RowsOf(TableOf({"[192.0.2.1]", "[193.0.2.1]"}).Finish(Parents(2))).count(".0.2.1]"),
            1U);
}

TEST(ShapeTableTest, FinishingLeavesTheCountsAsTheyWere) {
  const ShapeTable table = TableOf({"a.x.y", ".x.y", "b.x.y"});
  const Rows first = RowsOf(table.Finish(Parents(1)));
  EXPECT_EQ(RowsOf(table.Finish(Parents(1))), first);
}

TEST(ShapeTableTest, AgreesWithQshapesAlgorithmInAnyOrder) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    constexpr size_t kColumns = 4;
    const bool parents = random() % 4 != 0;
    Qshape expected(kColumns, parents);
    ShapeTable parts[2] = {ShapeTable(kColumns), ShapeTable(kColumns)};
    for (unsigned n = random() % 60; n > 0; --n) {
      std::string name = random() % 5 == 0 ? "." : "";
      for (unsigned labels = 1 + random() % 5; labels > 0; --labels) {
        name += std::string(1, "abc"[random() % 3]) + (labels > 1 ? "." : "");
      }
      if (random() % 20 == 0) name += '.';
      const size_t bucket = 1 + random() % (kColumns - 1);
      expected.Count(name, bucket);
      parts[random() % 2].Add(name, bucket);
    }
    parts[0].MergeFrom(parts[1]);
    for (const double min_subdomains : {0.5, 1.0, 2.0, 3.0, 5.0}) {
      ASSERT_EQ(RowsOf(parts[0].Finish({parents, min_subdomains})),
                expected.Visible(min_subdomains))
          << "round " << round << (parents ? " -p" : "") << " -m " << min_subdomains;
    }
  }
}

}  // namespace
}  // namespace fleetqshape
