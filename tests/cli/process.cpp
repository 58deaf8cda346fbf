// cli/process.cpp -- running programs: output, environment, limits, and what is said about their ends.
#include "process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using cli::Command;
using cli::run_process;

namespace {

Command shell(const std::string& text) {
  Command c;
  c.arguments = {"sh", "-c", text};
  c.output = Command::Output::capture;
  return c;
}

}  // namespace

TEST_CASE("a program's output, status and surroundings") {
  const auto both = run_process(shell("echo one; echo two >&2; echo three; exit 3"));
  CHECK(both.output == "one\ntwo\nthree\n");
  CHECK(both.status == 3);
  CHECK(!both.ok());
  CHECK(what_happened(both) == "exit status 3");

  auto command = shell("echo \"$ONE-$TWO\"; pwd; cat; echo end");  // standard input is empty
  setenv("TWO", "ours", 1);
  command.environment = {{"ONE", "a b"}, {"TWO", "theirs"}};
  command.folder = "/";
  CHECK(run_process(command).output == "a b-theirs\n/\nend\n");
  unsetenv("TWO");

  const auto large = run_process(shell("head -c 3000000 /dev/zero | tr '\\0' x"));
  CHECK(large.output.size() == 3000000);
  auto limited = shell("head -c 3000000 /dev/zero | tr '\\0' x");
  limited.most = 1000;
  CHECK(run_process(limited).output.size() == 1000);

  auto quiet = shell("echo lost");
  quiet.output = Command::Output::discard;
  CHECK(run_process(quiet).output.empty());
}

TEST_CASE("a program that cannot be started, or dies") {
  Command nothing;
  CHECK(run_process(nothing).status == 127);
  Command missing;
  missing.arguments = {"/nowhere/program"};
  const auto f = run_process(missing);
  CHECK(f.status == 127);
  CHECK(what_happened(f) == "could not be started: No such file or directory");
  auto nowhere = shell("true");
  nowhere.folder = "/nowhere";
  CHECK(run_process(nowhere).error == "No such file or directory");
  const auto killed = run_process(shell("kill -SEGV $$"));
  CHECK(killed.status == 128 + SIGSEGV);
  CHECK(what_happened(killed) == "killed by signal 11 (Segmentation fault)");
}

TEST_CASE("a time limit ends all that a program started") {
  auto command = shell("echo begun; sleep 50 & echo $!; sleep 50");
  command.seconds = 0.2;
  const auto f = run_process(command);
  CHECK(f.timed_out);
  CHECK(f.seconds < 5);
  CHECK(f.output.substr(0, 6) == "begun\n");
  CHECK(what_happened(f).substr(0, 14) == "stopped after ");
  const int grandchild = std::stoi(f.output.substr(6));
  bool gone = false;
  for (int i = 0; i < 100 && !gone; ++i) {
    gone = kill(grandchild, 0) != 0;
    if (!gone) {  // where nobody collects orphans it stays as a zombie
      gone = run_process(shell("ps -o stat= -p " + std::to_string(grandchild) + " | grep -q Z")).ok();
      usleep(20000);
    }
  }
  CHECK(gone);

  auto stubborn = shell("trap '' TERM; while :; do sleep 0.05; done");
  stubborn.seconds = 0.1;
  CHECK(run_process(stubborn).timed_out);

  auto enough = shell("sleep 0.05; echo done");
  enough.seconds = 60;
  CHECK(run_process(enough).output == "done\n");
  // A daemon that keeps the output open is not waited for.
  CHECK(run_process(shell("sleep 3 & echo done")).seconds < 2.5);
}

TEST_CASE("Ctrl-C ends the program and is told") {
  std::thread later([] {
    usleep(200000);
    kill(getpid(), SIGINT);
  });
  const auto f = run_process(shell("sleep 20; echo never"));
  later.join();
  CHECK(f.interrupted);
  CHECK(f.status == 128 + SIGINT);
  CHECK(f.seconds < 10);
  CHECK(what_happened(f) == "interrupted");
  CHECK(run_process(shell("echo again")).output == "again\n");
}

TEST_CASE("several programs at once") {
  std::vector<std::string> outputs(8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([i, &outputs] {
      outputs[static_cast<std::size_t>(i)] = run_process(shell("sleep 0.1; echo " + std::to_string(i))).output;
    });
  for (auto& t : threads) t.join();
  for (int i = 0; i < 8; ++i) CHECK(outputs[static_cast<std::size_t>(i)] == std::to_string(i) + "\n");
}
