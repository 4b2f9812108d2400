#include "cli/options/contexts.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/options/server.h"
#include "common/base/nearest_word.h"
#include "common/base/printable.h"
#include "common/base/status_macros.h"
#include "common/base/validation.h"

namespace fleetqshape {
namespace {

constexpr char kCurrent[] = "context";

const std::vector<std::string>& ContextKeys() {
  static const auto& keys =
      *new std::vector<std::string>{"server",  "tls",  "tls-ca", "tls-certificate", "tls-key",
                                    "cluster", "host", "role",   "select",          "description"};
  return keys;
}

const TomlKey* Find(const std::vector<TomlKey>& keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [name](const TomlKey& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

// `where`: "in the context prod ".
absl::Status CheckServers(const std::vector<TomlKey>& keys, const std::string& where) {
  const TomlKey* const servers = Find(keys, "server");
  if (servers == nullptr) return absl::OkStatus();
  for (const std::string& server : servers->values) {
    const absl::Status valid =
        CheckServer(absl::StrCat("line ", servers->line, ": ", where, "the server"), server);
    if (!valid.ok()) return valid;
  }
  return absl::OkStatus();
}

absl::StatusOr<Context> ReadContext(const TomlTable& table) {
  Context context;
  context.name = table.path[1];
  FQS_RETURN_IF_ERROR(
      ValidateName(absl::StrCat("line ", table.line, ": the name of a context"), context.name));
  for (const TomlKey& key : table.keys) {
    if (std::find(ContextKeys().begin(), ContextKeys().end(), key.name) == ContextKeys().end()) {
      const std::string hint = DidYouMean(key.name, ContextKeys());
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", key.line, ": unknown key ", key.name, " of a context",
          hint.empty() ? absl::StrCat("; it has ", absl::StrJoin(ContextKeys(), ", ")) : hint));
    }
    if (key.name == "description") {
      context.description = absl::StrJoin(key.values, " ");
    } else {
      context.keys.push_back(key);
    }
  }
  FQS_RETURN_IF_ERROR(
      CheckServers(context.keys, absl::StrCat("in the context ", context.name, " ")));
  return context;
}

absl::Status UnknownContext(const ContextFile& file, const std::string& name) {
  std::vector<std::string> names;
  for (const Context& context : file.contexts) names.push_back(context.name);
  const std::string hint = DidYouMean(name, names);
  return absl::NotFoundError(absl::StrCat(
      "unknown context ", name,
      !hint.empty()   ? hint
      : names.empty() ? "; the configuration file has none: it names one with [contexts.NAME]"
                      : absl::StrCat("; there is: ", absl::StrJoin(names, ", "))));
}

const Context* FindContext(const ContextFile& file, const std::string& name) {
  const auto found = std::find_if(file.contexts.begin(), file.contexts.end(),
                                  [&](const Context& context) { return context.name == name; });
  return found == file.contexts.end() ? nullptr : &*found;
}

std::string SelectionText(const Context& context) {
  std::vector<std::string> parts;
  for (const char* name : {"cluster", "host", "role", "select"}) {
    if (const TomlKey* key = Find(context.keys, name)) {
      parts.push_back(absl::StrCat("--", name, " ", absl::StrJoin(key->values, ",")));
    }
  }
  return parts.empty() ? "-" : absl::StrJoin(parts, " ");
}

// One of the top level's lines of a file, without its end.
struct Line {
  size_t begin;
  size_t end;
};

bool ReadsAs(const std::string& text, const std::string& name) {
  const auto tables = ParseToml(text);
  if (!tables.ok()) return false;
  const auto file = ReadContexts(*tables);
  return file.ok() && file->current == name;
}

// The lines before the first table.
std::vector<Line> TopLines(const std::string& text) {
  std::vector<Line> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const size_t first = text.find_first_not_of(" \t", begin);
    if (first < text.size() && text[first] == '[') break;
    lines.push_back({begin, end});
    begin = end + 1;
  }
  return lines;
}

// Where the value of the key that stands on this line is: from behind "=" to a comment or the end.
std::optional<Line> ValueOn(const std::string& text, const Line& line) {
  const size_t equals = text.find('=', line.begin);
  if (equals >= line.end) return std::nullopt;
  const size_t begin = text.find_first_not_of(" \t", equals + 1);
  if (begin >= line.end || (text[begin] != '"' && text[begin] != '\'')) return std::nullopt;
  const size_t quote = text.find(text[begin], begin + 1);
  if (quote >= line.end) return std::nullopt;
  return Line{begin, quote + 1};
}

}  // namespace

