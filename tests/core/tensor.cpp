// tests/core/tensor.cpp -- tensors from values and memory, factories, dtypes and devices.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <span>

#include "cotangent/cotangent.h"

using namespace ct;

namespace {
std::string error_of(void (*f)()) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}
bool contains(const std::string& s, const char* part) { return s.find(part) != std::string::npos; }
}  // namespace

#define CHECK_ERROR(phrase, ...) CHECK(contains(error_of([] { __VA_ARGS__; }), phrase))

TEST_CASE("tensor() infers shape and dtype from nested braces") {
  CHECK(to_string(tensor({{1, 2, 3}, {4, 5, 6}}).shape()) == "torch.Size([2, 3])");
  CHECK(to_string(tensor({{{1}, {2}}, {{3}, {4}}}).shape()) == "torch.Size([2, 2, 1])");
  CHECK(tensor({1, 2}).scalar_type() == kLong);
  CHECK(tensor({1.0, 2.0}).scalar_type() == kFloat);
  CHECK(tensor({1.f}).scalar_type() == kFloat);
  CHECK(tensor({true}).scalar_type() == kBool);
  CHECK(tensor({{1, 2}, {3, 4}}, kDouble).scalar_type() == kDouble);
  CHECK(tensor({{1, 2.5}, {3, 4}}).scalar_type() == kFloat);
  CHECK(tensor(3).dim() == 0);
  CHECK(tensor(std::vector<double>{1, 2}).scalar_type() == kDouble);
  CHECK(tensor(std::vector<float>{1, 2}).scalar_type() == kFloat);
  CHECK(to_string(tensor(std::vector<bool>{true, false})) == "tensor([ True, False])");
  CHECK(tensor({1.0}, requires_grad()).is_leaf());
  set_default_dtype(kDouble);
  CHECK(tensor({1.0}).scalar_type() == kDouble);
  CHECK(zeros({1}).scalar_type() == kDouble);
  CHECK(tensor({1.f}, kFloat).scalar_type() == kFloat);
  set_default_dtype(kFloat);
  CHECK_ERROR("expected every row to have 2 entries", tensor({{1, 2}, {3}}));
  CHECK_ERROR("numbers and lists are mixed", tensor({{{1, 2}, {3, 4}}, {1, 2}}));
  CHECK_ERROR("numbers and lists are mixed", tensor({{1, 2}, {{1}, {2}}}));
  CHECK_ERROR("numbers and lists are mixed", tensor({{1}, {{}}}));
  CHECK_ERROR("Only Tensors of floating point", tensor({1, 2}, requires_grad()));
  CHECK_ERROR("only floating-point types are supported as the default type", set_default_dtype(kLong));
}

