#include "cli/client/completion_question.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "cli/client/query_client.h"
#include "cli/client/selection.h"
#include "cli/options/completion.h"
#include "cli/options/context_command.h"
#include "cli/options/parse.h"
#include "common/base/validation.h"

namespace fleetqshape {
namespace {

using More = Completion::More;

constexpr std::chrono::milliseconds kShort{500};

// What a command line would ask that has `words` to say whom, and ends with `command`.
std::optional<CliOptions> OptionsFor(const std::vector<std::string>& words,
                                     const std::vector<std::string>& command) {
  std::vector<const char*> arguments = {"fleetqshape"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  for (const std::string& word : command) arguments.push_back(word.c_str());
  auto read = ReadCliOptions(static_cast<int>(arguments.size()), arguments.data());
  auto* const options = std::get_if<CliOptions>(&read);
  return options == nullptr ? std::nullopt : std::optional(std::move(*options));
}

void AddOf(const v1::RelayStatus& relay, const Completion& completion,
           std::set<std::string>* found) {
  const std::string key = completion.more == More::kClusters ? "cluster"
                          : completion.more == More::kHosts  ? "host"
                          : completion.more == More::kRoles  ? "role"
                                                             : completion.key;
  if (key == "cluster") found->insert(relay.cluster());
  if (key == "host") found->insert(relay.host());
  if (key == "instance") found->insert(relay.instance());
  for (const v1::Label& label : relay.labels()) {
    if (completion.more == More::kKeys) found->insert(label.key());
    if (completion.more != More::kKeys && label.key() == key) found->insert(label.value());
  }
}

std::set<std::string> Found(const Completion& completion, const std::vector<std::string>& words) {
  std::set<std::string> found;
  if (completion.more == More::kNone) return found;
  const std::vector<std::string> about = WordsAboutSource(words);
  if (completion.more == More::kContexts) {
    const auto options = OptionsFor(about, {"context", "list"});
    if (options) {
      for (const std::string& name : ContextNames(*options)) found.insert(name);
    }
    return found;
  }
  const auto options = OptionsFor(about, {"relays"});
  if (!options || options->local) return found;
  QueryClient client(options->servers, options->tls, kShort, QueryClient::Reasons::kNone);
  v1::ListRelaysRequest request;
  *request.mutable_selection() = SelectionOf(*options);
  const auto relays = client.ListRelays(request);
  if (!relays.ok()) return found;
  for (const v1::RelayStatus& relay : relays->relays()) AddOf(relay, completion, &found);
  return found;
}

}  // namespace

int CompleteWord(const CliOptions& options) {
  const Completion completion = CompletionOf(options.arguments);
  std::set<std::string> candidates = Found(completion, options.arguments);
  candidates.insert(completion.words.begin(), completion.words.end());
  for (const std::string& candidate : candidates) {
    // A name that a server could trick the shell with has no place here.
    const bool ours = std::find(completion.words.begin(), completion.words.end(), candidate) !=
                      completion.words.end();
    if (!candidate.starts_with(completion.typed)) continue;
    if (!ours && !ValidateName("", candidate).ok()) continue;
    std::printf("%s%s\n", completion.kept.c_str(), candidate.c_str());
  }
  return 0;
}

}  // namespace fleetqshape
