#include "cli/output/csv_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/output/answer_maker.h"

namespace fleetqshape {
namespace {

using test::MakeAnswer;
using test::MakeComparison;
using test::MakeRelay;

v1::TableRequest Question() {
  v1::TableRequest asked;
  asked.set_bucket_count(3);
  asked.set_bucket_minutes(5);
  return asked;
}

TEST(CsvFieldTest, NoFieldIsAFormulaOrTwo) {
  EXPECT_EQ(CsvField("a.example"), "a.example");
  EXPECT_EQ(CsvField(""), "");
  EXPECT_EQ(CsvField("=1+1"), "'=1+1");
  EXPECT_EQ(CsvField("+a"), "'+a");
  EXPECT_EQ(CsvField("-a"), "'-a");
  EXPECT_EQ(CsvField("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("=\"a\",b"), "\"'=\"\"a\"\",b\"");
  EXPECT_EQ(CsvField("a\r\nrow,b"), "\"a\\x0d\\x0arow,b\"");
  EXPECT_EQ(CsvField("\t=1"), "\\x09=1");
}

TEST(TableCsvTest, HasALineForTotalAndEachRowOfEachGroup) {
  EXPECT_EQ(TableCsv(Question(), MakeComparison()),
            "row,name,group,count,median_age_seconds,oldest_age_seconds,from_0s_to_300s,"
            "from_300s_to_600s,from_600s\r\n"
            "total,TOTAL,gateway,133,2280,172800,17,10,106\r\n"
            "total,TOTAL,spam-relay,4699,19200,416000,103,73,4523\r\n"
            "row,dead-shop.example,gateway,0,,,0,0,0\r\n"
            "row,dead-shop.example,spam-relay,1397,216000,416000,0,2,1395\r\n"
            "row,gmail.example,gateway,49,2400,9000,7,6,36\r\n"
            "row,gmail.example,spam-relay,1922,14000,25000,100,62,1760\r\n"
            "row,outlook.example,gateway,84,3600,172800,10,4,70\r\n"
            "row,outlook.example,spam-relay,1380,14400,36000,3,9,1368\r\n");
}

TEST(TableCsvTest, NamesCannotForgeRows) {
  const FleetTable answer =
      MakeAnswer({{"", 1}}, {{{2, 0, 0}}},
                 {{"x\r\ntotal,TOTAL,,0", {{{1, 0, 0}}}}, {"=cmd|' /C calc'!A0", {{{1, 0, 0}}}}});
  EXPECT_EQ(TableCsv(Question(), answer),
            "row,name,group,count,median_age_seconds,oldest_age_seconds,from_0s_to_300s,"
            "from_300s_to_600s,from_600s\r\n"
            "total,TOTAL,,2,,,2,0,0\r\n"
            "row,\"x\\x0d\\x0atotal,TOTAL,,0\",,1,,,1,0,0\r\n"
            "row,'=cmd|' /C calc'!A0,,1,,,1,0,0\r\n");
}

TEST(RelaysCsvTest, HasALineForEachRelay) {
  v1::ListRelaysResponse list;
  *list.add_relays() = MakeRelay("gw1", "gateway", 5000, 7, v1::FRESHNESS_FRESH);
  *list.add_relays() = MakeRelay("gw2", "", 0, 0, v1::FRESHNESS_MISSING);
  list.mutable_relays(1)->clear_settings();
  EXPECT_EQ(RelaysCsv(list),
            "cluster,host,instance,role,labels,maildrop,hold,incoming,active,deferred,state,"
            "active_limit,active_percent,heard_seconds,silent_seconds,clock_offset_milliseconds,"
            "skipped_files,agent_version,postfix_version\r\n"
            "eu,gw1,postfix,gateway,role=gateway,0,0,0,5000,7,fresh,20000,25,1700000000,0,0,0,"
            "0.1.0,3.7.11\r\n"
            "eu,gw2,postfix,,,,,,,,missing,,,1700000000,0,0,0,0.1.0,\r\n");
}

}  // namespace
}  // namespace fleetqshape
