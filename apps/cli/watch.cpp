// cli/watch.cpp -- noticing saved files, with inotify.
#include "watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <utility>

namespace cli {

Watch::Watch(std::vector<std::string> files) : files_(std::move(files)), fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  for (const std::string& file : files_) stamps_.push_back(stamp(file));
  add_folders();
}

Watch::~Watch() {
  if (fd_ >= 0) close(fd_);
}

void Watch::add_folders() {
  if (fd_ < 0) return;
  std::set<std::string> folders;
  for (const std::string& file : files_) folders.insert(std::filesystem::path(file).parent_path().string());
  // Adding a folder again changes nothing; one that was made anew is watched from then on.
  for (const std::string& folder : folders) inotify_add_watch(fd_, folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
}

Watch::Stamp Watch::stamp(const std::string& file) {
  struct stat s {};
  if (stat(file.c_str(), &s) != 0) return {};
  return {s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
}

bool Watch::drain() {
  if (fd_ < 0) return false;
  alignas(inotify_event) char buffer[4096];
  bool any = false;
  while (read(fd_, buffer, sizeof buffer) > 0) any = true;
  return any;
}

std::vector<std::size_t> Watch::saved() {
  drain();
  add_folders();
  std::set<std::size_t> changed;
  const auto look = [&] {
    bool more = false;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const Stamp now = stamp(files_[i]);
      if (now == stamps_[i]) continue;
      stamps_[i] = now;
      more = true;
      changed.insert(i);
    }
    return more;
  };
  if (!look()) return {};
  // At most a second, should someone write all the time.
  for (int quiet = 0, all = 0; quiet < 5 && all < 100; ++quiet, ++all) {
    usleep(10'000);
    const bool told = drain();
    if (look() || told) quiet = 0;
  }
  std::vector<std::size_t> out;
  for (const std::size_t i : changed) {
    if (stamps_[i].size >= 0) out.push_back(i);  // a file that went away was not saved
  }
  return out;
}

}  // namespace cli
