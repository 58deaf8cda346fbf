// core/process.cpp -- posix_spawn with three pipes, served together so that no side can block the other.
#include "core/process.h"

#include <cerrno>
#include <cstring>

#if !defined(__EMSCRIPTEN__) && !defined(_WIN32)
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

namespace ct::detail {

namespace {

struct Fd {
  int fd = -1;
  Fd() = default;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

// Two connected ends that no other child inherits. Sockets, because send() can be told not to raise SIGPIPE.
bool connect_pair(Fd& ours, Fd& theirs) {
  int ends[2];
#ifdef SOCK_CLOEXEC
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
#else
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
  for (int e : ends) ::fcntl(e, F_SETFD, FD_CLOEXEC);
#endif
#ifdef SO_NOSIGPIPE
  int on = 1;
  ::setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  ours.fd = ends[0];
  theirs.fd = ends[1];
  ::fcntl(ours.fd, F_SETFL, ::fcntl(ours.fd, F_GETFL) | O_NONBLOCK);
  return true;
}

#ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#else
constexpr int send_flags = 0;
#endif

// The environment, but with the language of messages and numbers fixed.
std::vector<std::string> plain_environment() {
  std::vector<std::string> out;
  for (char** e = environ; e && *e; ++e) {
    const std::string entry = *e;
    if (entry.rfind("LC_", 0) == 0 || entry.rfind("LANG", 0) == 0 || entry.rfind("GNUTERM=", 0) == 0) continue;
    out.push_back(entry);
  }
  out.push_back("LC_ALL=C.UTF-8");
  return out;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Reads what is there; closes at the end of the stream.
void receive(Fd& from, std::string& into) {
  char buffer[65536];
  const ssize_t n = ::read(from.fd, buffer, sizeof buffer);
  if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
  else if (n == 0 || (errno != EAGAIN && errno != EINTR)) from.close();
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, const std::string& input, int seconds) {
  ProcessResult result;
  Fd in, out, err, child_in, child_out, child_err;
  if (!connect_pair(in, child_in) || !connect_pair(out, child_out) || !connect_pair(err, child_err)) {
    result.error = errno;
    return result;
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, child_in.fd, 0);
  ::posix_spawn_file_actions_adddup2(&actions, child_out.fd, 1);
  ::posix_spawn_file_actions_adddup2(&actions, child_err.fd, 2);
  const std::vector<std::string> environment = plain_environment();
  pid_t pid = -1;
  const int spawned = ::posix_spawnp(&pid, argv[0].c_str(), &actions, nullptr, pointers(argv).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (spawned != 0) {
    result.found = spawned != ENOENT;
    result.error = spawned;
    return result;
  }
  child_in.close();
  child_out.close();
  child_err.close();

  const double deadline = now() + seconds;
  std::size_t sent = 0;
  while (out.fd >= 0 || err.fd >= 0) {
    if (in.fd >= 0 && sent == input.size()) in.close();
    pollfd polled[3] = {{in.fd, POLLOUT, 0}, {out.fd, POLLIN, 0}, {err.fd, POLLIN, 0}};  // poll skips negative fds
    const double left = deadline - now();
    if (left <= 0) {
      result.timed_out = true;
      ::kill(pid, SIGKILL);
      break;
    }
    if (::poll(polled, 3, static_cast<int>(left * 1000) + 1) < 0 && errno != EINTR) break;
    if (polled[0].revents) {
      const ssize_t n = ::send(in.fd, input.data() + sent, input.size() - sent, send_flags);
      if (n > 0) sent += static_cast<std::size_t>(n);
      else if (errno != EAGAIN && errno != EINTR) in.close();  // it has ended early: its stderr says why
    }
    if (polled[1].revents) receive(out, result.out);
    if (polled[2].revents) receive(err, result.err);
  }
  in.close();
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace ct::detail

#else

namespace ct::detail {

ProcessResult run_process(const std::vector<std::string>&, const std::string&, int) {
  ProcessResult result;
  result.found = false;
  result.error = ENOSYS;
  return result;
}

}  // namespace ct::detail

#endif
