#include "cli/options/help_text.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace fleetqshape {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kIndent = 26;  // of what an option does

// `text` behind a line that has `used` columns, in lines that start with `indent` blanks.
std::string Wrapped(std::string_view text, size_t used, size_t indent) {
  std::string wrapped;
  for (const absl::string_view word :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ' ')) {
    const bool first = used == indent;
    if (!first && used + 1 + word.size() >= kWidth) {
      absl::StrAppend(&wrapped, "\n", std::string(indent, ' '));
      used = indent;
    } else if (!first) {
      wrapped.push_back(' ');
      ++used;
    }
    absl::StrAppend(&wrapped, word);
    used += word.size();
  }
  return wrapped + "\n";
}

std::string OptionText(const CLI::Option& option) {
  std::string line = absl::StrCat("  ", option.get_name(false, true));
  const bool has_value = option.get_expected_min() > 0 && option.get_type_size() > 0;
  if (has_value) absl::StrAppend(&line, " ", option.get_type_name());
  std::string what = option.get_description();
  if (const std::string& value = option.get_default_str(); !value.empty()) {
    absl::StrAppend(&what, " (", value, ")");
  }
  if (line.size() + 2 > kIndent) {
    absl::StrAppend(&line, "\n", std::string(kIndent, ' '));
  } else {
    line.resize(kIndent, ' ');
  }
  return line + Wrapped(what, kIndent, kIndent);
}

}  // namespace

std::string HelpText::make_help(const CLI::App* app, std::string /*name*/,
                                CLI::AppFormatMode /*mode*/) const {
  std::string text = absl::StrCat(Wrapped(app->get_description(), 0, 0),
                                  "\nUsage: ", app->get_name(), " [OPTIONS] [QUEUE...]\n");
  for (const std::string& group : groups_) {
    absl::StrAppend(&text, "\n", group, ":\n");
    for (const CLI::Option* option : app->get_options()) {
      if (option->nonpositional() && option->get_group() == group) {
        absl::StrAppend(&text, OptionText(*option));
      }
    }
  }
  return absl::StrCat(text, app->get_footer());
}

}  // namespace fleetqshape
