// protocol.cpp -- lines of JSON between the kernel and its worker (protocol.h).
#include "protocol.h"

#include <cstdio>
#include <iostream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kernel {
namespace {

int in_fd = -1, out_fd = -1;
int printed[3] = {-1, -1, -1};  // where stdout and stderr go
std::string buffered;

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the kernel is gone; the next read will end us
    data += n, size -= static_cast<std::size_t>(n);
  }
}

bool same_file(int a, int b) {
  struct stat of_a{}, of_b{};
  return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

}  // namespace

void open_channels(int in, int out) {
  // High numbers, closed in programs that a cell starts.
  in_fd = ::fcntl(in, F_DUPFD_CLOEXEC, 200);
  out_fd = ::fcntl(out, F_DUPFD_CLOEXEC, 200);
  ::close(in);
  ::close(out);
  for (int fd : {1, 2}) printed[fd] = ::fcntl(fd, F_DUPFD_CLOEXEC, 200);
  static char buffer[1 << 16];
  std::setvbuf(stdout, buffer, _IOLBF, sizeof buffer);  // a line is seen when it is written, and not lost in a crash
}

bool receive(llvm::json::Object& request) {
  for (;;) {
    for (std::size_t end; (end = buffered.find('\n')) != std::string::npos;) {
      auto parsed = llvm::json::parse(llvm::StringRef(buffered).take_front(end));
      buffered.erase(0, end + 1);
      if (!parsed) {
        llvm::consumeError(parsed.takeError());
        continue;
      }
      if (auto* object = parsed->getAsObject()) {
        request = std::move(*object);
        return true;
      }
    }
    char chunk[1 << 16];
    const ssize_t n = ::read(in_fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    buffered.append(chunk, static_cast<std::size_t>(n));
  }
}

void send(llvm::json::Object message) {
  std::string line;
  llvm::raw_string_ostream out(line);
  out << llvm::json::Value(std::move(message));
  out.flush();
  line += '\n';
  write_all(out_fd, line.data(), line.size());
}

void mark_end_of_output() {
  static const char mark[] = "\x1b]ctnb;end\x07";
  std::cout.flush();
  std::fflush(stdout);
  std::fflush(stderr);
  for (int fd : {1, 2}) {
    if (!same_file(fd, printed[fd])) ::dup2(printed[fd], fd);  // the cell closed it, or sent it elsewhere
    write_all(printed[fd], mark, sizeof mark - 1);
  }
}

std::string utf8(const std::string& text) { return llvm::json::isUTF8(text) ? text : llvm::json::fixUTF8(text); }

}  // namespace kernel
