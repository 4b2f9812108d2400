#include "aggregator/query/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RelayDescription Relay(const std::string& cluster, const std::string& host,
                       const std::map<std::string, std::string>& labels = {}) {
  return {{cluster, host, "postfix"}, labels, "0.1.0"};
}

RelayView ViewOf(const RelayDescription& description) {
  RelayView view;
  view.description = std::make_shared<const RelayDescription>(description);
  view.state = EmptyRelayState();
  return view;
}

TEST(SelectionTest, NothingGivenSelectsAll) {
  EXPECT_TRUE(Selects({}, Relay("eu", "a")));
  EXPECT_TRUE(Selects({}, Relay("", "")));
}

TEST(SelectionTest, OneOfTheValuesOfAPartIsEnough) {
  Selection selection;
  selection.clusters = {"us", "eu"};
  EXPECT_TRUE(Selects(selection, Relay("eu", "a")));
  EXPECT_TRUE(Selects(selection, Relay("us", "a")));
  EXPECT_FALSE(Selects(selection, Relay("asia", "a")));
  EXPECT_FALSE(Selects(selection, Relay("e", "a")));
}

TEST(SelectionTest, AllPartsHaveToSelect) {
  Selection selection;
  selection.clusters = {"eu"};
  selection.hosts = {"a", "b"};
  selection.roles = {"gateway"};
  EXPECT_TRUE(Selects(selection, Relay("eu", "a", {{"role", "gateway"}})));
  EXPECT_TRUE(Selects(selection, Relay("eu", "b", {{"role", "gateway"}})));
  EXPECT_FALSE(Selects(selection, Relay("us", "a", {{"role", "gateway"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "c", {{"role", "gateway"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "a", {{"role", "spam"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "a")));
}

TEST(SelectionTest, AllMatchesHaveToHoldAndMayNameIdentityOrLabels) {
  Selection selection;
  selection.matches = {{"instance", {"postfix"}}, {"rack", {"r1"}}};
  EXPECT_TRUE(Selects(selection, Relay("eu", "a", {{"rack", "r1"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "a", {{"rack", "r2"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "a")));
  selection.matches = {{"cluster", {"eu"}}, {"host", {"a"}}};
  EXPECT_TRUE(Selects(selection, Relay("eu", "a")));
  EXPECT_FALSE(Selects(selection, Relay("eu", "b")));
  selection.matches = {{"rack", {"r1"}}, {"rack", {"r2"}}};
  EXPECT_FALSE(Selects(selection, Relay("eu", "a", {{"rack", "r1"}}))) << "no relay has two racks";
}

TEST(SelectionTest, AMatchTakesAnyOfItsValues) {
  Selection selection;
  selection.matches = {{"rack", {"r1", "r2"}}};
  EXPECT_TRUE(Selects(selection, Relay("eu", "a", {{"rack", "r2"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "a", {{"rack", "r3"}})));
  selection.matches = {{"rack", {}}};
  EXPECT_TRUE(Selects(selection, Relay("eu", "a", {{"rack", "r3"}})));
  EXPECT_FALSE(Selects(selection, Relay("eu", "a")));
}

TEST(SelectionTest, ANegatedMatchTakesRelaysWithoutTheLabelToo) {
  Selection selection;
  selection.matches = {{"rack", {"r1", "r2"}, true}};
  EXPECT_FALSE(Selects(selection, Relay("eu", "a", {{"rack", "r2"}})));
  EXPECT_TRUE(Selects(selection, Relay("eu", "a", {{"rack", "r3"}})));
  EXPECT_TRUE(Selects(selection, Relay("eu", "a")));
  selection.matches = {{"rack", {}, true}};
  EXPECT_FALSE(Selects(selection, Relay("eu", "a", {{"rack", "r3"}})));
  EXPECT_TRUE(Selects(selection, Relay("eu", "a")));
}

TEST(SelectionTest, ALabelDoesNotStandInForTheIdentity) {
  Selection selection;
  selection.clusters = {"eu"};
  EXPECT_FALSE(Selects(selection, Relay("us", "a", {{"cluster", "eu"}})));
}

TEST(SelectionTest, AMissingLabelIsNotTheEmptyOne) {
  Selection selection;
  selection.matches = {{"rack", {""}}};
  EXPECT_FALSE(Selects(selection, Relay("eu", "a")));
}

TEST(ExplainNoMatchTest, AnEmptyFleetIsToldHowToGrow) {
  EXPECT_THAT(ExplainNoMatch({}, {}), HasSubstr("fleetqshape-agent"));
}

TEST(ExplainNoMatchTest, NamesTheValueThatNoRelayHasAndThoseThatThereAre) {
  const std::vector<RelayView> relays = {ViewOf(Relay("us", "a")), ViewOf(Relay("eu", "b")),
                                         ViewOf(Relay("eu", "c"))};
  Selection selection;
  selection.clusters = {"asia"};
  EXPECT_EQ(ExplainNoMatch(selection, relays), "no relay has cluster asia; there is: eu, us");
  selection.clusters = {"eu"};
  selection.hosts = {"z"};
  EXPECT_EQ(ExplainNoMatch(selection, relays), "no relay has host z; there is: a, b, c");
}

TEST(ExplainNoMatchTest, NamesTheLabelThatNoRelayHas) {
  Selection selection;
  selection.roles = {"gateway"};
  EXPECT_EQ(ExplainNoMatch(selection, {ViewOf(Relay("eu", "a"))}), "no relay has a label role");
  EXPECT_EQ(ExplainNoMatch(selection, {ViewOf(Relay("eu", "a", {{"role", "spam"}}))}),
            "no relay has role gateway; there is: spam");
  selection.roles.clear();
  selection.matches = {{"rack", {"r1"}}};
  EXPECT_EQ(ExplainNoMatch(selection, {ViewOf(Relay("eu", "a"))}), "no relay has a label rack");
}

TEST(ExplainNoMatchTest, NamesTheNearestOneThatThereIs) {
  const std::vector<RelayView> relays = {
      ViewOf(Relay("eu", "mx1", {{"role", "gateway"}})),
      ViewOf(Relay("us", "mx3", {{"role", "spam"}, {"datacenter", "fra1"}}))};
  Selection selection;
  selection.roles = {"gatway"};
  EXPECT_EQ(ExplainNoMatch(selection, relays),
            "no relay has role gatway: did you mean gateway? There is: gateway, spam");
  selection.roles.clear();
  selection.matches = {{"datacentre", {"fra1"}}};
  EXPECT_EQ(ExplainNoMatch(selection, relays),
            "no relay has a label datacentre: did you mean datacenter? There is: datacenter, role");
  selection.matches = {{"hots", {"mx1"}}};
  EXPECT_EQ(ExplainNoMatch(selection, relays),
            "no relay has a label hots: did you mean host? There is: datacenter, role");
  EXPECT_EQ(ExplainNoMatch(selection, {ViewOf(Relay("eu", "a"))}),
            "no relay has a label hots: did you mean host?");
  selection.matches.clear();
  selection.hosts = {"mx2"};
  EXPECT_EQ(ExplainNoMatch(selection, relays), "no relay has host mx2; there is: mx1, mx3");
}

TEST(ExplainNoMatchTest, SaysWhenOnlyTheConditionsTogetherFindNothing) {
  Selection selection;
  selection.clusters = {"eu"};
  selection.hosts = {"a"};
  EXPECT_THAT(ExplainNoMatch(selection, {ViewOf(Relay("us", "a")), ViewOf(Relay("eu", "b"))}),
              HasSubstr("all of the conditions"));
}

TEST(ExplainNoMatchTest, ShowsAtMostTwentyValues) {
  std::vector<RelayView> relays;
  for (char host = 'a'; host <= 't'; ++host) {
    relays.push_back(ViewOf(Relay("eu", std::string(1, host))));
  }
  Selection selection;
  selection.hosts = {"none"};
  EXPECT_THAT(ExplainNoMatch(selection, relays), HasSubstr("s, t"));
  EXPECT_THAT(ExplainNoMatch(selection, relays), Not(HasSubstr("...")));
  relays.push_back(ViewOf(Relay("eu", "u")));
  EXPECT_THAT(ExplainNoMatch(selection, relays), HasSubstr("s, t, ..."));
  EXPECT_THAT(ExplainNoMatch(selection, relays), Not(HasSubstr("u,")));
}

}  // namespace
}  // namespace fleetqshape
