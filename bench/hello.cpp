// hello.cpp -- the rows about building and starting a small program.
#include <fcntl.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "bench.h"

namespace bench {

namespace {

namespace fs = std::filesystem;

// Starts a program (no shell) with its output thrown away, and waits for it; seconds. Throws if it fails. posix_spawn,
// because a fork would copy the page tables of this large process into the measurement.
double run(const std::vector<std::string>& command) {
  std::vector<char*> args;
  for (const std::string& a : command) args.push_back(const_cast<char*>(a.c_str()));
  args.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  const double start = now();
  pid_t child = 0;
  const int failed = posix_spawnp(&child, args[0], &actions, nullptr, args.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (!failed) waitpid(child, &status, 0);
  if (failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed: " + command[0]);
  return now() - start;
}

// The most memory that a program had resident, read from the kernel when it is about to exit. (ru_maxrss would count
// this process's own memory, from which the child was split off.)
double peak_mb(const std::string& program) {
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    if (!std::freopen("/dev/null", "w", stdout)) _exit(126);
    execl(program.c_str(), program.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  double kb = 0;
  int status = 0;
  waitpid(child, &status, 0);  // stopped at exec
  ptrace(PTRACE_SETOPTIONS, child, nullptr, reinterpret_cast<void*>(PTRACE_O_TRACEEXIT));
  for (long signal = 0;;) {
    ptrace(PTRACE_CONT, child, nullptr, reinterpret_cast<void*>(signal));
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) break;
    signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    std::ifstream info("/proc/" + std::to_string(child) + "/status");
    for (std::string line; std::getline(info, line);)
      if (line.rfind("VmHWM:", 0) == 0) kb = std::stod(line.substr(6));
  }
  return kb / 1000;
}

template <class F>
auto best_of(int n, F f) {
  auto best = f();
  for (int i = 1; i < n; ++i) {
    auto r = f();
    if (r < best) best = r;
  }
  return best;
}

struct TemporaryFolder {
  fs::path path;
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "ct_bench_XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a temporary folder");
    path = name;
  }
  ~TemporaryFolder() { fs::remove_all(path); }
};

double folder_mb(const fs::path& folder) {
  double bytes = 0;
  for (const auto& e : fs::recursive_directory_iterator(folder))
    if (e.is_regular_file() && !e.is_symlink()) bytes += static_cast<double>(e.file_size());
  return bytes / 1e6;
}

// Sizes of all shared objects that a program loads, except the C and C++ run time that every program has.
double loaded_mb(const fs::path& program) {
  double bytes = 0;
  std::FILE* ldd = popen(("ldd '" + program.string() + "'").c_str(), "r");
  if (!ldd) return 0;
  std::array<char, 4096> line;
  while (std::fgets(line.data(), line.size(), ldd)) {
    const std::string text = line.data();
    const auto arrow = text.find("=> /");
    if (arrow == std::string::npos) continue;
    const std::string path = text.substr(arrow + 3, text.find(" (", arrow) - arrow - 3);
    const std::string name = fs::path(path).filename().string();
    bool base = false;
    for (const char* run_time : {"libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux"})
      base |= name.rfind(run_time, 0) == 0;
    if (!base) bytes += static_cast<double>(fs::file_size(fs::canonical(path)));
  }
  pclose(ldd);
  return bytes / 1e6;
}

// Writes the source, then measures compiling (best of some), starting and running it (best of some).
Hello measure(const fs::path& folder, const std::string& source, std::vector<std::string> compile_flags, std::vector<std::string> link_flags, int compiles) {
  std::ofstream(folder / "hello.cpp") << source;
  std::vector<std::string> compile{CT_CXX_COMPILER, "-std=c++20", "-O0", "-c", (folder / "hello.cpp").string(), "-o", (folder / "hello.o").string()};
  compile.insert(compile.end(), compile_flags.begin(), compile_flags.end());
  Hello h;
  h.compile_seconds = best_of(compiles, [&] { return run(compile); });
  std::vector<std::string> link{CT_CXX_COMPILER, (folder / "hello.o").string(), "-o", (folder / "hello").string()};
  link.insert(link.end(), link_flags.begin(), link_flags.end());
  run(link);
  h.start_ms = 1000 * best_of(20, [&] { return run({(folder / "hello").string()}); });
  h.rss_mb = peak_mb((folder / "hello").string());
  return h;
}

Hello measure_ct() {
  TemporaryFolder folder;
  const fs::path library = CT_LIBRARY;
  Hello h = measure(folder.path,
                    "#include <cotangent/cotangent.h>\n#include <iostream>\n"
                    "int main() {\n  auto x = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());\n  auto y = (x * x).sum();\n"
                    "  y.backward();\n  std::cout << x.grad() << \"\\n\";\n}\n",
                    {"-I" CT_SOURCE_DIR "/include"}, {library.string(), "-Wl,-rpath," + library.parent_path().string()}, 5);
  run({CT_CMAKE_COMMAND, "--install", CT_BINARY_DIR, "--prefix", (folder.path / "installed").string(), "--strip"});
  h.library_mb = folder_mb(folder.path / "installed");
  return h;
}

Hello measure_libtorch() {
  TemporaryFolder folder;
  Hello h = measure(folder.path,
                    "#include <torch/torch.h>\n#include <iostream>\n"
                    "int main() {\n  auto x = torch::tensor({1.0, 2.0, 3.0}, torch::requires_grad());\n  auto y = (x * x).sum();\n"
                    "  y.backward();\n  std::cout << x.grad() << \"\\n\";\n}\n",
                    {"-I/usr/include/torch/csrc/api/include"}, {"-ltorch", "-ltorch_cpu", "-lc10"}, 1);
  h.library_mb = loaded_mb(folder.path / "hello");
  return h;
}

}  // namespace

const Hello& ct_hello() {
  static const Hello h = measure_ct();
  return h;
}
const Hello& libtorch_hello() {
  static const Hello h = measure_libtorch();
  return h;
}

}  // namespace bench