absl::StatusOr<ContextFile> ReadContexts(const std::vector<TomlTable>& tables) {
  ContextFile file;
  for (const TomlTable& table : tables) {
    if (table.path.empty()) {
      file.keys = table.keys;
      FQS_RETURN_IF_ERROR(CheckServers(file.keys, ""));
      continue;
    }
    if (table.path[0] != "contexts" || table.path.size() > 2 ||
        (table.path.size() == 1 && !table.keys.empty())) {
      return absl::InvalidArgumentError(absl::StrCat("line ", table.line, ": unknown section ",
                                                     absl::StrJoin(table.path, "."),
                                                     "; there is [contexts.NAME]"));
    }
    if (table.path.size() == 1) continue;
    FQS_ASSIGN_OR_RETURN(Context context, ReadContext(table));
    file.contexts.push_back(std::move(context));
  }
  if (const TomlKey* current = Find(file.keys, kCurrent)) {
    file.current = absl::StrJoin(current->values, ",");
  }
  return file;
}

absl::StatusOr<std::vector<TomlKey>> KeysInContext(const ContextFile& file,
                                                   const std::string& name) {
  if (name.empty()) return file.keys;
  const Context* const context = FindContext(file, name);
  if (context == nullptr) return UnknownContext(file, name);
  std::vector<TomlKey> keys = context->keys;
  const bool own_servers = Find(keys, "server") != nullptr;
  for (const TomlKey& key : file.keys) {
    const bool for_others = own_servers && key.name.starts_with("tls");
    if (!for_others && Find(context->keys, key.name) == nullptr) keys.push_back(key);
  }
  return keys;
}

void ResolveFiles(const std::string& config_file, std::vector<TomlKey>* keys) {
  const std::string directory = config_file.substr(0, config_file.rfind('/') + 1);
  for (TomlKey& key : *keys) {
    if (key.name != "tls-ca" && key.name != "tls-certificate" && key.name != "tls-key") continue;
    for (std::string& file : key.values) {
      if (!file.empty() && !file.starts_with('/')) file.insert(0, directory);
    }
  }
}

std::string ContextListText(const ContextFile& file) {
  std::vector<std::vector<std::string>> rows = {{" ", "context", "server", "relays", ""}};
  for (const Context& context : file.contexts) {
    const TomlKey* const server = Find(context.keys, "server");
    rows.push_back({context.name == file.current ? "*" : " ", context.name,
                    server == nullptr ? "-" : absl::StrJoin(server->values, ","),
                    SelectionText(context), context.description});
  }
  std::vector<size_t> widths(rows[0].size(), 0);
  for (auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = PrintableName(row[i]);
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = row[0];
    for (size_t i = 1; i < row.size(); ++i) {
      absl::StrAppend(&line, i == 1 ? " " : "  ", row[i],
                      std::string(widths[i] - row[i].size(), ' '));
    }
    absl::StrAppend(&text, line.substr(0, line.find_last_not_of(' ') + 1), "\n");
  }
  return text;
}

absl::StatusOr<std::string> WithCurrentContext(const std::string& text, const std::string& name) {
  FQS_ASSIGN_OR_RETURN(const std::vector<TomlTable> tables, ParseToml(text));
  FQS_ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(tables));
  if (FindContext(file, name) == nullptr) return UnknownContext(file, name);
  const std::string value = absl::StrCat("\"", name, "\"");
  std::string changed = text;
  const TomlKey* const current = Find(file.keys, kCurrent);
  if (current == nullptr) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    const bool windows = text.find("\r\n") < text.find('\n');
    changed.insert(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0,
                   absl::StrCat(kCurrent, " = ", value, windows ? "\r\n" : "\n"));
  } else {
    const std::vector<Line> lines = TopLines(text);
    const auto number = static_cast<size_t>(current->line);
    const auto place = number <= lines.size() ? ValueOn(text, lines[number - 1]) : std::nullopt;
    if (place) changed.replace(place->begin, place->end - place->begin, value);
  }
  if (!ReadsAs(changed, name)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot change the key ", kCurrent,
                                                   " where it stands: write ", kCurrent, " = ",
                                                   value, " at the top of the file"));
  }
  return changed;
}

}  // namespace fleetqshape
