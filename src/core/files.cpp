// core/files.cpp -- temporary files beside the targets, renamed once every byte is on its way to the disk.
#include "core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cotangent/error.h"

namespace ct::detail {

namespace {

[[noreturn]] void fail(const char* who, const std::string& path, int error) {
  CT_THROW(io, who, ": cannot write '", path, "': ", std::strerror(error));
}

// Returns 0 or errno.
int write_all(int fd, const std::string& content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? ENOSPC : errno;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

int write_and_close(int fd, const std::string& content) {
  const int written = write_all(fd, content);
  const int closed = ::close(fd) == 0 || errno == EINTR ? 0 : errno;  // NFS and quotas may report here only
  return written ? written : closed;
}

// Temporary files that vanish unless they have been renamed.
struct Pending {
  struct Entry { std::string temporary, target; };
  std::vector<Entry> entries;
  ~Pending() {
    for (const Entry& e : entries) ::unlink(e.temporary.c_str());
  }
};

std::string temporary_beside(const std::string& target) {
  static std::atomic<unsigned> counter{0};
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : target.substr(0, slash + 1);
  return folder + ".ct-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
}

}  // namespace

void write_files(const char* who, const std::vector<NewFile>& files) {
  Pending pending;
  for (const NewFile& f : files) {
    std::string target = f.path;
    struct stat info {};
    const bool exists = ::stat(target.c_str(), &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) fail(who, f.path, EISDIR);
    if (exists && !S_ISREG(info.st_mode)) {  // a device or a pipe: it must stay what it is
      const int fd = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
      const int error = fd < 0 ? errno : write_and_close(fd, f.content);
      if (error) fail(who, f.path, error);
      continue;
    }
    if (exists) {
      if (::access(target.c_str(), W_OK) != 0) fail(who, f.path, errno);  // rename would replace even a write-protected file
      if (char* real = ::realpath(target.c_str(), nullptr)) {            // write through a symbolic link
        target = real;
        std::free(real);
      }
    }
    const std::string temporary = temporary_beside(target);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) fail(who, f.path, errno);
    pending.entries.push_back({temporary, target});
    if (const int error = write_and_close(fd, f.content)) fail(who, f.path, error);
  }
  while (!pending.entries.empty()) {
    const Pending::Entry e = pending.entries.front();
    if (std::rename(e.temporary.c_str(), e.target.c_str()) != 0) fail(who, e.target, errno);
    pending.entries.erase(pending.entries.begin());
  }
}

}  // namespace ct::detail
