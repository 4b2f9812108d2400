// What stands in a configuration file.
#ifndef FLEETQSHAPE_COMMON_OPTIONS_TOML_FILE_H_
#define FLEETQSHAPE_COMMON_OPTIONS_TOML_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace fleetqshape {

struct TomlKey {
  std::string name;
  std::vector<std::string> values;  // one, or those of an array
  int line = 0;                     // where it stands, from 1
};

struct TomlTable {
  std::vector<std::string> path;  // [contexts.prod]: contexts, prod; empty: the top level
  std::vector<TomlKey> keys;      // by name
  int line = 0;
};

// The tables of `text`, which is TOML, the top level first, each before those within it, and else
// by name. Values are strings, numbers and booleans as text, and arrays of these. INVALID_ARGUMENT,
// with the line: anything else.
absl::StatusOr<std::vector<TomlTable>> ParseToml(std::string_view text);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_OPTIONS_TOML_FILE_H_
