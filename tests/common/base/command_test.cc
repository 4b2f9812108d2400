#include "common/base/command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "common/base/file_descriptor.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

Command Shell(const std::string& script) {
  Command command;
  command.program = "/bin/sh";
  command.arguments = {"-c", script};
  return command;
}

absl::StatusCode CodeOf(const Command& command) { return RunCommand(command).status().code(); }

// No process of ours is left: neither running nor a zombie.
void ExpectNoChildren() {
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(CommandTest, TakesWhatIsWrittenAndHowItEnded) {
  const auto result = RunCommand(Shell("echo out; echo err >&2; echo out again; exit 3"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->output, "out\nout again\n");
  EXPECT_EQ(result->errors, "err\n");
  ExpectNoChildren();
}

TEST(CommandTest, ArgumentsAreNotForAShell) {
  Command command;
  command.program = "/bin/echo";
  command.arguments = {"$HOME", "a  b", "*", ""};
  const auto result = RunCommand(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "$HOME a  b * \n");
}

TEST(CommandTest, TheProgramIsToldItsName) {
  const auto result = RunCommand(Shell("echo $0"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "sh\n");
}

TEST(CommandTest, ASignalIsToldAsAShellDoes) {
  const auto result = RunCommand(Shell("kill -KILL $$"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_status, 128 + SIGKILL);
}

TEST(CommandTest, AProgramThatIsNotThereIsNotFound) {
  Command command;
  command.program = "/nonexistent/program";
  const auto result = RunCommand(command);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("/nonexistent/program"));
}

TEST(CommandTest, AFileThatIsNoProgramIsUnavailable) {
  const test::TemporaryDirectory directory;
  Command command;
  command.program = directory.WriteFile("file", "no program", 0600);
  EXPECT_EQ(CodeOf(command), absl::StatusCode::kUnavailable);
}

TEST(CommandTest, BothStreamsMayBeMoreThanAPipeHolds) {
  // Whoever reads one to its end before the other would wait for ever.
  Command command = Shell("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero");
  command.max_output_bytes = 300'000;
  const auto result = RunCommand(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output.size(), 300'000U);
  EXPECT_EQ(result->errors.size(), 300'000U);
}

TEST(CommandTest, TooMuchOutputEndsTheProgram) {
  Command command = Shell("yes; sleep 1000");
  command.max_output_bytes = 1000;
  EXPECT_EQ(CodeOf(command), absl::StatusCode::kResourceExhausted);
  ExpectNoChildren();
}

TEST(CommandTest, OutputMayBeJustAsMuchAsAllowed) {
  Command command = Shell("echo 123456789");
  command.max_output_bytes = 10;
  EXPECT_EQ(CodeOf(command), absl::StatusCode::kOk);
  command.max_output_bytes = 9;
  EXPECT_EQ(CodeOf(command), absl::StatusCode::kResourceExhausted);
}

TEST(CommandTest, OfTheErrorsOnlyTheBeginningIsKept) {
  Command command = Shell("echo first >&2; head -c 200000 /dev/zero >&2; echo out");
  command.max_output_bytes = 100;
  const auto result = RunCommand(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->errors.size(), 100U);
  EXPECT_THAT(result->errors, testing::StartsWith("first\n"));
  EXPECT_EQ(result->output, "out\n");
}

TEST(CommandTest, WhatTakesTooLongIsKilledWithWhatItStarted) {
  const test::TemporaryDirectory directory;
  // A FIFO ends when the last process that has it open for writing is gone.
  const std::string path = directory.path("alive");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const FileDescriptor alive(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  Command command =
      Shell("trap '' TERM; exec 9> " + path + "; echo started >&9; sleep 1000 & sleep 1000; wait");
  command.time_limit = seconds(1);
  const auto begin = steady_clock::now();
  const auto result = RunCommand(command);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("1000 ms"));
  EXPECT_LT(steady_clock::now() - begin, seconds(100));
  ExpectNoChildren();

  char buffer[100];
  ASSERT_EQ(read(alive.get(), buffer, sizeof buffer), 8) << "the time was too short to start";
  pollfd ended = {alive.get(), POLLIN, 0};
  ASSERT_EQ(poll(&ended, 1, 10'000), 1) << "it is still alive";
  EXPECT_EQ(read(alive.get(), buffer, sizeof buffer), 0);
}

TEST(CommandTest, WhoClosesItsOutputIsStillWaitedFor) {
  Command command = Shell("exec > /dev/null 2>&1; sleep 1000");
  command.time_limit = milliseconds(100);
  EXPECT_EQ(CodeOf(command), absl::StatusCode::kDeadlineExceeded);
  const auto result = RunCommand(Shell("exec > /dev/null 2>&1; exit 4"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_status, 4);
}

TEST(CommandTest, WhatItLeavesRunningIsNotWaitedFor) {
  // Until the FIFO is opened here, the process that is left has the output open.
  const test::TemporaryDirectory directory;
  const std::string path = directory.path("gate");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Command command = Shell("(read line < " + path + ") & echo started");
  command.time_limit = seconds(60);
  const auto result = RunCommand(command);
  const FileDescriptor gate(open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(write(gate.get(), "\n", 1), 1);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "started\n");
}

TEST(CommandTest, TheInputIsEmpty) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.WriteFile("input", "for us\n");
  const FileDescriptor before(dup(STDIN_FILENO));
  const FileDescriptor input(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(dup2(input.get(), STDIN_FILENO), STDIN_FILENO);
  const auto result = RunCommand(Shell("cat; echo end"));
  dup2(before.get(), STDIN_FILENO);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "end\n");
}

TEST(CommandTest, OurOpenFilesStayOurs) {
  const FileDescriptor inherited(open("/dev/zero", O_RDONLY));
  const auto result = RunCommand(Shell("readlink /proc/$$/fd/*"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->output, HasSubstr("/dev/null\n"));
  EXPECT_THAT(result->output, testing::Not(HasSubstr("/dev/zero")));
}

TEST(CommandTest, NoSignalIsBlockedOrIgnored) {
  // As in our programs: StopSignals.
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGUSR2);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  struct sigaction handling = {};
  struct sigaction handling_before = {};
  handling.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGPIPE, &handling, &handling_before), 0);
  for (const int signal : {SIGTERM, SIGUSR2, SIGPIPE}) {
    const auto result = RunCommand(Shell("kill -" + std::to_string(signal) + " $$; echo alive"));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_status, 128 + signal);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  sigaction(SIGPIPE, &handling_before, nullptr);
}

TEST(CommandTest, TheEnvironmentIsOurs) {
  setenv("FLEETQSHAPE_COMMAND_TEST", "from here", 1);
  const auto result = RunCommand(Shell("echo $FLEETQSHAPE_COMMAND_TEST"));
  unsetenv("FLEETQSHAPE_COMMAND_TEST");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "from here\n");
}

TEST(CommandTest, LeavesNoFilesOpen) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_files();
  Command hanging = Shell("sleep 1000");
  hanging.time_limit = milliseconds(10);
  Command missing;
  missing.program = "/nonexistent/program";
  for (const Command& command : {Shell("echo x"), hanging, missing}) CodeOf(command);
  EXPECT_EQ(open_files(), before);
}

TEST(CommandTest, SeveralThreadsRunCommandsAtATime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int round = 0; round < 5; ++round) {
        const std::string number = std::to_string(10 * i + round);
        const auto result = RunCommand(Shell("echo " + number + "; exit " + number));
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->output, number + "\n");
        EXPECT_EQ(result->exit_status, 10 * i + round);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ExpectNoChildren();
}

}  // namespace
}  // namespace fleetqshape
