#include "cli/local/postconf.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/file_descriptor.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

// Where Debian and most others have it: the PATH of an ordinary user lacks this directory.
constexpr const char* kPostconfPaths[] = {"postconf", "/usr/sbin/postconf"};

std::vector<std::string> Environment(const std::string& config_directory) {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (config_directory.empty() || !std::string_view(*variable).starts_with("MAIL_CONFIG=")) {
      environment.emplace_back(*variable);
    }
  }
  if (!config_directory.empty()) environment.push_back("MAIL_CONFIG=" + config_directory);
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& string : *strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Runs postconf with its standard output and standard error into two pipes.
absl::StatusOr<pid_t> Spawn(std::vector<std::string> arguments, int output_fd, int error_fd,
                            const std::string& config_directory) {
  std::vector<std::string> environment = Environment(config_directory);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error_fd, STDERR_FILENO);
  int error = 0;
  pid_t process = 0;
  for (const char* path : kPostconfPaths) {
    error = posix_spawnp(&process, path, &actions, nullptr, Pointers(&arguments).data(),
                         Pointers(&environment).data());
    if (error != ENOENT) break;
  }
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot run postconf: ", std::strerror(error),
                     "; give the queue's absolute path instead of its name"));
  }
  return process;
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

struct Pipe {
  FileDescriptor output;
  FileDescriptor input;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("pipe: ", std::strerror(errno)));
  }
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

absl::StatusOr<std::string> QueueDirectory(const std::string& config_directory,
                                           postfix::Dialect dialect) {
  FQS_ASSIGN_OR_RETURN(Pipe output, MakePipe());
  FQS_ASSIGN_OR_RETURN(Pipe errors, MakePipe());
  const bool expand = dialect == postfix::Dialect::kPostfix;
  FQS_ASSIGN_OR_RETURN(const pid_t process,
                       Spawn({"postconf", expand ? "-xh" : "-h", "queue_directory"},
                             output.input.get(), errors.input.get(), config_directory));
  output.input = FileDescriptor();
  errors.input = FileDescriptor();
  // One after the other: neither is more than a few lines, which a pipe holds.
  std::string directory = ReadAll(output.output.get());
  const std::string complaint = ReadAll(errors.output.get());
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::UnavailableError(
        absl::StrCat("postconf failed (", complaint.substr(0, complaint.find('\n')),
                     "); give the queue's absolute path, or the instance's configuration with -c"));
  }
  while (!directory.empty() && directory.back() == '\n') directory.pop_back();
  if (!expand && directory.find('$') != std::string::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat("'queue_directory' variable expansion not supported: ", directory,
                     "; leave out --compat, or give the queue's absolute path"));
  }
  return directory;
}

}  // namespace fleetqshape
