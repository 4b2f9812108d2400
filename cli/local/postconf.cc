#include "cli/local/postconf.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/postfix/postconf.h"

namespace fleetqshape {

absl::StatusOr<std::string> QueueDirectory(const std::string& config_directory,
                                           postfix::Dialect dialect) {
  const bool expand = dialect == postfix::Dialect::kPostfix;
  postfix::PostconfQuestion question;
  question.config_directory = config_directory;
  question.names = {"queue_directory"};
  question.values =
      expand ? postfix::PostconfValues::kExpanded : postfix::PostconfValues::kAsWritten;
  absl::StatusOr<std::vector<std::string>> values = postfix::AskPostconf(question);
  if (absl::IsNotFound(values.status())) {
    return absl::UnavailableError(absl::StrCat(
        values.status().message(), "; give the queue's absolute path instead of its name"));
  }
  if (!values.ok()) {
    return absl::UnavailableError(
        absl::StrCat(values.status().message(),
                     "; give the queue's absolute path, or the instance's configuration with -c"));
  }
  std::string directory = std::move(values->front());
  if (!expand && directory.find('$') != std::string::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat("'queue_directory' variable expansion not supported: ", directory,
                     "; leave out --compat, or give the queue's absolute path"));
  }
  return directory;
}

}  // namespace fleetqshape
