#include "common/options/toml_file.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

// Its parser and its results without exceptions.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace fleetqshape {
namespace {

absl::Status Wrong(const toml::node& node, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", node.source().begin.line, ": ", what));
}

absl::StatusOr<std::string> ScalarText(const std::string& key, const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return absl::StrCat(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* number = node.as_floating_point()) {
    char digits[64];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number->get());
    if (error == std::errc()) return std::string(digits, end);
  }
  return Wrong(node, absl::StrCat(key, " must be a string, a number, true or false, or an array"));
}

absl::Status AppendTable(const toml::table& table, std::vector<std::string> path,
                         std::vector<TomlTable>* tables) {
  const size_t index = tables->size();
  tables->emplace_back().path = path;
  tables->back().line = static_cast<int>(table.source().begin.line);
  for (const auto& [key, node] : table) {
    if (const toml::table* inner = node.as_table()) {
      path.emplace_back(key.str());
      FQS_RETURN_IF_ERROR(AppendTable(*inner, path, tables));
      path.pop_back();
      continue;
    }
    TomlKey read{std::string(key.str()), {}, static_cast<int>(key.source().begin.line)};
    if (const toml::array* array = node.as_array()) {
      for (const toml::node& element : *array) {
        FQS_ASSIGN_OR_RETURN(std::string value, ScalarText(read.name, element));
        read.values.push_back(std::move(value));
      }
    } else {
      FQS_ASSIGN_OR_RETURN(std::string value, ScalarText(read.name, node));
      read.values.push_back(std::move(value));
    }
    (*tables)[index].keys.push_back(std::move(read));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<TomlTable>> ParseToml(std::string_view text) {
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    return absl::InvalidArgumentError(absl::StrCat("line ", result.error().source().begin.line,
                                                   ": ",
                                                   std::string(result.error().description())));
  }
  std::vector<TomlTable> tables;
  FQS_RETURN_IF_ERROR(AppendTable(result.table(), {}, &tables));
  return tables;
}

}  // namespace fleetqshape
