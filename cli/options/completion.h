// Completes words of fleetqshape's command line for shells.
#ifndef FLEETQSHAPE_CLI_OPTIONS_COMPLETION_H_
#define FLEETQSHAPE_CLI_OPTIONS_COMPLETION_H_

#include <string>
#include <vector>

namespace fleetqshape {

// What makes `shell` (bash, zsh or fish) complete words: it runs `fleetqshape __complete WORDS`.
std::string CompletionScript(const std::string& shell);

// What a word may become: `kept`, followed by one of the candidates that start with `typed`.
struct Completion {
  // Candidates beside `words` that the configuration file or an aggregator knows.
  enum class More { kNone, kContexts, kClusters, kHosts, kRoles, kKeys, kValues };

  std::string kept;
  std::string typed;
  std::vector<std::string> words;
  More more = More::kNone;
  std::string key;  // kValues: of this key
};

// Of the last of `words`, which are those of a command line without the program's name.
Completion CompletionOf(const std::vector<std::string>& words);

// Those words of a command line, all but the last, that say whom to ask and about which relays.
std::vector<std::string> WordsAboutSource(const std::vector<std::string>& words);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_COMPLETION_H_
