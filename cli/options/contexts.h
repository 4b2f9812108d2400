// The named fleets of the configuration file: whom to ask, and about which relays.
#ifndef FLEETQSHAPE_CLI_OPTIONS_CONTEXTS_H_
#define FLEETQSHAPE_CLI_OPTIONS_CONTEXTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/options/toml_file.h"

namespace fleetqshape {

struct Context {
  std::string name;
  std::string description;
  std::vector<TomlKey> keys;  // the others, which are options
};

struct ContextFile {
  std::string current;            // as the file says; empty: none
  std::vector<Context> contexts;  // by name
  std::vector<TomlKey> keys;      // of the top level, the current context's name among them
};

// INVALID_ARGUMENT for tables that are no contexts, keys that contexts don't have, and servers that
// are no addresses.
absl::StatusOr<ContextFile> ReadContexts(const std::vector<TomlTable>& tables);

// What counts in a context: its keys, and those of the top level that it has not. Where a context
// has servers of its own, the top level's certificates are for others. NOT_FOUND, with the nearest
// one: there is no such context. Empty name: the top level alone.
absl::StatusOr<std::vector<TomlKey>> KeysInContext(const ContextFile& file,
                                                   const std::string& name);

// Names of files (tls-ca, tls-certificate, tls-key) that are not absolute are taken from the
// directory that `config_file` is in.
void ResolveFiles(const std::string& config_file, std::vector<TomlKey>* keys);

// A table for people, the current one marked.
std::string ContextListText(const ContextFile& file);

// `text`, which is a configuration file, with `name` as its current context and not a byte else
// changed. NOT_FOUND as above; INVALID_ARGUMENT if it is no good file.
absl::StatusOr<std::string> WithCurrentContext(const std::string& text, const std::string& name);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_CONTEXTS_H_
