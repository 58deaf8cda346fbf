// tests/pictures.h -- folders for pictures, and their bytes.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/process.h"

namespace fs = std::filesystem;

// A folder for one test, gone afterwards.
struct Folder {
  fs::path path;
  Folder() {
    static int n = 0;
    path = fs::temp_directory_path() / ("ct-pictures-" + std::to_string(::getpid()) + "-" + std::to_string(n++));
    fs::create_directory(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
  int files() const { return static_cast<int>(std::distance(fs::directory_iterator(path), fs::directory_iterator{})); }
};

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline bool have_dot() { return ct::detail::run_process({"dot", "-V"}, "", 10).found; }
inline bool have_gnuplot() { return ct::detail::run_process({"gnuplot", "--version"}, "", 10).found; }
