#include "common/postfix/postconf.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/command.h"

namespace fleetqshape::postfix {
namespace {

// Where Debian and most others have it.
constexpr const char* kUsualDirectory = "/usr/sbin";
constexpr size_t kMaxComplaint = 300;

const char* Switches(PostconfValues values) {
  switch (values) {
    case PostconfValues::kExpanded:
      return "-xh";
    case PostconfValues::kAsWritten:
      return "-h";
    case PostconfValues::kDefault:
      return "-dh";
  }
  return "-xh";
}

// The last line: warnings come first, the reason to fail at the end.
std::string Complaint(std::string_view errors) {
  while (errors.ends_with('\n')) errors.remove_suffix(1);
  const size_t newline = errors.rfind('\n');
  if (newline != errors.npos) errors.remove_prefix(newline + 1);
  return std::string(errors.substr(0, kMaxComplaint));
}

}  // namespace

std::string PostconfPath(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = std::getenv("PATH");
  const std::vector<std::string> directories =
      absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty());
  for (const std::string& directory : directories) {
    std::string candidate = absl::StrCat(directory, "/", program);
    if (directory.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::StrCat(kUsualDirectory, "/", program);
}

absl::StatusOr<std::vector<std::string>> AskPostconf(const PostconfQuestion& question) {
  Command command;
  command.program = PostconfPath(question.program);
  command.time_limit = question.time_limit;
  if (!question.config_directory.empty()) command.arguments = {"-c", question.config_directory};
  command.arguments.push_back(Switches(question.values));
  command.arguments.insert(command.arguments.end(), question.names.begin(), question.names.end());
  const absl::StatusOr<CommandResult> result = RunCommand(command);
  if (absl::IsNotFound(result.status())) return result.status();
  if (!result.ok()) return absl::UnavailableError(result.status().message());
  if (result->exit_status != 0) {
    return absl::UnavailableError(
        absl::StrCat("postconf failed (", Complaint(result->errors), ")"));
  }
  std::vector<std::string> values = absl::StrSplit(result->output, '\n');
  values.pop_back();  // what is behind the last newline
  if (values.size() != question.names.size()) {
    return absl::UnavailableError(absl::StrCat("postconf printed ", values.size(), " values of ",
                                               question.names.size(), " parameters (",
                                               Complaint(result->errors), ")"));
  }
  return values;
}

}  // namespace fleetqshape::postfix
