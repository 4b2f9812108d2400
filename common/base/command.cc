#include "common/base/command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file_descriptor.h"
#include "common/base/status_macros.h"

namespace fleetqshape {
namespace {

using std::chrono::steady_clock;

// What a pipe holds unless told otherwise (pipe(7)), so that one read empties it.
constexpr size_t kPipeBytes = size_t{64} << 10;
// How long what was killed may take to be gone. A process that waits in the kernel, for a file on a
// server that does not answer, may outlive it.
constexpr std::chrono::milliseconds kDeathLimit{1000};

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

// What of this process the program does not inherit.
class SpawnSettings {
 public:
  SpawnSettings(int output_fd, int errors_fd) {
    posix_spawn_file_actions_init(&files_);
    Note(posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    Note(posix_spawn_file_actions_adddup2(&files_, output_fd, STDOUT_FILENO));
    Note(posix_spawn_file_actions_adddup2(&files_, errors_fd, STDERR_FILENO));
    Note(posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1));
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    Note(posix_spawnattr_setsigmask(&attributes_, &none));
    Note(posix_spawnattr_setsigdefault(&attributes_, &all));
    Note(posix_spawnattr_setpgroup(&attributes_, 0));
    Note(posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&files_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int error() const { return error_; }
  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void Note(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
  int error_ = 0;
};

absl::StatusOr<pid_t> Spawn(const Command& command, int output_fd, int errors_fd) {
  const SpawnSettings settings(output_fd, errors_fd);
  // What it calls itself in its messages.
  std::vector<std::string> words = {command.program.substr(command.program.rfind('/') + 1)};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t process = 0;
  int error = settings.error();
  if (error == 0) {
    error = posix_spawn(&process, command.program.c_str(), settings.files(), settings.attributes(),
                        pointers.data(), environ);
  }
  if (error == 0) return process;
  const std::string message =
      absl::StrCat("cannot run ", command.program, ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

// What comes out of one pipe, until its end.
struct Stream {
  FileDescriptor pipe;
  size_t max_bytes = 0;
  std::string text;
  bool overflowed = false;
};

// Reads once: a program that never stops writing must not keep us here.
void Take(Stream* stream) {
  if (!stream->pipe.valid()) return;
  const auto buffer = std::make_unique<char[]>(kPipeBytes);
  const ssize_t count = read(stream->pipe.get(), buffer.get(), kPipeBytes);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    stream->pipe = FileDescriptor();
    return;
  }
  const size_t room = stream->max_bytes - stream->text.size();
  stream->text.append(buffer.get(), std::min(room, static_cast<size_t>(count)));
  if (static_cast<size_t>(count) > room) stream->overflowed = true;
}

int MillisecondsUntil(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000));
}

// Reads both streams until the process has ended.
absl::Status Await(const Command& command, int process_fd, Stream* output, Stream* errors) {
  const steady_clock::time_point deadline = steady_clock::now() + command.time_limit;
  for (;;) {
    // A stream at its end has a negative descriptor, which poll passes over.
    pollfd events[] = {
        {process_fd, POLLIN, 0}, {output->pipe.get(), POLLIN, 0}, {errors->pipe.get(), POLLIN, 0}};
    const int milliseconds = MillisecondsUntil(deadline);
    if (poll(events, 3, milliseconds) < 0 && errno != EINTR) {
      return absl::UnavailableError(absl::StrCat("poll: ", std::strerror(errno)));
    }
    // All that a process wrote is in the pipes when it ends.
    const bool ended = events[0].revents != 0;
    if (ended || events[1].revents != 0) Take(output);
    if (ended || events[2].revents != 0) Take(errors);
    if (output->overflowed) {
      return absl::ResourceExhaustedError(
          absl::StrCat(command.program, " wrote more than ", command.max_output_bytes, " bytes"));
    }
    if (ended) return absl::OkStatus();
    if (milliseconds == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat(command.program, " did not end within ", command.time_limit.count(), " ms"));
    }
  }
}

// A descriptor that is readable once the process has ended. (The header of glibc 2.36 that has
// pidfd_open is none for C++.)
FileDescriptor OpenProcess(pid_t process) {
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

// Ends the process and what it started, and waits until it is dead, so that no zombie is left.
void Kill(pid_t process, int process_fd) {
  kill(-process, SIGKILL);
  const steady_clock::time_point deadline = steady_clock::now() + kDeathLimit;
  pollfd event = {process_fd, POLLIN, 0};
  while (poll(&event, 1, MillisecondsUntil(deadline)) < 0 && errno == EINTR) {
  }
  waitpid(process, nullptr, WNOHANG);
}

int ExitStatus(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    // Who started us ignores the ends of processes, and so do we: nobody can tell how it was.
    if (errno != EINTR) return 0;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

absl::StatusOr<CommandResult> RunCommand(const Command& command) {
  FQS_ASSIGN_OR_RETURN(Pipe output_pipe, MakePipe());
  FQS_ASSIGN_OR_RETURN(Pipe errors_pipe, MakePipe());
  // The other ends belong to the program: they stay as they are.
  for (const Pipe* pipe : {&output_pipe, &errors_pipe}) {
    fcntl(pipe->output.get(), F_SETFL, O_NONBLOCK);
  }
  FQS_ASSIGN_OR_RETURN(const pid_t process,
                       Spawn(command, output_pipe.input.get(), errors_pipe.input.get()));
  output_pipe.input = FileDescriptor();
  errors_pipe.input = FileDescriptor();
  Stream output{std::move(output_pipe.output), command.max_output_bytes, {}, false};
  Stream errors{std::move(errors_pipe.output), command.max_output_bytes, {}, false};
  const FileDescriptor process_fd = OpenProcess(process);
  absl::Status ended = process_fd.valid()
                           ? Await(command, process_fd.get(), &output, &errors)
                           : absl::UnavailableError(absl::StrCat(
                                 "cannot wait for ", command.program, ": ", std::strerror(errno)));
  if (!ended.ok()) {
    Kill(process, process_fd.get());
    return ended;
  }
  return CommandResult{ExitStatus(process), std::move(output.text), std::move(errors.text)};
}

}  // namespace fleetqshape
