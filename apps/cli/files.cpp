// cli/files.cpp -- reading, writing and locking files.
#include "files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace cli {
namespace {

std::string because(const std::string& path) { return path + ": " + std::strerror(errno); }

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char block[1 << 14];
  ssize_t n;
  while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) text.append(block, static_cast<std::size_t>(n));
  const int error = errno;
  close(fd);
  errno = error;
  if (n < 0) return std::nullopt;
  return text;
}

std::string write_file(const std::string& path, const std::string& text) {
  // A link to the file stays a link: what it points to is replaced.
  std::string place = path;
  char resolved[PATH_MAX];
  struct stat old {};
  const bool replaces = stat(path.c_str(), &old) == 0;
  if (replaces && realpath(path.c_str(), resolved)) place = resolved;
  // Every write uses the same name, so that what a crash leaves behind is overwritten by the next.
  const std::string fresh = place + ".part";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, replaces ? old.st_mode & 0777 : 0666);
  if (fd < 0) return because(fresh);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const std::string problem = because(fresh);
      close(fd);
      unlink(fresh.c_str());
      return problem;
    }
    done += static_cast<std::size_t>(n);
  }
  // Before the rename, or a power cut could leave the new name on an empty file.
  const bool kept = fsync(fd) == 0 || errno == EINVAL;
  const bool closed = close(fd) == 0;
  if (!kept || !closed || rename(fresh.c_str(), place.c_str()) != 0) {
    const std::string problem = because(place);
    unlink(fresh.c_str());
    return problem;
  }
  const std::size_t slash = place.rfind('/');
  const int folder = open(slash == place.npos ? "." : place.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
  return "";
}

std::string hash_of(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;  // FNV-1a
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(h));
  return digits;
}

FileLock::FileLock(const std::string& path) {
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    problem_ = because(path);
    return;
  }
  // Others hold it for milliseconds; one that was stopped while it did must not stop us for ever.
  for (int tries = 0; flock(fd_, LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return;
    if (tries == 1000) {
      problem_ = path + ": another program holds it for more than ten seconds";
      return;
    }
    usleep(10'000);
  }
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace cli
