// io/source.cpp -- files, streams and memory to read from.
#include "io/source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <istream>

namespace ct::io {

Source::~Source() = default;

void Source::fail(std::initializer_list<ct::detail::MsgPart> parts) const {
  CT_THROW(io, op_, ": '", shown(name_), "': ", ct::detail::join(parts));
}
void Source::fail(std::uint64_t at, std::initializer_list<ct::detail::MsgPart> parts) const {
  CT_THROW(io, op_, ": '", shown(name_), "', byte ", std::to_string(at), ": ", ct::detail::join(parts));
}
void Source::expect(std::uint64_t at, std::uint64_t n) const {
  if (at > size_ || n > size_ - at)
    fail(at, {"the file is cut off or damaged: ", std::to_string(n), " bytes should be here, but it has ", std::to_string(size_), " bytes in all"});
}
void Source::read(std::uint64_t at, void* to, std::uint64_t n) const {
  expect(at, n);
  if (n) read_at(at, to, n);
}

namespace {

class Memory final : public Source {
 public:
  Memory(const char* op, std::string name, const void* data, std::size_t size) : Source(op, std::move(name)), data_(static_cast<const char*>(data)) { size_ = size; }
  Memory(const char* op, std::string name, std::string owned) : Source(op, std::move(name)), owned_(std::move(owned)), data_(owned_.data()) { size_ = owned_.size(); }

 private:
  void read_at(std::uint64_t at, void* to, std::uint64_t n) const override { std::memcpy(to, data_ + at, n); }
  std::string owned_;
  const char* data_;
};

class File final : public Source {
 public:
  File(const char* op, const std::string& path, int fd, std::uint64_t size) : Source(op, path), fd_(fd) { size_ = size; }
  ~File() override { ::close(fd_); }

  std::shared_ptr<char> map() const override {
    if (size() == 0) return nullptr;
    const std::size_t n = size();
    void* p = ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd_, 0);
    if (p == MAP_FAILED) fail({"cannot be mapped into memory: ", std::strerror(errno)});
    return {static_cast<char*>(p), [n](char* q) { ::munmap(q, n); }};
  }

 private:
  void read_at(std::uint64_t at, void* to, std::uint64_t n) const override {
    char* out = static_cast<char*>(to);
    while (n > 0) {
      const ssize_t got = ::pread(fd_, out, std::min<std::uint64_t>(n, 1u << 30), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(at, {"cannot be read: ", std::strerror(errno)});
      if (got == 0) fail(at, {"the file became shorter while it was read"});
      out += got;
      at += static_cast<std::uint64_t>(got);
      n -= static_cast<std::uint64_t>(got);
    }
  }
  int fd_;
};

}  // namespace

std::unique_ptr<Source> open_file(const char* op, const std::string& path) {
  CT_CHECK_VALUE(path.find('\0') == std::string::npos, op, ": the file name has a zero byte");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) CT_THROW(io, op, ": cannot read '", path, "': ", std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return std::make_unique<File>(op, path, fd, static_cast<std::uint64_t>(info.st_size));
  std::string content;
  int error = S_ISDIR(info.st_mode) ? EISDIR : 0;
  char buffer[65536];
  try {
    while (!error) {
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n > 0) content.append(buffer, static_cast<std::size_t>(n));
      else if (n == 0) break;
      else if (errno != EINTR) error = errno;
    }
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  if (error) CT_THROW(io, op, ": cannot read '", path, "': ", std::strerror(error));
  return std::make_unique<Memory>(op, path, std::move(content));
}

std::unique_ptr<Source> open_stream(const char* op, std::istream& in) {
  std::string content;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer), in.gcount() > 0) content.append(buffer, static_cast<std::size_t>(in.gcount()));
  if (in.bad()) CT_THROW(io, op, ": the stream could not be read");
  return std::make_unique<Memory>(op, "<stream>", std::move(content));
}
std::unique_ptr<Source> open_memory(const char* op, const void* data, std::size_t size) { return std::make_unique<Memory>(op, "<memory>", data, size); }

std::string shown(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 100)) {
    if (static_cast<unsigned char>(c) >= 32 && c != 127) out += c;
    else out += '?';
  }
  if (name.size() > 100) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();  // not within a character
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "..";
  }
  return out;
}

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const unsigned c = static_cast<unsigned char>(s[i]);
    const std::size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (n == 0 || n > s.size() - i) return false;
    unsigned code = n == 1 ? c : c & (0x7Fu >> n);
    for (std::size_t k = 1; k < n; ++k) {
      const unsigned d = static_cast<unsigned char>(s[i + k]);
      if ((d & 0xC0) != 0x80) return false;
      code = code << 6 | (d & 0x3F);
    }
    if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10FFFF)) || (code >= 0xD800 && code < 0xE000)) return false;
    i += n;
  }
  return true;
}

}  // namespace ct::io
