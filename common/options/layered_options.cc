#include "common/options/layered_options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

// Leaves out of the file what the environment says.
class EnvironmentWins final : public CLI::ConfigTOML {
 public:
  explicit EnvironmentWins(const CLI::App* app) : app_(*app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(input);
    const auto in_environment = [&](const CLI::ConfigItem& item) {
      const CLI::Option* option = app_.get_option_no_throw("--" + item.name);
      return option != nullptr && item.parents.empty() && !option->get_envname().empty() &&
             std::getenv(option->get_envname().c_str()) != nullptr;
    };
    items.erase(std::remove_if(items.begin(), items.end(), in_environment), items.end());
    return items;
  }

 private:
  const CLI::App& app_;
};

std::string EnvironmentName(const std::string& prefix, const std::string& option) {
  std::string name = prefix + option;
  for (char& c : name) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

}  // namespace

void AddLayers(CLI::App* app, const std::string& prefix, const std::string& default_config_file) {
  for (CLI::Option* option : app->get_options()) {
    const auto& names = option->get_lnames();
    if (names.empty() || names[0] == "help" || names[0] == "version") continue;
    option->envname(EnvironmentName(prefix, names[0]));
  }
  // CLI11 reads the file before it looks into the environment, so this variable is looked up here.
  const std::string variable = EnvironmentName(prefix, "config");
  const char* const named = std::getenv(variable.c_str());
  app->set_config("--config", named != nullptr ? named : default_config_file,
                  "Read options from this TOML file; the keys are their long names",
                  /*config_required=*/named != nullptr)
      ->envname(variable)
      ->type_name("FILE");
  app->config_formatter(std::make_shared<EnvironmentWins>(app));
  app->allow_config_extras(CLI::config_extras_mode::error);
}

bool ParseOptions(CLI::App* app, int argc, const char* const* argv, int* exit_status) {
  try {
    app->parse(argc, argv);
    return true;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app->help().c_str(), stdout);
    *exit_status = kExitOk;
  } catch (const CLI::CallForVersion& version) {
    std::printf("%s\n", version.what());
    *exit_status = kExitOk;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    constexpr std::string_view kUnknownKey = "INI was not able to parse ";
    if (message.starts_with(kUnknownKey)) {
      message = absl::StrCat("the configuration file has an unknown key ",
                             message.substr(kUnknownKey.size()),
                             "; its keys are the long options' names");
    }
    PrintError(app->get_name(), absl::StrCat(message, " (", app->get_name(), " --help tells)"));
    *exit_status = kExitUsage;
  }
  return false;
}

void PrintError(std::string_view program, std::string_view message) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(program.size()), program.data(),
               static_cast<int>(message.size()), message.data());
}

}  // namespace fleetqshape
