// cli/process.cpp -- runs another program: arguments, environment, captured output, a time limit, Ctrl-C.
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>

extern char** environ;

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

// --- Signals: a program that may not read the terminal has a process group of its own, so that a time limit ends all that it
// started. The terminal's Ctrl-C then reaches only us, and we hand it on.

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr std::size_t kMost = 16;
std::atomic<pid_t> targets[kMost];  // as kill() takes them: minus a group, or a program that shares ours
std::atomic<int> received{0}, interrupts{0};

void hand_on(int signal) {
  received = signal;
  const bool again = ++interrupts > 1;  // whoever presses twice means it
  for (auto& place : targets) {
    const pid_t target = place;
    if (target < 0 || (target > 0 && signal != SIGINT)) kill(target, again ? SIGKILL : signal);
  }
}

std::mutex mutex;
int running = 0;
struct sigaction before[std::size(kSignals)];

class Signals {
 public:
  Signals() {
    const std::lock_guard<std::mutex> guard(mutex);
    if (running++ > 0) return;
    received = interrupts = 0;
    struct sigaction action {};
    action.sa_handler = hand_on;
    for (std::size_t i = 0; i < std::size(kSignals); ++i) {
      sigaction(kSignals[i], nullptr, &before[i]);
      // What is ignored (nohup) stays ignored.
      if (before[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
    }
  }
  ~Signals() {
    const std::lock_guard<std::mutex> guard(mutex);
    if (--running > 0) return;
    for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before[i], nullptr);
    if (const int signal = received; signal != 0 && signal != SIGINT) raise(signal);  // we were to end as well
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
};

std::atomic<pid_t>* remember(pid_t target) {
  for (auto& place : targets) {
    pid_t none = 0;
    if (place.compare_exchange_strong(none, target)) return &place;
  }
  return nullptr;
}

// --- Starting -----------------------------------------------------------------------------------------------------------------

// "NAME=value" of our own variables and those of the command, which win.
std::vector<std::string> environment(const Command& command) {
  std::vector<std::string> all;
  for (char** e = environ; *e; ++e) {
    const std::string_view entry = *e;
    const auto same = [&](const auto& set) {
      return entry.starts_with(set.first) && entry.substr(set.first.size()).starts_with('=');
    };
    if (std::none_of(command.environment.begin(), command.environment.end(), same)) all.emplace_back(entry);
  }
  for (const auto& [name, value] : command.environment) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Pipe {
  int read = -1, write = -1;
  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0], write = ends[1];
    return true;
  }
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  ~Pipe() { close(read), close(write); }
};

// In the child, between fork and exec: system calls only.
[[noreturn]] void become(const Command& command, char** arguments, char** variables, int output, int failed) {
  if (!command.input) setpgid(0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN || command.input) {
      action.sa_handler = SIG_DFL;
      sigaction(signal, &action, nullptr);
    }
  }
  if (!command.input) {
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    if (null > STDERR_FILENO) close(null);
  }
  if (output >= 0) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
  }
  if (command.folder.empty() || chdir(command.folder.c_str()) == 0) {
    environ = variables;
    execvp(arguments[0], arguments);
  }
  const int error = errno;
  if (write(failed, &error, sizeof error) < 0) _exit(126);
  _exit(127);
}

void read_some(int from, std::string& to, std::size_t most, bool& end) {
  char buffer[1 << 16];
  const ssize_t n = read(from, buffer, sizeof buffer);
  if (n > 0) to.append(buffer, std::min(static_cast<std::size_t>(n), most - std::min(most, to.size())));
  else if (n == 0 || (errno != EINTR && errno != EAGAIN)) end = true;
}

}  // namespace

Finished run_process(const Command& command) {
  Finished out;
  out.status = 127;
  if (command.arguments.empty()) return out.error = "no program", out;
  const auto words = command.arguments, variables = environment(command);
  auto argv = pointers(words), envp = pointers(variables);
  Pipe text, failure;
  int output = -1, null = -1;
  if (!failure.open() || (command.output == Command::Output::capture && !text.open()))
    return out.error = std::strerror(errno), out;
  if (command.output == Command::Output::capture) output = text.write;
  if (command.output == Command::Output::discard) output = null = open("/dev/null", O_WRONLY | O_CLOEXEC);

  const Signals signals;
  std::fflush(nullptr);
  const auto start = Clock::now();
  const pid_t child = fork();
  if (child < 0) {
    if (null >= 0) close(null);
    return out.error = std::strerror(errno), out;
  }
  if (child == 0) become(command, argv.data(), envp.data(), output, failure.write);
  if (!command.input) setpgid(child, child);  // here too, since we may be first
  std::atomic<pid_t>* const place = remember(command.input ? child : -child);
  Pipe::close(text.write);
  Pipe::close(failure.write);
  if (null >= 0) close(null);

  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const auto end_all = [&](int signal) { kill(command.input ? child : -child, signal); };
  int status = 0, error = 0;
  while (read(failure.read, &error, sizeof error) < 0 && errno == EINTR) {}  // ends at exec
  bool closed = text.read < 0, terminated = false;
  for (double pause = 0.5;; pause = std::min(pause * 1.5, 20.0)) {  // milliseconds
    if (!closed) {
      pollfd p{text.read, POLLIN, 0};
      if (poll(&p, 1, 50) > 0) read_some(text.read, out.output, command.most, closed);
    }
    // Without output and without a limit there is nothing to do but to wait.
    const bool wait = closed && command.seconds <= 0;
    const pid_t ended = waitpid(child, &status, wait ? 0 : WNOHANG);
    if (ended == child) break;
    if (command.seconds > 0 && elapsed() > command.seconds + (terminated ? 0.5 : 0)) {
      end_all(out.timed_out ? SIGKILL : SIGTERM);
      terminated = out.timed_out = true;
    }
    if (closed && !wait) {
      const timespec nap{0, static_cast<long>(pause * 1e6)};
      nanosleep(&nap, nullptr);
    }
  }
  out.seconds = elapsed();
  // What was written before the end is read; a grandchild that keeps the pipe open is not waited for.
  while (!closed) {
    pollfd p{text.read, POLLIN, 0};
    if (poll(&p, 1, 0) <= 0) break;
    read_some(text.read, out.output, command.most, closed);
  }
  if (out.timed_out && !command.input) kill(-child, SIGKILL);
  if (place) *place = 0;
  out.interrupted = interrupts > 0;
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (error != 0) out.error = std::strerror(error);
  return out;
}

std::string what_happened(const Finished& f) {
  char text[64];
  if (!f.error.empty()) return "could not be started: " + f.error;
  if (f.interrupted) return "interrupted";
  std::snprintf(text, sizeof text, "stopped after %.3g s", f.seconds);
  if (f.timed_out) return text;
  if (f.status > 128 && f.status < 128 + 65)
    return "killed by signal " + std::to_string(f.status - 128) + " (" + strsignal(f.status - 128) + ")";
  return f.status == 0 ? "" : "exit status " + std::to_string(f.status);
}

}  // namespace cli
