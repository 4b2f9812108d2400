// Runs `fleetqshape --compat` many times, cheaply, at a pinned clock: the protocol is that of
// qshape_server.pl. Each job runs the program's own code, from the parsing of the arguments to the
// printed table, in a child of its own.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "cli/local/local_question.h"
#include "cli/options/parse.h"
#include "common/base/clock.h"

namespace {

class PinnedClock final : public fleetqshape::Clock {
 public:
  explicit PinnedClock(int64_t seconds) : seconds_(seconds) {}
  int64_t NowMilliseconds() const override { return seconds_ * 1000; }
  int64_t MonotonicMilliseconds() const override { return NowMilliseconds(); }

 private:
  int64_t seconds_;
};

std::string Decode(const std::string& field) {
  std::string decoded;
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '%' && i + 2 < field.size()) {
      decoded.push_back(static_cast<char>(std::stoi(field.substr(i + 1, 2), nullptr, 16)));
      i += 2;
    } else {
      decoded.push_back(field[i]);
    }
  }
  return decoded;
}

std::vector<std::string> Split(const std::string& line) {
  std::vector<std::string> fields(1);
  for (char c : line) {
    if (c == '\t') {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  return fields;
}

bool Redirect(const std::string& path, int target) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  return fd >= 0 && dup2(fd, target) == target && close(fd) == 0;
}

// ID NOW TIMEOUT CWD STDOUT STDERR [ARGUMENT...]
[[noreturn]] void RunChild(const std::vector<std::string>& fields) {
  alarm(static_cast<unsigned>(std::stoul(fields[2])));
  if (!fields[3].empty() && chdir(fields[3].c_str()) != 0) _exit(126);
  if (!Redirect(fields[4], STDOUT_FILENO) || !Redirect(fields[5], STDERR_FILENO)) _exit(126);
  std::vector<const char*> arguments = {"fleetqshape", "--compat"};
  for (size_t i = 6; i < fields.size(); ++i) arguments.push_back(fields[i].c_str());
  int exit_status = 0;
  const auto options = fleetqshape::ParseCliOptions(static_cast<int>(arguments.size()),
                                                    arguments.data(), &exit_status);
  if (options)
    exit_status = fleetqshape::AnswerLocally(*options, PinnedClock(std::stoll(fields[1])));
  std::fflush(nullptr);
  _exit(exit_status);
}

void Answer(const std::string& id, const char* kind, int number) {
  std::printf("%s\t%s\t%d\n", id.c_str(), kind, number);
  std::fflush(stdout);
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::vector<std::string> fields = Split(line);
    if (fields.size() < 6) return 2;
    for (std::string& field : fields) field = Decode(field);
    const pid_t child = fork();
    if (child == 0) RunChild(fields);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
      Answer(fields[0], "error", errno);
    } else if (WIFEXITED(status)) {
      Answer(fields[0], "exit", WEXITSTATUS(status));
    } else if (WTERMSIG(status) == SIGALRM) {
      Answer(fields[0], "timeout", std::stoi(fields[2]));
    } else {
      Answer(fields[0], "signal", WTERMSIG(status));
    }
  }
  return 0;
}
