// io/sink.h -- where bytes go: a file that is replaced as a whole or not at all, a stream, memory.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/callable.h"

namespace ct::io {

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink();
  void write(const void* data, std::size_t n) {
    if (n) put(static_cast<const char*>(data), n);
    position_ += n;
  }
  void write(std::string_view s) { write(s.data(), s.size()); }
  template <class T>
  void write_le(T v) { write(&v, sizeof v); }
  // Bytes so far.
  std::uint64_t position() const { return position_; }

 private:
  virtual void put(const char* data, std::size_t n) = 0;
  std::uint64_t position_ = 0;
};

// Lets `content` write a file. All goes to a temporary file in the same folder, which takes the place of `path` when it is
// complete and on the disk; whatever goes wrong before, the file that was there is untouched and nothing is left behind.
// Through a symbolic link the file it leads to is replaced; a device or a pipe is written to directly.
// Errors: IoError with the system's reason.
void write_file(const char* op, const std::string& path, FunctionRef<void(Sink&)> content);
// Errors: IoError if the stream fails.
void write_stream(const char* op, std::ostream& out, FunctionRef<void(Sink&)> content);
std::vector<char> write_memory(FunctionRef<void(Sink&)> content);

}  // namespace ct::io
