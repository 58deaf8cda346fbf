// io/source.h -- where bytes come from: a file, a stream, memory. Every read is checked against what is really there.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "cotangent/error.h"

namespace ct::io {

// All of the formats are little-endian on disk, and tensors are read straight into memory.
static_assert(std::endian::native == std::endian::little, "files are read and written for little-endian processors only");

class Source {
 public:
  // `op` is the function that the user called, `name` the file's name; both begin every error.
  Source(const char* op, std::string name) : op_(op), name_(std::move(name)) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source();

  const char* op() const { return op_; }
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  // Errors: IoError if the source has fewer than n bytes from `at` on.
  void read(std::uint64_t at, void* to, std::uint64_t n) const;
  // Errors: IoError unless [at, at + n) is within the source. Comes before memory is taken for what a file claims to hold.
  void expect(std::uint64_t at, std::uint64_t n) const;
  // "load_npz: 'x.npz', byte 12: .."
  [[noreturn]] void fail(std::uint64_t at, std::initializer_list<ct::detail::MsgPart> parts) const;
  [[noreturn]] void fail(std::initializer_list<ct::detail::MsgPart> parts) const;
  // The whole of it as private memory of this process, if it is a file that can be mapped: writes stay in memory.
  virtual std::shared_ptr<char> map() const { return nullptr; }

 protected:
  std::uint64_t size_ = 0;

 private:
  virtual void read_at(std::uint64_t at, void* to, std::uint64_t n) const = 0;
  const char* op_;
  std::string name_;
};

// Errors: IoError if the file cannot be read. What is no regular file (a pipe) is read to its end at once.
std::unique_ptr<Source> open_file(const char* op, const std::string& path);
// Reads the stream to its end.
std::unique_ptr<Source> open_stream(const char* op, std::istream& in);
// The memory must outlive the source.
std::unique_ptr<Source> open_memory(const char* op, const void* data, std::size_t size);

template <class T>
T load_le(const void* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
T read_le(const Source& s, std::uint64_t at) {
  char raw[sizeof(T)];
  s.read(at, raw, sizeof raw);
  return load_le<T>(raw);
}

// A name out of a file, for an error: short, and without control characters.
std::string shown(std::string_view name);
bool is_utf8(std::string_view s);

}  // namespace ct::io
