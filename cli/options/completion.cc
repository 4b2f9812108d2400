#include "cli/options/completion.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "CLI/App.hpp"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "cli/options/command_line.h"
#include "cli/options/fleet_options.h"
#include "cli/options/question.h"

namespace fleetqshape {
namespace {

using Words = std::vector<std::string>;
using More = Completion::More;

// bash breaks words at = and : too, and takes only what is behind the last of them; within quotes
// it takes what is behind the quote.
constexpr char kBash[] = R"(# Words of fleetqshape's command line, for bash.
_fleetqshape() {
  local line=${COMP_LINE:0:COMP_POINT} word="" quote="" begun="" kept="" breaks="" c i
  local -a words=()
  for ((i = 0; i < ${#line}; i++)); do
    c=${line:i:1}
    if [[ $quote ]]; then
      if [[ $c == "$quote" ]]; then quote=""; else word+=$c; fi
    elif [[ $c == [\'\"] ]]; then
      quote=$c begun=1 kept=$word
    elif [[ $c == \\ ]]; then
      ((i++))
      word+=${line:i:1} begun=1
    elif [[ $c == [[:space:]] ]]; then
      [[ $begun ]] && words+=("$word")
      word="" begun=""
    else
      word+=$c begun=1
    fi
  done
  words+=("$word")
  if [[ ! $quote ]]; then
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+="="
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=":"
    kept=""
    [[ $breaks && $word == *[$breaks]* ]] && kept=${word%"${word##*[$breaks]}"}
  fi
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("${word#"$kept"}")
  done < <("$1" __complete "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _fleetqshape fleetqshape
)";

constexpr char kZsh[] = R"(#compdef fleetqshape
# Words of fleetqshape's command line, for zsh.
_fleetqshape() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  candidates=("${(@)candidates:#}")
  if (( $#candidates )); then
    compadd -- "${(@)candidates}"
  else
    _files
  fi
}
if [[ ${funcstack[1]-} == _fleetqshape ]]; then
  _fleetqshape "$@"
else
  compdef _fleetqshape fleetqshape
fi
)";

constexpr char kFish[] = R"(# Words of fleetqshape's command line, for fish.
function __fleetqshape_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l word (commandline -ct | string replace -r '^(--[a-z-]+=)?[\'"]' '$1')
    $program __complete $words "$word" 2>/dev/null
end
complete -c fleetqshape -f -a '(__fleetqshape_complete)'
complete -c fleetqshape -F -n 'string match -q -- "/*" (commandline -ct)'
)";

// All options, as they are declared.
class Declared {
 public:
  Declared() { DeclareOptions(&app_, "", TopLevelKeys, &raw_, &options_); }

  Words LongNames() const {
    Words names;
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }

  // True of "--host", whose value is the next word.
  bool TakesNextWord(const std::string& word) const {
    const CLI::Option* const option =
        word.starts_with("-") ? app_.get_option_no_throw(word) : nullptr;
    return option != nullptr && option->get_expected_min() > 0;
  }

 private:
  RawOptions raw_;
  CliOptions options_;
  CLI::App app_;
};

// Keeps what is before the last comma.
void KeepList(Completion* completion) {
  const size_t comma = completion->typed.rfind(',');
  if (comma == std::string::npos) return;
  completion->kept += completion->typed.substr(0, comma + 1);
  completion->typed.erase(0, comma + 1);
}

// KEY=VALUE or KEY, of which the key is to be completed, or the last value.
void CompleteKeyOrValue(Completion* completion) {
  const size_t equals = completion->typed.find('=');
  if (equals == std::string::npos) {
    completion->more = More::kKeys;
    return;
  }
  const size_t key_end = completion->typed.find_first_of("!=");
  completion->more = More::kValues;
  completion->key = completion->typed.substr(0, key_end);
  completion->kept += completion->typed.substr(0, equals + 1);
  completion->typed.erase(0, equals + 1);
}

// A value within the parentheses of KEY in (A,B. False if it is none.
bool CompleteListedValue(Completion* completion) {
  const std::string& typed = completion->typed;
  const size_t open = typed.rfind('(');
  if (open == std::string::npos || typed.find(')', open) != std::string::npos) return false;
  const Words before = absl::StrSplit(absl::string_view(typed).substr(0, open),
                                      absl::ByAnyChar(" ,"), absl::SkipEmpty());
  if (before.size() < 2 || (before.back() != "in" && before.back() != "notin")) return false;
  completion->more = More::kValues;
  completion->key = before[before.size() - 2];
  const size_t last = typed.find_last_of("(, ");
  completion->kept += typed.substr(0, last + 1);
  completion->typed.erase(0, last + 1);
  return true;
}

// completion->typed is the value of `option`.
void CompleteValue(const std::string& option, Completion* completion) {
  if (option == "--output") completion->words = OutputWords();
  if (option == "--color") completion->words = ColorWords();
  if (option == "--sort") completion->words = SortWords();
  if (option == "--context") completion->more = More::kContexts;
  if (option == "--by") {
    completion->words = RowKeyWords();
    completion->more = More::kKeys;
  }
  if (option == "--cluster" || option == "--host" || option == "--role") {
    KeepList(completion);
    completion->more = option == "--cluster" ? More::kClusters
                       : option == "--host"  ? More::kHosts
                                             : More::kRoles;
  }
  if (option == "--select" && !CompleteListedValue(completion)) {
    KeepList(completion);
    if (completion->typed.starts_with('!')) {
      completion->kept += '!';
      completion->typed.erase(0, 1);
    }
    completion->words = {"cluster", "host", "instance"};
    CompleteKeyOrValue(completion);
    if (completion->more == More::kValues) completion->words.clear();
  }
  if (option == "--compare") {
    completion->words = {"cluster", "host", "instance"};
    CompleteKeyOrValue(completion);
    if (completion->more == More::kValues) {
      completion->words.clear();
      KeepList(completion);
    }
  }
}

// `before`: the words before the one to complete that are no options.
void CompletePlainWord(const Words& before, Completion* completion) {
  if (before.empty()) {
    completion->words = QueueWords();
    const Words commands = CommandWords();
    completion->words.insert(completion->words.end(), commands.begin(), commands.end());
  } else if (const Words next = WordsAfter(before[0]); !next.empty()) {
    if (before.size() == 1) completion->words = next;
    if (before.size() == 2 && before[0] == "context" && before[1] == "use") {
      completion->more = More::kContexts;
    }
  } else {
    completion->words = QueueWords();
  }
}

}  // namespace

std::string CompletionScript(const std::string& shell) {
  if (shell == "bash") return kBash;
  return shell == "zsh" ? kZsh : kFish;
}

Completion CompletionOf(const Words& words) {
  const Declared declared;
  Completion completion;
  completion.typed = words.empty() ? "" : words.back();
  Words plain;
  bool only_plain = false;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (!only_plain && declared.TakesNextWord(words[i])) {
      if (i + 2 == words.size()) {
        CompleteValue(words[i], &completion);
        return completion;
      }
      ++i;
    } else if (words[i] == "--") {
      only_plain = true;
    } else if (only_plain || !words[i].starts_with("-")) {
      plain.push_back(words[i]);
    }
  }
  const size_t equals = completion.typed.find('=');
  if (!only_plain && completion.typed.starts_with("--") && equals != std::string::npos) {
    const std::string option = completion.typed.substr(0, equals);
    completion.kept = option + "=";
    completion.typed.erase(0, equals + 1);
    CompleteValue(option, &completion);
  } else if (!only_plain && completion.typed.starts_with("-")) {
    completion.words = declared.LongNames();
  } else {
    CompletePlainWord(plain, &completion);
  }
  return completion;
}

Words WordsAboutSource(const Words& words) {
  constexpr std::array<std::string_view, 10> kAbout = {
      "--server",  "--context", "--config", "--tls-ca", "--tls-certificate",
      "--tls-key", "--cluster", "--host",   "--role",   "--tls"};
  Words about;
  for (size_t i = 0; i + 1 < words.size() && words[i] != "--"; ++i) {
    const size_t equals = words[i].find('=');
    const std::string_view name = std::string_view(words[i]).substr(0, equals);
    if (std::find(kAbout.begin(), kAbout.end(), name) == kAbout.end()) continue;
    const bool whole = equals != std::string::npos || name == "--tls";
    // The last word is the one to complete.
    if (!whole && i + 2 >= words.size()) break;
    about.push_back(words[i]);
    if (!whole) about.push_back(words[++i]);
  }
  return about;
}

}  // namespace fleetqshape
