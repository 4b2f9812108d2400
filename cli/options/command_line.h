// The options of the command line, as they are declared and as they are typed.
#ifndef FLEETQSHAPE_CLI_OPTIONS_COMMAND_LINE_H_
#define FLEETQSHAPE_CLI_OPTIONS_COMMAND_LINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "cli/options.h"
#include "common/options/layered_options.h"

namespace fleetqshape {

inline constexpr char kProgram[] = "fleetqshape";
inline constexpr char kQshapeGroup[] = "qshape's options";
inline constexpr char kSourceGroup[] = "Whom to ask";
inline constexpr char kSelectionGroup[] = "Which relays";
inline constexpr char kTableGroup[] = "What to show of a fleet";
inline constexpr char kOutputGroup[] = "How to show it";

// The options whose text is looked at after all was read.
struct RawOptions {
  bool senders = false;
  bool parents = false;
  bool linear = false;
  bool local = false;
  std::string min_subdomains;
  std::string bucket_count;
  std::string bucket_minutes;
  std::string width;
  std::string redraw_messages;
  std::string redraw_rows;
  std::string at;
  std::vector<std::string> selects;
  std::vector<std::string> to;
  std::vector<std::string> from;
  std::vector<std::string> older;
  std::vector<std::string> younger;
  std::string compare;
  std::string rows;
  std::string output;
  std::string color;
  std::string watch;  // seconds; empty: not given, "true": without a value
  std::vector<std::string> fail_if;
};

// Declares all options; what is parsed goes to *raw and *options, which outlive *app.
// `default_config_file` may be empty. `keys_of_file`: see AddLayers.
void DeclareOptions(CLI::App* app, const std::string& default_config_file,
                    const KeysOfFile& keys_of_file, RawOptions* raw, CliOptions* options);

// Whether the command line itself has one of the options of these groups or names ("--cluster").
bool IsTyped(const CLI::App& app, const std::vector<std::string_view>& groups_or_names);

// The words of a command line as CLI11 has to get them: --watch takes a number that follows, and
// --by= has an empty value, where CLI11 would take the next word.
std::vector<std::string> WordsOf(const CLI::App& app, int argc, const char* const* argv);

// INVALID_ARGUMENT for a long option of the command line itself whose value is empty.
absl::Status CheckGivenValues(const CLI::App& app);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_COMMAND_LINE_H_
