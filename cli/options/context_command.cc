#include "cli/options/context_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/options/command_line.h"
#include "cli/options/contexts.h"
#include "common/base/file_descriptor.h"
#include "common/base/printable.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

absl::Status SystemError(const std::string& what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::StatusOr<std::string> ReadFile(const std::string& file) {
  errno = 0;
  std::ifstream input(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  if (!input.is_open()) return SystemError(absl::StrCat("cannot read ", file));
  return text;
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

absl::Status Replace(const std::string& file, const std::string& text) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(file.c_str(), nullptr),
                                                         &std::free);
  struct stat status {};
  if (real == nullptr || stat(real.get(), &status) != 0) {
    return SystemError(absl::StrCat("cannot find ", file));
  }
  std::string temporary = absl::StrCat(real.get(), ".XXXXXX");
  const FileDescriptor fd(mkstemp(temporary.data()));
  if (fd.get() < 0) return SystemError(absl::StrCat("cannot write beside ", real.get()));
  absl::Cleanup remove = [&] { unlink(temporary.c_str()); };
  // Another owner's file stays theirs, where we may do that; it must not become less than it was.
  const bool kept = (status.st_uid == geteuid() && status.st_gid == getegid()) ||
                    fchown(fd.get(), status.st_uid, status.st_gid) == 0;
  if (!kept) return SystemError(absl::StrCat("cannot keep the owner of ", real.get()));
  if (fchmod(fd.get(), status.st_mode & 07777) != 0 || !WriteAll(fd.get(), text) ||
      fsync(fd.get()) != 0 || rename(temporary.c_str(), real.get()) != 0) {
    return SystemError(absl::StrCat("cannot write ", real.get()));
  }
  std::move(remove).Cancel();
  return absl::OkStatus();
}

int Fail(const CliOptions& options, const absl::Status& status) {
  const bool of_content = absl::IsInvalidArgument(status) || absl::IsNotFound(status);
  PrintError(kProgram,
             PrintableName(absl::StrCat(of_content ? absl::StrCat(options.config_file, ": ") : "",
                                        std::string(status.message()))));
  return of_content ? kExitUsage : kExitError;
}

absl::StatusOr<ContextFile> ReadContextFile(const std::string& file) {
  FQS_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  FQS_ASSIGN_OR_RETURN(const std::vector<TomlTable> tables, ParseToml(text));
  return ReadContexts(tables);
}

absl::Status WriteCurrent(const std::string& file, const std::string& name) {
  FQS_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  FQS_ASSIGN_OR_RETURN(const std::string changed, WithCurrentContext(text, name));
  return changed == text ? absl::OkStatus() : Replace(file, changed);
}

}  // namespace

int ListContexts(const CliOptions& options) {
  // It need not be there.
  if (access(options.config_file.c_str(), F_OK) != 0 && errno == ENOENT) {
    PrintError(kProgram, PrintableName(absl::StrCat("there are no contexts: there is no file ",
                                                    options.config_file)));
    return kExitOk;
  }
  const auto file = ReadContextFile(options.config_file);
  if (!file.ok()) return Fail(options, file.status());
  const std::string text = ContextListText(*file);
  return PrintOutput(kProgram, text) ? kExitOk : kExitError;
}

std::vector<std::string> ContextNames(const CliOptions& options) {
  std::vector<std::string> names;
  const auto file = ReadContextFile(options.config_file);
  if (!file.ok()) return names;
  for (const Context& context : file->contexts) names.push_back(context.name);
  return names;
}

int UseContext(const CliOptions& options) {
  const absl::Status written = WriteCurrent(options.config_file, options.arguments[0]);
  return written.ok() ? kExitOk : Fail(options, written);
}

}  // namespace fleetqshape
