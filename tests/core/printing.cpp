// tests/core/printing.cpp -- what tensors, sizes and numbers look like: the text that Python's PyTorch prints.
#include <doctest/doctest.h>

#include <clocale>
#include <cmath>
#include <sstream>

#include "cotangent/cotangent.h"

using namespace ct;

namespace {
// Options as they were, at the end of a test.
struct Restore {
  PrintOptions before = print_options();
  ~Restore() { set_printoptions(before); }
};
std::string text(std::initializer_list<detail::PrintPart> parts) { return detail::print_text(parts); }
}  // namespace

TEST_CASE("floating tensors: integers, fixed and scientific") {
  struct Row { Tensor x; const char* text; };
  const float inf = INFINITY, nan = NAN;
  const Row rows[] = {
      {tensor({1.0, 2.0, 3.0}), "tensor([1., 2., 3.])"},
      {tensor({1.5409961, -0.2934289, -2.1787894}), "tensor([ 1.5410, -0.2934, -2.1788])"},
      {tensor({-1.0, 20.0}), "tensor([-1., 20.])"},
      {tensor(7.2079), "tensor(7.2079)"},
      {tensor(3.0), "tensor(3.)"},
      {tensor(-0.0), "tensor(-0.)"},
      {tensor({0.0, 0.0}), "tensor([0., 0.])"},
      {tensor({1.0, 0.5}), "tensor([1.0000, 0.5000])"},
      {tensor({0.0, 0.5, 10.25}), "tensor([ 0.0000,  0.5000, 10.2500])"},
      {tensor({1.0, 1000.0}), "tensor([   1., 1000.])"},                    // max / min = 1000 is still fixed
      {tensor({1.0, 1001.0}), "tensor([1.0000e+00, 1.0010e+03])"},
      {tensor({0.1, 123.0}), "tensor([1.0000e-01, 1.2300e+02])"},
      {tensor({0.5, 123.0}), "tensor([  0.5000, 123.0000])"},
      {tensor({1e-4}), "tensor([1.0000e-04])"},                             // 0.0001 in float32 is a little less
      {tensor({1e-4}, kDouble), "tensor([0.0001], dtype=torch.float64)"},
      {tensor({0.00011}), "tensor([0.0001])"},
      {tensor({1e8}), "tensor([100000000.])"},
      {tensor({1.5e8, 0.0}, kDouble), "tensor([1.5000e+08, 0.0000e+00], dtype=torch.float64)"},
      {tensor({12345678.0}), "tensor([12345678.])"},
      {tensor({2e8, -1e-3}), "tensor([ 2.0000e+08, -1.0000e-03])"},
      {tensor({nan, 1.f}), "tensor([nan, 1.])"},
      {tensor({inf, 1.5f}), "tensor([   inf, 1.5000])"},
      {tensor({-inf, 1.f, 2.f}), "tensor([-inf, 1., 2.])"},
      {tensor({nan, inf, -inf}), "tensor([nan, inf, -inf])"},
      {tensor({nan, 1e10f}), "tensor([       nan, 1.0000e+10])"},
      {tensor(inf), "tensor(inf)"},
      {tensor({0.1}, kHalf), "tensor([0.1000], dtype=torch.float16)"},
      {tensor({65504.0}, kHalf), "tensor([65504.], dtype=torch.float16)"},
      {tensor({0.1, 3.0}, kBFloat16), "tensor([0.1001, 3.0000], dtype=torch.bfloat16)"},
      {tensor({3.14159265358979}, kDouble), "tensor([3.1416], dtype=torch.float64)"},
  };
  for (const Row& r : rows) CHECK(to_string(r.x) == r.text);
}

TEST_CASE("integers, bools and empty tensors") {
  CHECK(to_string(tensor({1, -20, 3})) == "tensor([  1, -20,   3])");
  CHECK(to_string(tensor(5)) == "tensor(5)");
  CHECK(to_string(tensor({1, 2}, kInt)) == "tensor([1, 2], dtype=torch.int32)");
  CHECK(to_string(tensor({255, 0}, kByte)) == "tensor([255,   0], dtype=torch.uint8)");
  CHECK(to_string(tensor({INT64_MIN, INT64_MAX})) == "tensor([-9223372036854775808,  9223372036854775807])");
  CHECK(to_string(tensor({true, false})) == "tensor([ True, False])");
  CHECK(to_string(tensor(true)) == "tensor(True)");
  CHECK(to_string(zeros({0})) == "tensor([])");
  CHECK(to_string(zeros({0, 3})) == "tensor([], size=(0, 3))");
  CHECK(to_string(zeros({2, 0, 3}, kLong)) == "tensor([], size=(2, 0, 3), dtype=torch.int64)");
  CHECK(to_string(zeros({0}, kBool)) == "tensor([], dtype=torch.bool)");
  CHECK(to_string(Tensor()) == "None");
}

