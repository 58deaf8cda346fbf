// io/sink.cpp -- replacing files as a whole, and streams and memory to write to.
#include "io/sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ostream>

#include "cotangent/error.h"

namespace ct::io {

Sink::~Sink() = default;

namespace {

// A file descriptor with a buffer; a temporary file is removed unless keep() was called.
class FileSink final : public Sink {
 public:
  FileSink(const char* op, const std::string& path, int fd, std::string temporary) : op_(op), path_(path), fd_(fd), temporary_(std::move(temporary)) {
    buffer_.reserve(capacity);
  }
  ~FileSink() override {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  void flush() {
    write_all(buffer_.data(), buffer_.size());
    buffer_.clear();
  }
  // The bytes are on the disk afterwards, and the file is closed.
  void finish(bool sync) {
    flush();
    if (sync && ::fsync(fd_) != 0 && errno != EINVAL && errno != ENOSYS) fail(errno);
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0 && errno != EINTR) fail(errno);  // network file systems and quotas may report here only
  }
  void replace(const std::string& target) {
    if (std::rename(temporary_.c_str(), target.c_str()) != 0) fail(errno);
    temporary_.clear();
  }
  [[noreturn]] void fail(int error) const { CT_THROW(io, op_, ": cannot write '", path_, "': ", std::strerror(error)); }

 private:
  static constexpr std::size_t capacity = 1 << 16;
  void put(const char* data, std::size_t n) override {
    if (buffer_.size() + n > capacity) flush();
    if (n >= capacity) write_all(data, n);
    else buffer_.insert(buffer_.end(), data, data + n);
  }
  void write_all(const char* data, std::size_t n) {
    while (n > 0) {
      const ssize_t done = ::write(fd_, data, std::min<std::size_t>(n, 1u << 30));
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) fail(done == 0 ? ENOSPC : errno);
      data += done;
      n -= static_cast<std::size_t>(done);
    }
  }
  const char* op_;
  const std::string& path_;
  int fd_;
  std::string temporary_;
  std::vector<char> buffer_;
};

class StreamSink final : public Sink {
 public:
  StreamSink(const char* op, std::ostream& out) : op_(op), out_(out) {}
  void put(const char* data, std::size_t n) override {
    out_.write(data, static_cast<std::streamsize>(n));
    check();
  }
  void check() const {
    if (!out_) CT_THROW(io, op_, ": the stream could not be written");
  }

 private:
  const char* op_;
  std::ostream& out_;
};

class MemorySink final : public Sink {
 public:
  std::vector<char> bytes;

 private:
  void put(const char* data, std::size_t n) override { bytes.insert(bytes.end(), data, data + n); }
};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

}  // namespace

void write_file(const char* op, const std::string& path, FunctionRef<void(Sink&)> content) {
  const auto fail = [&](int error) { CT_THROW(io, op, ": cannot write '", path, "': ", std::strerror(error)); };
  CT_CHECK_VALUE(path.find('\0') == std::string::npos, op, ": the file name has a zero byte");
  std::string target = path;
  struct stat info {};
  const bool exists = ::stat(target.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) fail(EISDIR);
  if (exists && !S_ISREG(info.st_mode)) {  // a device or a pipe: it must stay what it is
    const int fd = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) fail(errno);
    FileSink sink(op, path, fd, {});
    content(sink);
    return sink.finish(false);
  }
  if (exists) {
    if (::access(target.c_str(), W_OK) != 0) fail(errno);  // renaming would replace even a write-protected file
    if (char* real = ::realpath(target.c_str(), nullptr)) {
      target = real;
      std::free(real);
    }
  }
  static std::atomic<unsigned> counter{0};
  const std::string folder = folder_of(target);
  std::string temporary;
  int fd = -1;
  do {  // a name may be left over from a process that was killed
    temporary = ct::detail::join({folder, ".ct-", static_cast<std::int64_t>(::getpid()), "-", static_cast<std::int64_t>(counter++), ".tmp"});
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EEXIST);
  if (fd < 0) fail(errno);
  FileSink sink(op, path, fd, temporary);
  if (exists && ::fchmod(fd, info.st_mode & 07777) != 0) fail(errno);
  content(sink);
  sink.finish(true);
  sink.replace(target);
  // The rename itself is on the disk once the folder is; a folder that cannot be opened or synced takes care of itself.
  if (const int dir = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); dir >= 0) {
    (void)::fsync(dir);
    ::close(dir);
  }
}

void write_stream(const char* op, std::ostream& out, FunctionRef<void(Sink&)> content) {
  StreamSink sink(op, out);
  sink.check();
  content(sink);
  out.flush();
  sink.check();
}

std::vector<char> write_memory(FunctionRef<void(Sink&)> content) {
  MemorySink sink;
  content(sink);
  return std::move(sink.bytes);
}

}  // namespace ct::io
