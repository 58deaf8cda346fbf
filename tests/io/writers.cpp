// tests/io/writers.cpp -- a file is replaced as a whole or not at all.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "cotangent/io.h"
#include "io/files.h"

using namespace test_io;
using ct::load_npy;
using ct::save_npy;
using ct::Tensor;

namespace {

// No file may become larger than this while it lives, as on a disk that is full.
struct SmallDisk {
  rlimit before{};
  void (*handler)(int);
  explicit SmallDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
};

}  // namespace

TEST_CASE("writers: a disk that is full loses nothing, and leaves nothing behind") {
  const Folder folder;
  const Tensor small = ct::arange(4.0f), large = ct::arange(1'000'000.0f);
  ct::TensorDict d;
  d.insert("a", large);
  for (const char* name : {"a.npy", "a.npz", "a.safetensors"}) save_npy(small, folder / name);
  {
    const SmallDisk full(100'000);
    CHECK(error_of([&] { save_npy(large, folder / "a.npy"); }) == "save_npy: cannot write '" + folder.path + "/a.npy': File too large");
    CHECK(contains(error_of([&] { ct::save_npz(d, folder / "a.npz"); }), "save_npz: cannot write"));
    CHECK(contains(error_of([&] { ct::save_safetensors(d, folder / "a.safetensors"); }), "save_safetensors: cannot write"));
    CHECK(contains(error_of([&] { save_npy(large, folder / "new.npy"); }), "cannot write"));
  }
  CHECK(folder.files() == 3);
  for (const char* name : {"a.npy", "a.npz", "a.safetensors"}) CHECK(same(load_npy(folder / name), small));
  CHECK(contains(error_of([&] { save_npy(large, "/dev/full"); }), "No space left on device"));
  CHECK(contains(error_of([&] { save_npy(large, "/nowhere/a.npy"); }), "save_npy: cannot write '/nowhere/a.npy': No such file or directory"));
  CHECK(contains(error_of([&] { save_npy(large, folder.path); }), "Is a directory"));
  // An error of the caller's, in the middle: an undefined tensor behind a good one.
  d.insert("b", Tensor());
  CHECK_THROWS_AS(ct::save_npz(d, folder / "a.npz"), ct::ValueError);
  CHECK(folder.files() == 3);
  CHECK(same(load_npy(folder / "a.npz"), small));
  // A stream that fails.
  std::ostringstream broken;
  broken.setstate(std::ios::badbit);
  CHECK(contains(error_of([&] { save_npy(small, broken); }), "save_npy: the stream could not be written"));
}

TEST_CASE("writers: what a file is stays, its content is new") {
  const Folder folder;
  save_npy(ct::ones({1}), folder / "a.npy");
  ::chmod((folder / "a.npy").c_str(), 0640);
  REQUIRE(::symlink("a.npy", (folder / "link.npy").c_str()) == 0);
  save_npy(ct::zeros({2}), folder / "link.npy");
  struct stat info {};
  REQUIRE(::lstat((folder / "link.npy").c_str(), &info) == 0);
  CHECK(S_ISLNK(info.st_mode));
  REQUIRE(::stat((folder / "a.npy").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(load_npy(folder / "a.npy").sizes() == ct::IntArrayRef({2}));
  CHECK(folder.files() == 2);
  // Pipes are written to and read from.
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const int keep = ::open((folder / "pipe").c_str(), O_RDWR);
  save_npy(ct::ones({3}), folder / "pipe");
  REQUIRE(::stat((folder / "pipe").c_str(), &info) == 0);
  CHECK(S_ISFIFO(info.st_mode));
  ::close(keep);
  // The same bytes for the same tensors.
  ct::TensorDict d;
  d.insert("a", ct::arange(100));
  ct::save_npz(d, folder / "x", true);
  ct::save_npz(d, folder / "y", true);
  CHECK(bytes_of(folder / "x") == bytes_of(folder / "y"));
}
