// cli/watch.h -- notices that the learner saved a file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cli {

/// Watches files through their folders, since editors replace files rather than write them. The kernel tells at once; where it
/// does not (network folders), looking every second does.
class Watch {
 public:
  explicit Watch(std::vector<std::string> files);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// To be polled for reading; -1 if the kernel does not help.
  int fd() const { return fd_; }
  /// Indices of the files that were saved since the last call. An editor writes in several goes: once something has changed, this
  /// waits until nothing has for a twentieth of a second.
  std::vector<std::size_t> saved();

 private:
  struct Stamp {
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp& o) const {
      return inode == o.inode && size == o.size && seconds == o.seconds && nanoseconds == o.nanoseconds;
    }
  };
  static Stamp stamp(const std::string& file);
  void add_folders();
  bool drain();  // whether the kernel told of anything

  std::vector<std::string> files_;
  std::vector<Stamp> stamps_;
  int fd_ = -1;
};

}  // namespace cli