TEST_CASE("constants and ranges") {
  CHECK(to_string(eye(2, 3)) == "tensor([[1., 0., 0.],\n        [0., 1., 0.]])");
  CHECK(to_string(eye(2, kLong)) == "tensor([[1, 0],\n        [0, 1]])");
  CHECK(eye(0).numel() == 0);
  CHECK(to_string(full({2}, 7)) == "tensor([7, 7])");
  CHECK(to_string(full({2}, 0.5)) == "tensor([0.5000, 0.5000])");
  CHECK(to_string(ones({2})) == "tensor([1., 1.])");
  CHECK(to_string(ones_like(tensor({1, 2}))) == "tensor([1, 1])");
  CHECK(to_string(full_like(tensor({1.0, 2.0}), 3)) == "tensor([3., 3.])");

  CHECK(to_string(arange(5)) == "tensor([0, 1, 2, 3, 4])");
  CHECK(to_string(arange(1, 10, 3)) == "tensor([1, 4, 7])");
  CHECK(to_string(arange(10, 1, -3)) == "tensor([10,  7,  4])");
  CHECK(to_string(arange(3.0)) == "tensor([0., 1., 2.])");
  CHECK(to_string(arange(0, 1, 0.25)) == "tensor([0.0000, 0.2500, 0.5000, 0.7500])");
  CHECK(arange(0, 1, 0.1).numel() == 10);
  CHECK(arange(1, 1.3, 0.1).numel() == 4);  // (1.3 - 1) / 0.1 is 3.0000000000000004, in PyTorch too
  CHECK(arange(0, 3, kDouble).scalar_type() == kDouble);
  CHECK(arange(5, 5).numel() == 0);
  CHECK(arange(INT64_MAX - 2, INT64_MAX).numel() == 2);
  CHECK(arange(3, requires_grad().dtype(kFloat)).requires_grad());
  CHECK_ERROR("step must be nonzero", arange(0, 5, 0));
  CHECK_ERROR("step must be nonzero", arange(0, 5, 0.0));
  CHECK_ERROR("step must be nonzero", arange(0.0, 5.0, NAN));
  CHECK_ERROR("upper bound and larger bound inconsistent with step sign", arange(5, 0));
  CHECK_ERROR("upper bound and larger bound inconsistent with step sign", arange(0, 5, -1));
  CHECK_ERROR("unsupported range", arange(0.0, INFINITY));
  CHECK_ERROR("unsupported range", arange(NAN, 1.0));
  CHECK_ERROR("arange", arange(0.0, 1e300, 1e-300));

  CHECK(to_string(linspace(0, 1, 5)) == "tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])");
  CHECK(to_string(linspace(3, 10, 1)) == "tensor([3.])");
  CHECK(linspace(0, 1, 0).numel() == 0);
  CHECK(to_string(linspace(0, 10, 5, kLong)) == "tensor([ 0,  2,  5,  7, 10])");
  CHECK(linspace(0, 1, 3).scalar_type() == kFloat);
  CHECK_ERROR("number of steps must be non-negative", linspace(0, 1, -1));
  CHECK(to_string(logspace(0, 2, 3)) == "tensor([  1.,  10., 100.])");
  CHECK(to_string(logspace(0, 3, 4, 2)) == "tensor([1., 2., 4., 8.])");
  CHECK_ERROR("number of steps must be non-negative", logspace(0, 1, -2));
  CHECK_ERROR("n must be greater or equal to 0, got -1", eye(-1));
  CHECK_ERROR("m must be greater or equal to 0, got -2", eye(1, -2));
}

TEST_CASE("sizes are checked before memory is asked for") {
  CHECK_ERROR("Trying to create tensor with negative dimension -1", zeros({-1}));
  CHECK_ERROR("Storage size calculation overflowed", zeros({INT64_MAX, 2}));
  CHECK_ERROR("Storage size calculation overflowed", empty({std::int64_t{1} << 60}));
  CHECK(zeros({INT64_MAX, 0}).numel() == 0);
  CHECK_ERROR("dimensions asked for", zeros(std::vector<std::int64_t>(17, 1)));
  CHECK(zeros(std::vector<std::int64_t>(16, 1)).dim() == 16);
}

TEST_CASE("from_blob shares the caller's memory") {
  float data[6] = {1, 2, 3, 4, 5, 6};
  Tensor x = from_blob(data, {2, 3});
  data[0] = 10;
  CHECK(x[0][0].item<float>() == 10);
  x.fill_(1);
  CHECK(data[5] == 1);
  CHECK(from_blob(data, {3, 2}, IntArrayRef({1, 3})).strides() == IntArrayRef({1, 3}));
  int deleted = 0;
  {
    Tensor y = from_blob(data, {6}, [&deleted](void*) { ++deleted; });
    Tensor view = y.slice(0, 2);
    y.reset();
    CHECK(deleted == 0);
  }
  CHECK(deleted == 1);
  CHECK_ERROR("the data pointer is null", from_blob(nullptr, {2}));
  CHECK_ERROR("negative dimension", float v = 0; from_blob(&v, {-2}));
  CHECK_ERROR("2 sizes but 1 strides", float v = 0; from_blob(&v, {1, 1}, IntArrayRef({1})));
  CHECK_ERROR("negative stride -1", float v = 0; from_blob(&v, {2}, IntArrayRef({-1})));
}

TEST_CASE("one element is a number") {
  CHECK(tensor(2.5).item<double>() == 2.5);
  CHECK(tensor({{3}}).item<int>() == 3);
  CHECK(tensor(true).item().isBoolean());
  CHECK(tensor(1.5, kHalf).item<float>() == 1.5f);
  CHECK_ERROR("a Tensor with 2 elements cannot be converted to Scalar", tensor({1, 2}).item());
  CHECK_ERROR("a Tensor with 0 elements cannot be converted to Scalar", zeros({0}).item());
  CHECK_ERROR("Boolean value of Tensor with more than one value is ambiguous", tensor({1, 2}).is_nonzero());
  CHECK_ERROR("Boolean value of Tensor with no values is ambiguous", zeros({0}).is_nonzero());
  CHECK_ERROR("expected scalar type Double but found Float", tensor(1.0).data_ptr<double>());
  CHECK_ERROR("undefined", Tensor().item());
}

