// What --help prints.
#ifndef FLEETQSHAPE_CLI_OPTIONS_HELP_TEXT_H_
#define FLEETQSHAPE_CLI_OPTIONS_HELP_TEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Formatter.hpp"

namespace fleetqshape {

// The options by group, in lines of a usual terminal, and the footer. CLI11's own text has no limit
// to its lines, and a variable of the environment beside each option.
class HelpText final : public CLI::Formatter {
 public:
  // `groups`: in their order.
  explicit HelpText(std::vector<std::string> groups) : groups_(std::move(groups)) {}

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;

 private:
  const std::vector<std::string> groups_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_HELP_TEXT_H_
