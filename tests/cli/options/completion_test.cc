#include "cli/options/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetqshape {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using More = Completion::More;

TEST(CompletionOf, FirstWordsAreQueuesAndCommands) {
  EXPECT_THAT(CompletionOf({""}).words,
              IsSupersetOf({"deferred", "hold", "relays", "context", "top"}));
  const Completion second = CompletionOf({"deferred", "a"});
  EXPECT_EQ(second.typed, "a");
  EXPECT_THAT(second.words, Contains("active"));
  EXPECT_THAT(second.words, Not(Contains("relays")));
}

TEST(CompletionOf, WordsAfterCommands) {
  EXPECT_THAT(CompletionOf({"relays", ""}).words, ElementsAre("forget"));
  EXPECT_THAT(CompletionOf({"--cluster", "eu", "context", ""}).words, ElementsAre("list", "use"));
  EXPECT_THAT(CompletionOf({"completion", ""}).words, ElementsAre("bash", "zsh", "fish"));
  EXPECT_EQ(CompletionOf({"context", "use", "p"}).more, More::kContexts);
  EXPECT_THAT(CompletionOf({"relays", "forget", ""}).words, IsEmpty());
}

TEST(CompletionOf, Options) {
  EXPECT_THAT(CompletionOf({"--cl"}).words, IsSupersetOf({"--cluster", "--help", "--tls-ca"}));
  EXPECT_THAT(CompletionOf({"--", "--cl"}).words, Not(Contains("--cluster")));
}

TEST(CompletionOf, Values) {
  EXPECT_THAT(CompletionOf({"--output", ""}).words, Contains("json"));
  const Completion joined = CompletionOf({"--output=j"});
  EXPECT_EQ(joined.kept, "--output=");
  EXPECT_EQ(joined.typed, "j");
  EXPECT_THAT(joined.words, Contains("json"));
  EXPECT_EQ(CompletionOf({"--context", "p"}).more, More::kContexts);
  EXPECT_EQ(CompletionOf({"--by", ""}).more, More::kKeys);
  EXPECT_THAT(CompletionOf({"--config", ""}).words, IsEmpty());
}

TEST(CompletionOf, NamesOfRelays) {
  EXPECT_EQ(CompletionOf({"--role", "g"}).more, More::kRoles);
  const Completion list = CompletionOf({"--cluster=eu,u"});
  EXPECT_EQ(list.more, More::kClusters);
  EXPECT_EQ(list.kept, "--cluster=eu,");
  EXPECT_EQ(list.typed, "u");
}

TEST(CompletionOf, Labels) {
  EXPECT_EQ(CompletionOf({"--select", "ro"}).more, More::kKeys);
  const Completion value = CompletionOf({"--select", "site=fra1,role=g"});
  EXPECT_EQ(value.more, More::kValues);
  EXPECT_EQ(value.key, "role");
  EXPECT_EQ(value.kept, "site=fra1,role=");
  EXPECT_EQ(value.typed, "g");
  const Completion compared = CompletionOf({"--compare", "role=gateway,s"});
  EXPECT_EQ(compared.more, More::kValues);
  EXPECT_EQ(compared.kept, "role=gateway,");
  EXPECT_EQ(compared.typed, "s");
}

TEST(CompletionOf, ValuesInParentheses) {
  const Completion first = CompletionOf({"--select", "role in (g"});
  EXPECT_EQ(first.more, More::kValues);
  EXPECT_EQ(first.key, "role");
  EXPECT_EQ(first.kept, "role in (");
  EXPECT_EQ(first.typed, "g");
  const Completion next = CompletionOf({"--select", "!draining,site notin (fra1, "});
  EXPECT_EQ(next.more, More::kValues);
  EXPECT_EQ(next.key, "site");
  EXPECT_EQ(next.kept, "!draining,site notin (fra1, ");
  EXPECT_EQ(next.typed, "");
  EXPECT_EQ(CompletionOf({"--select", "role in (gateway,spam),s"}).more, More::kKeys);
  EXPECT_EQ(CompletionOf({"--select", "("}).more, More::kKeys);
}

TEST(WordsAboutSource, AreWhatTheRestIsAskedOf) {
  EXPECT_THAT(WordsAboutSource({"-s", "--server", "a:1", "deferred", "--context=prod", "--tls",
                                "--sort", "name", "--role", "x", "--host", "m"}),
              ElementsAre("--server", "a:1", "--context=prod", "--tls", "--role", "x"));
  EXPECT_THAT(WordsAboutSource({"--server"}), IsEmpty());
}

}  // namespace
}  // namespace fleetqshape
