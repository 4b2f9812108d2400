#include "cli/options/contexts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFile[] = R"(# my fleets
context = "prod"  # for now
server = "localhost:1"
tls-ca = "/top.pem"
output = "wide"

[contexts.prod]
server = ["a:1", "b:1"]
role = "gateway"
description = "the real one"

[contexts.lab]
cluster = ["x", "y"]
)";

ContextFile Read(const std::string& text) {
  const auto tables = ParseToml(text);
  EXPECT_TRUE(tables.ok()) << tables.status();
  const auto file = ReadContexts(*tables);
  EXPECT_TRUE(file.ok()) << file.status();
  return *file;
}

std::string Message(const std::string& text) {
  const auto tables = ParseToml(text);
  EXPECT_TRUE(tables.ok()) << tables.status();
  return std::string(ReadContexts(*tables).status().message());
}

std::map<std::string, std::vector<std::string>> Keys(const std::string& context) {
  const auto keys = KeysInContext(Read(kFile), context);
  EXPECT_TRUE(keys.ok()) << keys.status();
  std::map<std::string, std::vector<std::string>> found;
  for (const TomlKey& key : *keys) found[key.name] = key.values;
  return found;
}

TEST(Contexts, AreRead) {
  const ContextFile file = Read(kFile);
  EXPECT_EQ(file.current, "prod");
  ASSERT_EQ(file.contexts.size(), 2);
  EXPECT_EQ(file.contexts[0].name, "lab");
  EXPECT_EQ(file.contexts[1].description, "the real one");
}

TEST(Contexts, WinOverTheTopLevel) {
  auto keys = Keys("prod");
  EXPECT_THAT(keys["server"], ElementsAre("a:1", "b:1"));
  EXPECT_THAT(keys["output"], ElementsAre("wide"));
  // The top level's certificates are for its own server.
  EXPECT_EQ(keys.count("tls-ca"), 0);
  keys = Keys("lab");
  EXPECT_THAT(keys["server"], ElementsAre("localhost:1"));
  EXPECT_THAT(keys["tls-ca"], ElementsAre("/top.pem"));
  EXPECT_THAT(keys["cluster"], ElementsAre("x", "y"));
  EXPECT_EQ(Keys("").count("cluster"), 0);
}

TEST(Contexts, NearestOneIsNamed) {
  const auto message = [](const char* name) {
    return std::string(KeysInContext(Read(kFile), name).status().message());
  };
  EXPECT_THAT(message("prdo"), HasSubstr("unknown context prdo: did you mean prod?"));
  EXPECT_THAT(message("staging"), HasSubstr("there is: lab, prod"));
  EXPECT_THAT(std::string(KeysInContext(Read(""), "x").status().message()), HasSubstr("has none"));
}

TEST(Contexts, UnknownKeysAndSections) {
  EXPECT_EQ(Message("[contexts.a]\n\nclutser = 'x'\n"),
            "line 3: unknown key clutser of a context: did you mean cluster?");
  EXPECT_THAT(Message("[contexts.a]\nwatch = 1\n"), HasSubstr("unknown key watch"));
  EXPECT_THAT(Message("[context.a]\nserver = 'a:1'\n"), HasSubstr("unknown section context"));
  EXPECT_THAT(Message("[contexts]\nserver = 'a:1'\n"), HasSubstr("unknown section contexts"));
  EXPECT_THAT(Message("[contexts.a.b]\nserver = 'a:1'\n"), HasSubstr("contexts.a.b"));
  EXPECT_THAT(Message("[contexts.'a b']\nserver = 'a:1'\n"), HasSubstr("name of a context"));
}

TEST(ContextListText, MarksTheCurrentOne) {
  EXPECT_EQ(ContextListText(Read(kFile)),
            "  context  server   relays\n"
            "  lab      -        --cluster x,y\n"
            "* prod     a:1,b:1  --role gateway  the real one\n");
}

TEST(WithCurrentContext, ChangesNothingElse) {
  const auto changed = WithCurrentContext(kFile, "lab");
  ASSERT_TRUE(changed.ok()) << changed.status();
  std::string expected = kFile;
  expected.replace(expected.find("\"prod\""), 6, "\"lab\"");
  EXPECT_EQ(*changed, expected);
  EXPECT_EQ(*WithCurrentContext(kFile, "prod"), kFile);
}

TEST(WithCurrentContext, WhateverItLooksLike) {
  for (const auto& [before, after] : std::vector<std::pair<std::string, std::string>>{
           {"", "context = \"lab\"\n"},
           {"# c\n\n", "context = \"lab\"\n# c\n\n"},
           {"context='a=\"b'# \"x\"\n", "context=\"lab\"# \"x\"\n"},
           {"\"context\"\t=  \"\"\t\n", "\"context\"\t=  \"lab\"\t\n"},
           {"output = \"x\"\r\ncontext = \"\"\r\n", "output = \"x\"\r\ncontext = \"lab\"\r\n"},
           {"output = \"x\"\r\n", "context = \"lab\"\r\noutput = \"x\"\r\n"},
           {"\xef\xbb\xbf# c\n",
            "\xef\xbb\xbf"
            "context = \"lab\"\n# c\n"},
           {"output = \"\"\"\n[contexts.no]\ncontext = 5\n\"\"\"\ncontext = \"a\"\n", ""}}) {
    const std::string rest = "[contexts.lab]\nserver = 'x:1' # context = \"y\"\n";
    const auto changed = WithCurrentContext(before + rest, "lab");
    if (after.empty()) {
      EXPECT_THAT(std::string(changed.status().message()), HasSubstr("cannot change the key"));
      continue;
    }
    ASSERT_TRUE(changed.ok()) << before << changed.status();
    EXPECT_EQ(*changed, after + rest);
  }
}

TEST(WithCurrentContext, OnlyOneThatIsThere) {
  EXPECT_THAT(std::string(WithCurrentContext(kFile, "lba").status().message()),
              HasSubstr("did you mean lab?"));
}

}  // namespace
}  // namespace fleetqshape