TEST_CASE("rows wrap at 80 characters, matrices nest") {
  CHECK(to_string(arange(30)) ==
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])");
  CHECK(to_string(full({12}, 0.5)) ==
        "tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000,\n"
        "        0.5000, 0.5000, 0.5000])");
  CHECK(to_string(tensor({{1, 2}, {3, 4}})) ==
        "tensor([[1, 2],\n"
        "        [3, 4]])");
  CHECK(to_string(arange(8).view({2, 2, 2})) ==
        "tensor([[[0, 1],\n"
        "         [2, 3]],\n"
        "\n"
        "        [[4, 5],\n"
        "         [6, 7]]])");
  CHECK(to_string(arange(8).view({2, 1, 2, 2})) ==
        "tensor([[[[0, 1],\n"
        "          [2, 3]]],\n"
        "\n"
        "\n"
        "        [[[4, 5],\n"
        "          [6, 7]]]])");
  CHECK(to_string(arange(6).view({2, 3}).transpose(0, 1)) ==
        "tensor([[0, 3],\n"
        "        [1, 4],\n"
        "        [2, 5]])");
  CHECK(to_string(tensor(2).expand({3})) == "tensor([2, 2, 2])");
}

TEST_CASE("more than 1000 elements are summarised") {
  CHECK(to_string(arange(1000)).find("...") == std::string::npos);
  CHECK(to_string(arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  CHECK(to_string(zeros({1001})) == "tensor([0., 0., 0.,  ..., 0., 0., 0.])");
  CHECK(to_string(arange(10000).view({100, 100})) ==
        "tensor([[   0,    1,    2,  ...,   97,   98,   99],\n"
        "        [ 100,  101,  102,  ...,  197,  198,  199],\n"
        "        [ 200,  201,  202,  ...,  297,  298,  299],\n"
        "        ...,\n"
        "        [9700, 9701, 9702,  ..., 9797, 9798, 9799],\n"
        "        [9800, 9801, 9802,  ..., 9897, 9898, 9899],\n"
        "        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])");
  CHECK(to_string(arange(1200).view({2, 600})) ==
        "tensor([[   0,    1,    2,  ...,  597,  598,  599],\n"
        "        [ 600,  601,  602,  ..., 1197, 1198, 1199]])");
  // Only what is shown decides the format.
  Tensor x = ones({2000});
  x.data_ptr<float>()[1000] = 0.5f;
  CHECK(to_string(x) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
}

TEST_CASE("suffixes: dtype, grad_fn, requires_grad") {
  Tensor x = tensor({1.5409961, -0.2934289, -2.1787894}, requires_grad());
  CHECK(to_string(x) == "tensor([ 1.5410, -0.2934, -2.1788], requires_grad=True)");
  CHECK(to_string((x * x).sum()) == "tensor(7.2079, grad_fn=<SumBackward0>)");
  CHECK(to_string(x * 2) == "tensor([ 3.0820, -0.5869, -4.3576], grad_fn=<MulBackward0>)");
  CHECK(to_string(x.detach()) == "tensor([ 1.5410, -0.2934, -2.1788])");
  CHECK(to_string(zeros({3}, dtype(kDouble).requires_grad(true))) == "tensor([0., 0., 0.], dtype=torch.float64, requires_grad=True)");
  CHECK(to_string(ones({9}, requires_grad()) * 0.5) ==
        "tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],\n"
        "       grad_fn=<MulBackward0>)");
  CHECK(to_string(ones({2, 2}, requires_grad())) ==
        "tensor([[1., 1.],\n"
        "        [1., 1.]], requires_grad=True)");
  Tensor y = x.clone();
  y.view({3}).mul_(2);
  CHECK(to_string(y).find("grad_fn=<CopySlices>") != std::string::npos);
  set_default_dtype(kDouble);
  CHECK(to_string(tensor({1.0})) == "tensor([1.])");
  CHECK(to_string(x.detach()) == "tensor([ 1.5410, -0.2934, -2.1788], dtype=torch.float32)");
  set_default_dtype(kFloat);
}

TEST_CASE("print options") {
  Restore restore;
  const Tensor x = tensor({1.0, 0.123456789}, kDouble);
  set_printoptions({.precision = 8});
  CHECK(to_string(x) == "tensor([1.00000000, 0.12345679], dtype=torch.float64)");
  set_printoptions({.precision = 2});
  CHECK(to_string(x) == "tensor([1.00, 0.12], dtype=torch.float64)");
  set_printoptions({.sci_mode = true});
  CHECK(to_string(x) == "tensor([1.00e+00, 1.23e-01], dtype=torch.float64)");
  set_printoptions({.precision = 4, .sci_mode = false});
  CHECK(to_string(tensor({1.0, 1e-6})) == "tensor([1.0000, 0.0000])");
  set_printoptions({.threshold = 5, .edgeitems = 1});
  CHECK(to_string(arange(6)) == "tensor([0,  ..., 5])");
  set_printoptions({.linewidth = 20});
  CHECK(to_string(tensor({1, 2, 3, 4, 5})) == "tensor([1, 2, 3, 4,\n        5])");
  CHECK(print_options().precision == 4);
  CHECK_THROWS_AS(set_printoptions({.precision = -1}), ValueError);
  CHECK_THROWS_AS(set_printoptions({.linewidth = 0}), ValueError);
}

TEST_CASE("streams: sizes, dtypes, devices, numbers and nodes") {
  const Tensor x = zeros({2, 3}, requires_grad());
  std::ostringstream out;
  out.precision(2);
  out << x.sizes() << ' ' << x.shape() << ' ' << kDouble << ' ' << x.device() << ' ' << Scalar(0.1) << ' ' << Scalar(2) << ' ' << (x * 1).grad_fn() << ' '
      << x.grad_fn();
  CHECK(out.str() == "[2, 3] torch.Size([2, 3]) torch.float64 cpu 0.1 2 <MulBackward0> None");
  CHECK(size_string(x.sizes()) == "torch.Size([2, 3])");
  CHECK(size_string({}) == "torch.Size([])");
  std::ostringstream tensor_out;
  tensor_out << tensor({1.0});
  CHECK(tensor_out.str() == "tensor([1.])");
}

TEST_CASE("print writes numbers as Python's repr") {
  CHECK(text({0.1, 1.0, -0.0, 1e16, 123456789012345680.0, 1e-5, 0.0001, 5e-324, 1.7976931348623157e308}) ==
        "0.1 1.0 -0.0 1e+16 1.2345678901234568e+17 1e-05 0.0001 5e-324 1.7976931348623157e+308");
  CHECK(text({0.1f, 1.5409961f, 1e10f, 16777216.0f}) == "0.1 1.5409961 10000000000.0 16777216.0");
  CHECK(text({2.0 / 3, 1e22, 100.0, NAN, -INFINITY}) == "0.6666666666666666 1e+22 100.0 nan -inf");
  CHECK(text({true, 'c', "text", std::string("s"), 7, 18446744073709551615u, std::int8_t{-3}}) == "True c text s 7 18446744073709551615 -3");
  CHECK(text({tensor({1, 2}), kFloat, Device("cuda:1"), Scalar(true), Tensor()}) == "tensor([1, 2]) torch.float32 cuda:1 True None");
  CHECK(text({std::vector<double>{1, 0.5}, std::vector<std::int64_t>{1, 2}, std::vector<float>{0.1f}}) == "[1.0, 0.5] [1, 2] [0.1]");
  CHECK(text({std::vector<Tensor>{tensor(1.0)}, std::vector<Tensor>{tensor(1.0), tensor(2)}}) == "(tensor(1.),) (tensor(1.), tensor(2))");
  CHECK(text({}) == "");
  CHECK(fixed(3.14159, 4) == "3.1416");
  CHECK(scientific(0.000123, 2) == "1.23e-04");
}

TEST_CASE("printing changes nothing, whatever the locale") {
  Tensor x = rand({3}, requires_grad());
  const Tensor state = get_rng_state();
  const auto version = x._version();
  NoGradGuard off;
  to_string(x);
  CHECK(!is_grad_enabled());
  CHECK(x._version() == version);
  const Tensor after = get_rng_state();
  CHECK(std::string(state.data_ptr<std::uint8_t>(), state.data_ptr<std::uint8_t>() + state.numel()) ==
        std::string(after.data_ptr<std::uint8_t>(), after.data_ptr<std::uint8_t>() + after.numel()));
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8"}) {
    if (!std::setlocale(LC_ALL, name)) continue;  // not installed
    CHECK(to_string(tensor({0.5, 1e-6})) == "tensor([5.0000e-01, 1.0000e-06])");
    CHECK(text({0.1, 1e-5}) == "0.1 1e-05");
  }
  std::setlocale(LC_ALL, before.c_str());
}
