// data/idx.cpp -- IDX files and MNIST. Sizes are checked against the file's before anything is allocated.
#include "cotangent/data/idx.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "cotangent/data/mnist.h"

namespace ct::data {

namespace {

class File {
 public:
  explicit File(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {  // does not wait at a pipe
    struct stat info {};
    int error = fd_ < 0 ? errno : 0;
    if (fd_ >= 0 && ::fstat(fd_, &info) != 0) error = errno;
    if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
    const bool regular = S_ISREG(info.st_mode);
    if (error || !regular) {
      close();
      if (error == 0) CT_THROW(io, path, ": cannot read: it is no regular file");
      CT_THROW(io, path, ": cannot read: ", std::strerror(error));
    }
    size_ = static_cast<std::int64_t>(info.st_size);
  }
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::int64_t size() const { return size_; }
  std::int64_t at() const { return at_; }
  void read(void* to, std::int64_t bytes, const char* what) {
    auto* p = static_cast<char*>(to);
    for (std::int64_t done = 0; done < bytes;) {
      const ssize_t n = ::read(fd_, p + done, static_cast<std::size_t>(bytes - done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) CT_THROW(io, path_, ": byte ", at_ + done, ": cannot read: ", std::strerror(errno));
      if (n == 0) CT_THROW(io, path_, ": byte ", at_ + done, ": the file ends in the middle of ", what);
      done += n;
    }
    at_ += bytes;
  }
  std::uint32_t number(const char* what) {
    unsigned char b[4];
    read(b, 4, what);
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
  }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::string path_;
  int fd_;
  std::int64_t size_ = 0, at_ = 0;
};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The file of MNIST with this name, "train-images" and "idx3-ubyte": joined by '-', or by '.' as some archives have it.
std::string find(const std::string& root, const char* set, const char* kind, const char* format) {
  const std::string start = ct::detail::join({root, root.empty() || root.back() == '/' ? "" : "/", set, "-", kind});
  for (const char* between : {"-", "."}) {
    const std::string path = ct::detail::join({start, between, format});
    if (exists(path)) return path;
    if (exists(path + ".gz")) CT_THROW(io, path, ": no such file, but ", path, ".gz\n  Unpack it: gunzip ", path, ".gz");
  }
  CT_THROW(io, "MNIST: Error opening ", kind, " file at ", start, "-", format, "\n  The folder has to hold the four unpacked files of MNIST; nothing is downloaded.");
}

}  // namespace

Tensor read_idx(const std::string& path) {
  File file(path);
  const std::uint32_t magic = file.number("the header");
  const std::uint32_t type = magic >> 8 & 0xff, dims = magic & 0xff;
  if (magic >> 16 != 0) CT_THROW(io, path, ": byte 0: this is no IDX file: it does not begin with two bytes 0");
  ScalarType dtype = kByte;
  switch (type) {
    case 8: dtype = kByte; break;
    case 9: dtype = kChar; break;
    case 11: dtype = kShort; break;
    case 12: dtype = kInt; break;
    case 13: dtype = kFloat; break;
    case 14: dtype = kDouble; break;
    default: CT_THROW(io, path, ": byte 2: this is no IDX file: there is no element type ", type);
  }
  if (dims > static_cast<std::uint32_t>(max_dims)) CT_THROW(io, path, ": byte 3: ", dims, " dimensions are more than the ", max_dims, " that a tensor has at most");

  std::vector<std::int64_t> sizes;
  for (std::uint32_t d = 0; d < dims; ++d) sizes.push_back(file.number("the sizes"));
  const std::int64_t bytes = elementSize(dtype), left = file.size() - file.at();
  std::int64_t n = 1;
  for (const std::int64_t s : sizes) n *= s == 0 ? 0 : 1;  // one size 0, and there are no elements whatever the others are
  for (std::size_t d = 0; d < sizes.size() && n; ++d) {
    const bool fits = sizes[d] <= left / bytes / n;
    if (!fits)
      CT_THROW(io, path, ": byte ", 4 + 4 * static_cast<std::int64_t>(d), ": an array of sizes ", IntArrayRef(sizes), " needs more than the ", left, " bytes that follow the header");
    n *= sizes[d];
  }
  if (n * bytes != left)
    CT_THROW(io, path, ": byte ", file.at() + n * bytes, ": the array of sizes ", IntArrayRef(sizes), " ends here, but the file has ", left - n * bytes, " bytes more");

  Tensor out = empty(sizes, dtype);
  file.read(out.data_ptr(), n * bytes, "the elements");
  if (bytes > 1) {
    auto* p = static_cast<unsigned char*>(out.data_ptr());
    for (std::int64_t i = 0; i < n; ++i, p += bytes) std::reverse(p, p + bytes);  // machines that this runs on have the lowest byte first
  }
  return out;
}

namespace datasets {

MNIST::MNIST(const std::string& root, Mode mode) : mode_(mode) {
  const char* set = mode == Mode::kTrain ? "train" : "t10k";
  const std::string images = find(root, set, "images", "idx3-ubyte"), labels = find(root, set, "labels", "idx1-ubyte");
  const Tensor x = read_idx(images), y = read_idx(labels);
  if (x.dim() != 3 || x.scalar_type() != kByte) CT_THROW(io, images, ": byte 0: these are no images: an array of bytes with three sizes is expected, not ", x.scalar_type(), " ", x.sizes());
  if (y.dim() != 1 || y.scalar_type() != kByte) CT_THROW(io, labels, ": byte 0: these are no labels: a row of bytes is expected, not ", y.scalar_type(), " ", y.sizes());
  if (x.size(0) != y.size(0)) CT_THROW(io, labels, ": byte 4: there are ", y.size(0), " labels for ", x.size(0), " images");
  images_ = x.unsqueeze(1).to(kFloat).div_(255);
  targets_ = y.to(kLong);
}
Example<> MNIST::get(std::size_t index) { return {data::detail::row(images_, index), data::detail::row(targets_, index)}; }
std::optional<std::size_t> MNIST::size() const { return static_cast<std::size_t>(images_.size(0)); }
Example<> MNIST::get_stacked(ArrayRef<std::size_t> indices) { return {data::detail::rows(images_, indices), data::detail::rows(targets_, indices)}; }

}  // namespace datasets

}  // namespace ct::data
