#include "common/base/nearest_word.h"

#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

const std::vector<std::string> kQueues = {"maildrop", "hold", "incoming", "active", "deferred"};

TEST(NearestWord, FindsWhatWasMeant) {
  EXPECT_EQ(NearestWord("defered", kQueues), "deferred");
  EXPECT_EQ(NearestWord("DEFERED", kQueues), "deferred");
  EXPECT_EQ(NearestWord("incomming", kQueues), "incoming");
  EXPECT_EQ(NearestWord("--clsuter", {"--config", "--cluster", "--color"}), "--cluster");
  EXPECT_EQ(NearestWord("jsn", {"table", "json", "csv"}), "json");
}

TEST(NearestWord, FindsTheOnlyOneThatStartsSo) {
  EXPECT_EQ(NearestWord("def", kQueues), "deferred");
  EXPECT_EQ(NearestWord("ma", {"maildrop", "maillog"}), "");
}

TEST(NearestWord, GuessesNothingFromAfar) {
  for (const char* typed : {"", "corrupt", "relays", "x", "zz", "active-deferred-hold"}) {
    EXPECT_EQ(NearestWord(typed, kQueues), "") << typed;
  }
  EXPECT_EQ(NearestWord(std::string(1'000'000, 'a'), kQueues), "");
  EXPECT_EQ(NearestWord("deferred", {}), "");
}

TEST(NearestWord, AnotherNumberIsAnotherThing) {
  EXPECT_EQ(NearestWord("mx2", {"mx1", "mx3", "mx12"}), "");
  EXPECT_EQ(NearestWord("gw-ue-1", {"gw-eu-1", "gw-us-2"}), "gw-eu-1");
  EXPECT_EQ(NearestWord("mx", {"mx1"}), "mx1");
}

TEST(NearestWord, ExchangeOfNeighboursIsOneChange) {
  EXPECT_EQ(NearestWord("hots", {"hosts-of", "host"}), "host");
}

TEST(DidYouMean, IsAQuestionOrNothing) {
  EXPECT_EQ(DidYouMean("holdd", kQueues), ": did you mean hold?");
  EXPECT_EQ(DidYouMean("corrupt", kQueues), "");
}

}  // namespace
}  // namespace fleetqshape
