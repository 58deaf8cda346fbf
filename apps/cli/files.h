// cli/files.h -- whole files: read at once, written so that a crash leaves the old or the new one, never half of one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cli {

/// None if it cannot be read; errno says why.
std::optional<std::string> read_file(const std::string& path);

/// Writes a new file beside `path`, waits until it is on the disk, and puts it in its place. The caller sees to it that no other
/// program writes the same path at the same time. Returns what went wrong, or nothing.
std::string write_file(const std::string& path, const std::string& text);

/// 16 hexadecimal digits that tell one text from another.
std::string hash_of(std::string_view text);

/// A lock between programs, held until it goes out of scope. A file system without locks counts as one that gave it.
class FileLock {
 public:
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  const std::string& problem() const { return problem_; }  // empty: it is ours

 private:
  int fd_ = -1;
  std::string problem_;
};

}  // namespace cli
