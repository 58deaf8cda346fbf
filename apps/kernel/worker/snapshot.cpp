// snapshot.cpp -- forked copies, and notes that survive the death of a process (snapshot.h).
#include "snapshot.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "jit.h"
#include "lines.h"

namespace kernel {
namespace {

// One page that the live process and its copy share: handlers write here what no dead process can tell.
struct Note {
  volatile int signal, exit_code;
  volatile bool exited, reported, overflow, null_pointer;
  Trace trace;         // where it was
  char uncaught[400];  // what nobody caught, if that ended it
};
Note* note = nullptr;
pid_t worker = 0;  // handlers act in the live process only, not in programs' children that have not started yet
int life_line = -1;  // the end of the pipe that tells the copy of the live process's death

void die_of(int signal, siginfo_t* info, void* context) {
  if (note && ::getpid() == worker) {
    note->signal = signal;
    if (signal == SIGSEGV || signal == SIGBUS) {
      const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
      note->null_pointer = at < 4096;
#if defined(__x86_64__)
      const auto stack = static_cast<std::uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RSP]);
      note->overflow = at + (64 << 10) > stack && at < stack + (64 << 10);
#else
      (void)context;
#endif
    }
  }
  // The beginning of a line that was printed and not ended yet. A second fault in here ends us as well.
  ::alarm(2);
  if (note && ::getpid() == worker) walk_stack(note->trace);
  ::fflush_unlocked(stdout);
  ::_exit(128 + signal);
}

// Says what was thrown where libstdc++ would print it.
[[noreturn]] void die_of_exception() {
  if (note && ::getpid() == worker && std::current_exception()) {
    std::string text;
    try {
      text = demangle(abi::__cxa_current_exception_type()->name());
      throw;
    } catch (const std::exception& e) {
      text += std::string(": ") + e.what();
    } catch (...) {
    }
    std::strncpy(note->uncaught, text.c_str(), sizeof note->uncaught - 1);
  }
  std::abort();
}

}  // namespace

void install_crash_handlers() {
  note = static_cast<Note*>(::mmap(nullptr, sizeof(Note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (note == MAP_FAILED) note = nullptr;
  worker = ::getpid();
  static char alternate[64 << 10];
  stack_t stack{};
  stack.ss_sp = alternate;
  stack.ss_size = sizeof alternate;
  ::sigaltstack(&stack, nullptr);
  // A process that a cell forks must not keep the copy waiting.
  ::pthread_atfork(nullptr, nullptr, [] {
    if (life_line >= 0) ::close(life_line);
    life_line = -1;
  });
  struct sigaction action{};
  action.sa_sigaction = die_of;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  for (int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGTERM, SIGALRM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) ::sigaction(s, &action, nullptr);
  std::set_terminate(die_of_exception);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  std::atexit([] {
    if (note && ::getpid() == worker) note->exited = true;
  });
}

void let_interrupts_through(bool on) {
  struct sigaction action{};
  if (on) {
    action.sa_sigaction = die_of;
    action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  } else {
    action.sa_handler = SIG_IGN;
  }
  ::sigaction(SIGINT, &action, nullptr);
}

void exit_of_cell(int code, bool at_once) {
  if (note && ::getpid() == worker) {
    note->exit_code = code;
    note->exited = true;
  }
  if (!at_once || ::getpid() == worker) std::fflush(nullptr);
  ::_exit(code);
}

void end_process_of_cell() {
  if (::getpid() == worker) return;
  std::fflush(nullptr);
  ::_exit(0);
}

Snapshot::Role Snapshot::take() {
  if (note) std::memset(static_cast<void*>(note), 0, sizeof *note);
  share_objects();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Role::live;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]), ::close(ends[1]);
    return Role::live;
  }
  if (child > 0) {
    ::close(ends[0]);
    life_line = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 200);
    ::close(ends[1]);
    copy_ = child;
    return Role::live;
  }
  ::close(ends[1]);
  char word;
  ssize_t n;
  while ((n = ::read(ends[0], &word, 1)) < 0 && errno == EINTR) {}
  if (n == 1) ::_exit(0);
  ::close(ends[0]);
  copy_ = -1;
  worker = ::getpid();
  return Role::restored;
}

void Snapshot::commit() {
  if (life_line < 0) return;
  while (::write(life_line, "k", 1) < 0 && errno == EINTR) {}
  ::close(life_line);
  life_line = -1;
  while (::waitpid(copy_, nullptr, 0) < 0 && errno == EINTR) {}
}

void Snapshot::roll_back() {
  if (note) note->reported = true;
  std::fflush(nullptr);
  ::_exit(0);
}

bool Snapshot::interrupted() const { return note && note->signal == SIGINT; }

std::string Snapshot::lines() const { return note ? lines_of_the_dead(note->trace) : ""; }

std::string Snapshot::what_happened() const {
  if (!note) return "the process died";
  if (note->reported) return "";
  switch (note->signal) {
    case SIGINT: return "interrupted";
    case SIGABRT:
      if (note->uncaught[0]) return "nobody caught " + std::string(note->uncaught) + " (thrown in a thread, in a destructor, or through noexcept)";
      return "abort() was called (a failed assertion, or damaged memory)";
    case SIGFPE: return "arithmetic error: an integer was divided by zero";
    case SIGILL: return "illegal instruction (a function without return, or unreachable code was reached)";
    case SIGSEGV:
    case SIGBUS:
      return note->overflow       ? "stack overflow: recursion without end, or a very large local array"
             : note->null_pointer ? "segmentation fault: a null pointer was used"
                                  : "segmentation fault: memory was used that is not the program's";
    default: break;
  }
  if (note->signal != 0) return std::string("signal ") + std::to_string(note->signal) + " (" + ::strsignal(note->signal) + ")";
  if (note->exited) return "exit(" + std::to_string(note->exit_code) + ") was called";
  return "the process was ended from outside (perhaps for want of memory)";
}

}  // namespace kernel
