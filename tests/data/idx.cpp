// tests/data/idx.cpp -- IDX files: all types, damaged and hostile ones, MNIST's folder.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "cotangent/data/idx.h"
#include "cotangent/data/mnist.h"
#include "data/data_check.h"

using namespace data_check;
using ct::data::read_idx;
using ct::data::datasets::MNIST;

namespace {

// A folder that is gone at the end.
struct Folder {
  Folder() {
    char name[] = "/tmp/ct_idx_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    for (const std::string& f : files) ::unlink(f.c_str());
    ::rmdir(path.c_str());
  }
  std::string write(const char* name, const std::string& bytes) {
    files.push_back(path + "/" + name);
    std::FILE* f = std::fopen(files.back().c_str(), "wb");
    REQUIRE(f);
    REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size());
    std::fclose(f);
    return files.back();
  }
  std::string path;
  std::vector<std::string> files{};
};

std::string big(std::uint32_t n) { return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)}; }
std::string header(int type, const std::vector<std::uint32_t>& sizes) {
  std::string out = {0, 0, static_cast<char>(type), static_cast<char>(sizes.size())};
  for (const std::uint32_t s : sizes) out += big(s);
  return out;
}
std::string error_of_bytes(Folder& folder, const std::string& bytes) {
  const std::string path = folder.write("x.idx", bytes);
  const std::string e = error_of<ct::IoError>([&] { read_idx(path); });
  return e.compare(0, path.size(), path) == 0 ? e.substr(path.size()) : e;
}

}  // namespace

TEST_CASE("idx: every type of elements") {
  Folder folder;
  const ct::Tensor bytes = read_idx(folder.write("a", header(8, {2, 2}) + std::string("\x00\x01\xff\x80", 4)));
  CHECK(bytes.scalar_type() == ct::kByte);
  CHECK(longs(bytes) == std::vector<std::int64_t>{0, 1, 255, 128});
  CHECK(longs(read_idx(folder.write("b", header(9, {2}) + "\xff\x7f"))) == std::vector<std::int64_t>{-1, 127});
  CHECK(longs(read_idx(folder.write("c", header(11, {2}) + std::string("\x01\x02\xff\xfe", 4)))) == std::vector<std::int64_t>{258, -2});
  CHECK(longs(read_idx(folder.write("d", header(12, {1}) + big(0xfffffffd)))) == std::vector<std::int64_t>{-3});
  CHECK(read_idx(folder.write("e", header(13, {1, 1}) + big(0x3fc00000))).item<float>() == 1.5f);
  CHECK(read_idx(folder.write("f", header(14, {1}) + big(0xc0040000) + big(0))).item<double>() == -2.5);
  CHECK(read_idx(folder.write("g", header(8, {}) + "\x07")).item<int>() == 7);
  CHECK(read_idx(folder.write("h", header(12, {0, 4294967295u, 5}))).sizes() == ct::IntArrayRef{0, 4294967295, 5});
}