TEST_CASE("conversions round as IEEE asks") {
  struct Row { float in; std::uint16_t half, bfloat16; };
  const Row rows[] = {
      {1.f, 0x3c00, 0x3f80},        {-2.f, 0xc000, 0xc000},       {65504.f, 0x7bff, 0x4780},  {65519.f, 0x7bff, 0x4780},
      {65520.f, 0x7c00, 0x4780},    {1e30f, 0x7c00, 0x714a},      {6e-8f, 0x0001, 0x3381},    {2.9e-8f, 0x0000, 0x32f9},
      {1.00048828125f, 0x3c00, 0x3f80},                            // halfway: to even
      {1.00146484375f, 0x3c02, 0x3f80},
      {1.00390625f, 0x3c04, 0x3f80}, {1.01171875f, 0x3c0c, 0x3f82},
  };
  for (const Row& r : rows) {
    CHECK(Half(r.in).bits == r.half);
    CHECK(BFloat16(r.in).bits == r.bfloat16);
  }
  CHECK(std::isnan(static_cast<float>(Half(NAN))));
  CHECK(std::isnan(static_cast<float>(BFloat16(NAN))));
  CHECK(to_string(tensor({1.9, -1.9}).to(kLong)) == "tensor([ 1, -1])");
  CHECK(to_string(tensor({0.0, 0.5}).to(kBool)) == "tensor([False,  True])");
  CHECK(to_string(tensor({true, false}).to(kFloat)) == "tensor([1., 0.])");
  CHECK(to_string(tensor({300, -1}).to(kByte)) == "tensor([ 44, 255], dtype=torch.uint8)");
  const Tensor x = tensor({1.0});
  CHECK(x.to(kFloat).is_same(x));
}

TEST_CASE("promotion: category first, then dimension, then width") {
  CHECK(promote_types(kByte, kChar) == kShort);
  CHECK(promote_types(kHalf, kBFloat16) == kFloat);
  CHECK(promote_types(kLong, kHalf) == kHalf);
  CHECK((tensor({1, 2}, kInt) + 1).scalar_type() == kInt);
  CHECK((tensor({1, 2}, kInt) + 1.5).scalar_type() == kFloat);
  CHECK((tensor({1.f}, kHalf) + tensor(1.0, kDouble)).scalar_type() == kHalf);
  CHECK((tensor({1}) + tensor(1.0, kDouble)).scalar_type() == kDouble);
  CHECK((tensor({1, 2}) / tensor({2, 2})).scalar_type() == kFloat);
  CHECK(can_cast(kInt, kFloat));
  CHECK(!can_cast(kFloat, kInt));
  CHECK(!can_cast(kInt, kBool));
}

TEST_CASE("devices may be named, but only the CPU computes") {
  CHECK(Device("cuda:1").index() == 1);
  CHECK(Device("cpu") == Device(kCPU));
  CHECK(!cuda::is_available());
  CHECK_THROWS_AS(zeros({1}, kCUDA), NotImplementedError);
  CHECK_THROWS_AS(tensor({1.0}).to(Device("cuda")), NotImplementedError);
  CHECK_THROWS_AS(rand({2}, device(kCUDA)), NotImplementedError);
  CHECK_THROWS_AS(arange(3, device(kCUDA)), NotImplementedError);
  CHECK_ERROR("Invalid device string: 'gpu'", Device("gpu"));
  CHECK_ERROR("Invalid device string: 'cuda:x'", Device("cuda:x"));
}

template <class T>
concept has_accessor = requires(T t) { static_cast<T&&>(t).template accessor<float, 2>(); };

TEST_CASE("an accessor is had of a tensor that stays, not of a temporary") {
  static_assert(has_accessor<Tensor&> && has_accessor<const Tensor&>);
  static_assert(!has_accessor<Tensor>);  // x.t().accessor<float, 2>() would look at freed sizes
  auto x = ct::tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), y = x.t();
  auto a = y.accessor<float, 2>();
  CHECK(a.size(0) == 3);
  CHECK(a[2][1] == 6);
}
