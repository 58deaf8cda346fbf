// offload.cpp -- what backward needs, kept at half precision and on disk instead of in memory.
//
// A graph keeps values of the forward pass for its derivatives; in a deep network they are most of the memory. A guard of
// the type saved_tensors_hooks gives each of them to `pack`, keeps what pack returns, and asks `unpack` for the tensor when
// backward comes by.
#include <cotangent/cotangent.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

int files = 0, most_files = 0;

// A tensor in a file, which is gone when its owner is.
struct OnDisk {
  std::string path;
  std::vector<std::int64_t> sizes;
  ct::ScalarType dtype;  // before it was rounded to half precision

  explicit OnDisk(const ct::Tensor& t) : sizes(t.sizes().vec()), dtype(t.scalar_type()) {
    static const std::string run = std::to_string(std::random_device{}());
    static int count = 0;
    path = (std::filesystem::temp_directory_path() / ("cotangent_offload_" + run + "_" + std::to_string(count++))).string();
    const ct::Tensor half = t.to(ct::kHalf).contiguous();
    std::ofstream out(path, std::ios::binary);
    out.write(static_cast<const char*>(half.data_ptr()), half.numel() * half.element_size());
    if (!out) throw std::runtime_error("cannot write " + path);
    most_files = std::max(most_files, ++files);
  }
  OnDisk(OnDisk&& o) noexcept : path(std::exchange(o.path, {})), sizes(std::move(o.sizes)), dtype(o.dtype) {}
  OnDisk& operator=(OnDisk&&) = delete;
  ~OnDisk() {
    if (path.empty()) return;
    std::remove(path.c_str());
    --files;
  }

  ct::Tensor read() const {
    const ct::Tensor half = ct::empty(sizes, ct::kHalf);
    std::ifstream in(path, std::ios::binary);
    in.read(static_cast<char*>(half.data_ptr()), half.numel() * half.element_size());
    if (!in) throw std::runtime_error("cannot read " + path);
    return half.to(dtype);
  }
};

// Eight layers y = tanh(y W).
ct::Tensor network(const ct::Tensor& x, const ct::Tensor& w) {
  ct::Tensor y = x;
  for (int layer = 0; layer < 8; ++layer) y = ct::tanh(ct::mm(y, w));
  return y.pow(2).mean();
}

}  // namespace

int main() {
  ct::manual_seed(0);
  const ct::Tensor x = ct::randn({64, 32});
  const ct::Tensor w = (ct::randn({32, 32}) * 0.2).requires_grad_();

  network(x, w).backward();
  const ct::Tensor exact = w.grad().clone();
  w.mutable_grad().reset();

  {
    ct::Tensor loss;
    {
      ct::autograd::graph::saved_tensors_hooks on_disk([](const ct::Tensor& t) { return OnDisk(t); }, [](const OnDisk& d) { return d.read(); });
      loss = network(x, w);
    }
    std::cout << files << " values are on disk\n";
    loss.backward();  // the guard is gone: the graph knows how to unpack
  }
  const double error = ((w.grad() - exact).norm() / exact.norm()).item<double>();
  std::cout << "relative error of the gradient: " << error << ", files left: " << files << "\n";
  return error > 0 && error < 2e-3 && most_files > 8 && files == 0 ? 0 : 1;
}
