// tests/io/interop.cpp -- the same memory as spans, as Eigen's matrices, and through DLPack.
#include "cotangent/dlpack.h"
#include "cotangent/eigen.h"
#include "cotangent/mdspan.h"
#include "io/dlpack_abi.h"
#include "io/files.h"

using namespace test_io;
using ct::Tensor;

TEST_CASE("as_span and as_mdspan see the elements") {
  const Tensor x = ct::arange(6.0f).view({2, 3});
  for (float& v : ct::as_span<float>(x)) v *= 2;
  CHECK(same(x, ct::arange(6.0f).view({2, 3}) * 2));
  CHECK(ct::as_span<const float>(x)[5] == 10);
  CHECK(ct::as_span<float>(ct::empty({0})).empty());
  CHECK_THROWS_WITH_AS((void)ct::as_span<float>(x.t()), "as_span: the tensor of sizes [3, 2] and strides [1, 3] is not contiguous\n  Use contiguous() before, or as_mdspan.", ct::Error);
  CHECK_THROWS_AS((void)ct::as_span<double>(x), ct::TypeError);
  const auto m = ct::as_mdspan<float, 2>(x.t());
  CHECK(m.extent(0) == 3);
  CHECK(m.size() == 6);
  CHECK(m(2, 1) == 10);
  m(0, 1) = 50;
  CHECK(x[1][0].item<float>() == 50);
  CHECK(ct::as_mdspan<const float, 3>(x.unsqueeze(0))(0, 1, 0) == 50);
  CHECK(ct::as_mdspan<float, 0>(x[1][0])() == 50);
  CHECK_THROWS_WITH_AS((void)(ct::as_mdspan<float, 3>(x)), "as_mdspan: expected 3 dimensions but the tensor has 2", ct::Error);
}

TEST_CASE("Eigen and tensors on the same memory") {
  const Tensor x = ct::arange(6.0).view({2, 3}).to(ct::kDouble);
  auto m = ct::as_eigen<double>(x);
  CHECK(m.rows() == 2);
  CHECK(m(1, 2) == 5);
  m(0, 0) = 7;
  CHECK(x[0][0].item<double>() == 7);
  CHECK(ct::as_eigen<double>(x.t())(2, 1) == 5);
  CHECK(ct::as_eigen<double>(x.slice(1, 0, 3, 2)).col(1).sum() == 7);
  CHECK(ct::as_eigen_vector<double>(x.select(1, 1)).sum() == 5);
  CHECK_THROWS_AS((void)ct::as_eigen<double>(x[0]), ct::Error);
  CHECK_THROWS_AS((void)ct::as_eigen<float>(x), ct::TypeError);

  Eigen::MatrixXd a(2, 3);
  a << 1, 2, 3, 4, 5, 6;
  Eigen::Matrix<float, 2, 2, Eigen::RowMajor> r;
  r << 1, 2, 3, 4;
  const Tensor t = ct::from_eigen(a);
  CHECK(same(t, ct::tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, ct::dtype(ct::kDouble))));
  t.mul_(2);
  CHECK(a(1, 2) == 12);
  CHECK(same(ct::from_eigen(r), ct::tensor({{1.0f, 2.0f}, {3.0f, 4.0f}})));
  Eigen::Vector3i v(1, 2, 3);
  CHECK(same(ct::from_eigen(v), ct::tensor({1, 2, 3}, ct::kInt)));
  auto block = a.block(0, 1, 2, 2);
  CHECK(same(ct::from_eigen(block), t.slice(1, 1)));
  CHECK(same(ct::to_tensor(a + a), t * 2));
  CHECK(same(ct::to_tensor(a.row(0)), t[0]));
  CHECK(same(ct::to_tensor(a.array().square()), t.square()));
}

TEST_CASE("DLPack both ways, without copies") {
  for (const auto& each : of_each_dtype()) {
    CAPTURE(each.first);
    const Tensor& x = each.second;
    const Tensor y = ct::fromDLPack(ct::toDLPack(x.t()));
    CHECK(y.scalar_type() == x.scalar_type());
    CHECK(y.strides() == x.t().strides());
    CHECK(y.data_ptr() == x.data_ptr());
  }
  // The memory lives as long as either side needs it.
  DLManagedTensor* m = nullptr;
  {
    const Tensor x = ct::arange(4.0f);
    m = ct::toDLPack(x.slice(0, 1));
  }
  CHECK(m->dl_tensor.ndim == 1);
  CHECK(m->dl_tensor.dtype.code == 2);
  CHECK(m->dl_tensor.dtype.bits == 32);
  CHECK(*static_cast<float*>(m->dl_tensor.data) == 1);
  {
    const Tensor y = ct::fromDLPack(m);
    CHECK(same(y, ct::tensor({1.0f, 2.0f, 3.0f})));
  }
  static int deleted = 0;
  float data[] = {1, 2, 3, 4};
  std::int64_t shape[] = {2, 1};
  DLManagedTensor own{{data, {1, 0}, 2, {2, 32, 1}, shape, nullptr, 8}, nullptr, [](DLManagedTensor*) { ++deleted; }};
  {
    const Tensor y = ct::fromDLPack(&own), z = y[1];
    CHECK(same(y, ct::tensor({{3.0f}, {4.0f}})));
  }
  CHECK(deleted == 1);
  shape[0] = 0;
  CHECK(ct::fromDLPack(&own).sizes() == ct::IntArrayRef({0, 1}));
  CHECK(deleted == 2);
  shape[0] = 2;
  // What is refused stays the caller's.
  const auto refused = [&](auto change) {
    DLManagedTensor bad = own;
    change(bad.dl_tensor);
    try {
      (void)ct::fromDLPack(&bad);
    } catch (const ct::Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  std::int64_t negative[] = {-1, 1};
  CHECK(contains(refused([](DLTensor& t) { t.device.device_type = 2; }), "fromDLPack: Unsupported device_type: 2"));
  CHECK(contains(refused([](DLTensor& t) { t.dtype.lanes = 4; }), "Only supports lanes==1"));
  CHECK(contains(refused([](DLTensor& t) { t.dtype.code = 5; }), "no dtype here has the code 5 and 32 bits"));
  CHECK(contains(refused([](DLTensor& t) { t.ndim = 100; }), "100 dimensions"));
  CHECK(contains(refused([](DLTensor& t) { t.byte_offset = 2; }), "multiples of their size"));
  CHECK(contains(refused([&](DLTensor& t) { t.strides = negative; }), "negative strides"));
  CHECK(contains(refused([&](DLTensor& t) { t.shape = negative; }), "no tensor can have the shape [-1, 1]"));
  CHECK(deleted == 2);
  CHECK_THROWS_WITH_AS((void)ct::toDLPack(ct::ones({2}, ct::requires_grad())), "toDLPack: Can't export tensors that require gradient, use tensor.detach()", ct::Error);
  CHECK_THROWS_AS((void)ct::toDLPack(Tensor()), ct::Error);
}
