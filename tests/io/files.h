// tests/io/files.h -- what the tests of files share: a folder, raw bytes, Python, damage done on purpose.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/memory.h"

namespace test_io {

// A folder that is gone at the end.
struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/ct-test-XXXXXX";
    const char* made = ::mkdtemp(name);
    REQUIRE(made != nullptr);
    path = made;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& file) const { return path + "/" + file; }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator())); }
};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline void put(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

// Runs Debian's Python in the folder; what it printed, or with what it failed.
inline std::string python(const Folder& folder, const std::string& code) {
  put(folder / "script.py", code);
  const std::string command = "cd " + folder.path + " && LD_PRELOAD= /usr/bin/python3 script.py > out.txt 2>&1";
  const int status = std::system(command.c_str());
  std::string out = bytes_of(folder / "out.txt");
  std::filesystem::remove(folder / "out.txt");
  std::filesystem::remove(folder / "script.py");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "python failed: " + out;
  return out;
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const ct::IoError& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another error: ") + e.what();
  }
  return "no error";
}
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The same elements, sizes and dtype.
inline bool same(const ct::Tensor& a, const ct::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const ct::Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  return x.nbytes() == 0 || std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

// One tensor of each dtype.
inline std::vector<std::pair<std::string, ct::Tensor>> of_each_dtype() {
  std::vector<std::pair<std::string, ct::Tensor>> out;
  const ct::Tensor x = ct::tensor({{0.0, 1.0, -2.5}, {100.0, 0.125, 7.0}}, ct::kDouble);
#define CT_X(name, type, py, bytes) out.emplace_back(py, (ct::ScalarType::name == ct::kByte || ct::ScalarType::name == ct::kBool ? x.abs() : x).to(ct::ScalarType::name));
  CT_FORALL_DTYPES(CT_X)
#undef CT_X
  return out;
}

// The largest piece of memory, and the most in all, that this thread's C++ code and all tensors took while it lived, in bytes.
// Zero under the address sanitizer.
class MemoryUse {
 public:
  MemoryUse();
  ~MemoryUse();
  std::int64_t most() const;

 private:
  std::int64_t tensors_;
};

// Calls load(bytes) with every beginning of a file, each bit of each byte changed (of long files: of some bytes), and bytes
// put in and taken out. It may succeed (another element is another element) or throw IoError; it must not take memory that
// the file cannot fill. `factor` is what a byte of the file may cost.
template <class Load>
void damage(const std::string& file, Load&& load, std::int64_t factor = 8) {
  const auto attempt = [&](const std::string& bytes, const std::string& what) {
    const MemoryUse use;
    try {
      load(bytes);
    } catch (const ct::IoError& e) {
      if (std::string(e.what()).empty()) FAIL("an error without a text for " << what);
    } catch (const std::exception& e) {
      FAIL("another error for " << what << ": " << e.what());
    }
    const std::int64_t most = use.most(), allowed = (1 << 20) + factor * static_cast<std::int64_t>(bytes.size());
    if (most > allowed) FAIL(what << " took " << most << " bytes, for a file of " << bytes.size());
  };
  const std::size_t n = file.size(), step = n > 3000 ? n / 1500 : 1;
  for (std::size_t i = 0; i < n; i += step) attempt(file.substr(0, i), "the first " + std::to_string(i) + " bytes");
  for (std::size_t i = 0; i < n; i += step)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      attempt(changed, "byte " + std::to_string(i) + ", bit " + std::to_string(bit));
    }
  for (std::size_t i = 0; i < n; i += step)
    for (const char c : {'\x00', '\xff', '9', '[', '{', '('}) {
      std::string changed = file;
      changed[i] = c;
      attempt(changed, "byte " + std::to_string(i) + " set to " + std::to_string(c));
    }
  std::uint64_t seed = 12345;
  const auto draw = [&](std::size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>((seed >> 33) % below);
  };
  for (int k = 0; k < 500; ++k) {
    std::string changed = file;
    for (std::size_t m = 1 + draw(4); m-- > 0 && !changed.empty();) {
      const std::size_t at = draw(changed.size());
      switch (draw(3)) {
        case 0: changed.erase(at, 1 + draw(8)); break;
        case 1: changed.insert(at, 1 + draw(8), static_cast<char>(draw(256))); break;
        default: changed[at] = static_cast<char>(draw(256));
      }
    }
    attempt(changed, "random change " + std::to_string(k));
  }
}

}  // namespace test_io