TEST_CASE("idx: damaged and hostile files are errors that name file and byte") {
  Folder folder;
  CHECK(error_of_bytes(folder, "") == ": byte 0: the file ends in the middle of the header");
  CHECK(error_of_bytes(folder, std::string("\0\0\x08", 3)) == ": byte 3: the file ends in the middle of the header");
  CHECK(error_of_bytes(folder, "PK\x03\x04____") == ": byte 0: this is no IDX file: it does not begin with two bytes 0");
  CHECK(error_of_bytes(folder, header(10, {1}) + "x") == ": byte 2: this is no IDX file: there is no element type 10");
  CHECK(error_of_bytes(folder, header(8, std::vector<std::uint32_t>(17, 1)) + "x") == ": byte 3: 17 dimensions are more than the 16 that a tensor has at most");
  CHECK(error_of_bytes(folder, header(8, {2, 3}).substr(0, 10)) == ": byte 10: the file ends in the middle of the sizes");
  CHECK(error_of_bytes(folder, header(8, {2, 3}) + "12345") == ": byte 8: an array of sizes [2, 3] needs more than the 5 bytes that follow the header");
  CHECK(error_of_bytes(folder, header(8, {2, 3}) + "1234567") == ": byte 18: the array of sizes [2, 3] ends here, but the file has 1 bytes more");
  CHECK(error_of_bytes(folder, header(14, {0, 2}) + "1") == ": byte 12: the array of sizes [0, 2] ends here, but the file has 1 bytes more");
  const std::uint32_t huge = 4294967295u;
  CHECK(has(error_of_bytes(folder, header(14, {huge}) + "1"), ": byte 4: an array of sizes [4294967295] needs more than the 1 bytes"));
  CHECK(has(error_of_bytes(folder, header(8, {1, huge, huge, huge, huge}) + "1"), ": byte 8: an array of sizes"));
  CHECK(has(error_of_bytes(folder, header(8, {65536, 65536, 65536, 65536}) + "1"), ": byte 4: an array of sizes"));
  CHECK(has(error_of([&] { read_idx(folder.path + "/none"); }), "/none: cannot read: No such file or directory"));
  CHECK(has(error_of([&] { read_idx(folder.path); }), ": cannot read: Is a directory"));
  CHECK(has(error_of([] { read_idx("/dev/null"); }), "/dev/null: cannot read: it is no regular file"));
}

TEST_CASE("idx: a flipped bit is an error or other elements, never worse") {
  Folder folder;
  const std::string good = header(11, {3, 2}) + "0123456789ab";
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK(error_of_bytes(folder, good.substr(0, cut)) != "no error");
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const bool fine = error_of_bytes(folder, bad) == "no error";
    CHECK(fine == (bit >= 8 * 12));
  }
}

TEST_CASE("mnist: images and labels from a folder") {
  Folder folder;
  std::string pixels;
  for (int i = 0; i < 3 * 4; ++i) pixels += static_cast<char>(i * 20);
  folder.write("train-images-idx3-ubyte", header(8, {3, 2, 2}) + pixels);
  folder.write("train-labels-idx1-ubyte", header(8, {3}) + "\x05\x02\x09");
  MNIST train(folder.path);
  CHECK(train.is_train());
  CHECK(train.size() == 3);
  CHECK(train.images().sizes() == ct::IntArrayRef{3, 1, 2, 2});
  CHECK(train.images().scalar_type() == ct::kFloat);
  CHECK(longs(train.targets()) == std::vector<std::int64_t>{5, 2, 9});
  CHECK(train.get(2).target.item<int>() == 9);
  CHECK(train.get(2).data[0][0][0].item<float>() == 160.f / 255.f);
  auto batch = train.map(ct::data::transforms::Normalize<>(0.1307, 0.3081)).map(ct::data::transforms::Stack<>()).get_batch({2, 0});
  CHECK(batch.data.sizes() == ct::IntArrayRef{2, 1, 2, 2});
  CHECK(batch.data[1][0][0][0].item<float>() == (0.f - 0.1307f) / 0.3081f);
  CHECK_THROWS_AS(train.get(3), ct::IndexError);

  CHECK(has(error_of<ct::IoError>([&] { MNIST(folder.path, MNIST::Mode::kTest); }), "Error opening images file at "));
  folder.write("t10k-images.idx3-ubyte", header(8, {3, 2, 2}) + pixels);
  folder.write("t10k-labels-idx1-ubyte.gz", "");
  CHECK(has(error_of<ct::IoError>([&] { MNIST(folder.path, MNIST::Mode::kTest); }), "Unpack it: gunzip "));
  folder.write("t10k-labels-idx1-ubyte", header(8, {2}) + "\x05\x02");
  CHECK(has(error_of<ct::IoError>([&] { MNIST(folder.path, MNIST::Mode::kTest); }), "there are 2 labels for 3 images"));
  folder.write("t10k-labels-idx1-ubyte", header(9, {3}) + "\x05\x02\x02");
  CHECK(has(error_of<ct::IoError>([&] { MNIST(folder.path, MNIST::Mode::kTest); }), "these are no labels"));
}
