// tests/oracle/padding_oracle.cpp -- what libtorch computes for padding: the operations and the modules.
#include "oracle/nn_check.h"

#include "cotangent/nn/functional/padding.h"
#include "ops/padding_attrs.h"

namespace {
using ct::detail::ConstantPadAttrs;
using ct::detail::PadAttrs;
using ct::detail::PadBackAttrs;

at::IntArrayRef list(const void* p) {
  const auto& a = oracle::attrs<PadAttrs>(p);
  return {a.pad, static_cast<std::size_t>(2 * a.dims)};
}
const char* const helper = "a helper of our own; the gradients of the padding compare it";
}  // namespace

CT_ORACLE(padding) {
  return {
      {"constant_pad_nd", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<ConstantPadAttrs>(p);
         return {at::constant_pad_nd(in[0], {a.pad, static_cast<std::size_t>(a.n)}, oracle::number(a.value))};
       }},
      {"reflection_pad1d", [](const Inputs& in, const void* p) -> Outputs { return {at::reflection_pad1d(in[0], list(p))}; }},
      {"reflection_pad2d", [](const Inputs& in, const void* p) -> Outputs { return {at::reflection_pad2d(in[0], list(p))}; }},
      {"reflection_pad3d", [](const Inputs& in, const void* p) -> Outputs { return {at::reflection_pad3d(in[0], list(p))}; }},
      {"replication_pad1d", [](const Inputs& in, const void* p) -> Outputs { return {at::replication_pad1d(in[0], list(p))}; }},
      {"replication_pad2d", [](const Inputs& in, const void* p) -> Outputs { return {at::replication_pad2d(in[0], list(p))}; }},
      {"replication_pad3d", [](const Inputs& in, const void* p) -> Outputs { return {at::replication_pad3d(in[0], list(p))}; }},
      oracle::Entry{"_pad_circular1d", [](const Inputs& in, const void* p) -> Outputs { return {at::_pad_circular(in[0], list(p))}; }}
          .graph_differs("libtorch writes into slices of a new tensor"),
      oracle::Entry{"_pad_circular2d", [](const Inputs& in, const void* p) -> Outputs { return {at::_pad_circular(in[0], list(p))}; }}
          .graph_differs("libtorch writes into slices of a new tensor"),
      oracle::Entry{"_pad_circular3d", [](const Inputs& in, const void* p) -> Outputs { return {at::_pad_circular(in[0], list(p))}; }}
          .graph_differs("libtorch writes into slices of a new tensor"),
      {"reflection_pad1d_backward", none(helper)},
      {"reflection_pad2d_backward", none(helper)},
      {"reflection_pad3d_backward", none(helper)},
      {"replication_pad1d_backward", none(helper)},
      {"replication_pad2d_backward", none(helper)},
      {"replication_pad3d_backward", none(helper)},
      {"_pad_circular1d_backward", none(helper)},
      {"_pad_circular2d_backward", none(helper)},
      {"_pad_circular3d_backward", none(helper)},
  };
}

TEST_CASE("padding modules") {
  CHECK_MODULE("ReflectionPad1d(2)", ReflectionPad1d(2), Randn(2, 3, 4));
  CHECK_MODULE("ReflectionPad1d((1, 0))", ReflectionPad1d(ReflectionPad1dOptions({1, 0})), Randn(3, 4));
  CHECK_MODULE("ReflectionPad2d((1, 2, 0, 3))", ReflectionPad2d(ReflectionPad2dOptions({1, 2, 0, 3})), Randn(2, 3, 4, 5));
  CHECK_MODULE("ReflectionPad2d(1)", ReflectionPad2d(1), Randn(3, 4, 5));
  CHECK_MODULE("ReflectionPad3d(1)", ReflectionPad3d(1), Randn(2, 1, 3, 4, 5));
  CHECK_MODULE("ReplicationPad1d(3)", ReplicationPad1d(3), Randn(2, 3, 2));
  CHECK_MODULE("ReplicationPad2d((1, 2, -1, 3))", ReplicationPad2d(ReplicationPad2dOptions({1, 2, -1, 3})), Randn(2, 3, 4, 5));
  CHECK_MODULE("ReplicationPad3d((1, 2, 0, 3, 1, 0))", ReplicationPad3d(ReplicationPad3dOptions({1, 2, 0, 3, 1, 0})), Randn(2, 1, 3, 4, 5));
  CHECK_MODULE("ZeroPad2d((1, -1, 2, 0))", ZeroPad2d(ZeroPad2dOptions({1, -1, 2, 0})), Randn(2, 3, 4, 5));
  CHECK_MODULE("ConstantPad1d(2, 3.5)", ConstantPad1d(2, 3.5), Randn(2, 3, 4));
  CHECK_MODULE("ConstantPad2d((1, 0, 2, 3), -1.0)", ConstantPad2d(ConstantPad2dOptions({1, 0, 2, 3}, -1.0)), Randn(3, 4, 5));
  CHECK_MODULE("ConstantPad3d(1, 0.5)", ConstantPad3d(1, 0.5), Randn(1, 2, 2, 3, 4));
}

TEST_CASE("F::pad agrees over modes, cuts and shapes") {
  namespace A = ct::nn::functional;
  namespace B = torch::nn::functional;
  torch::manual_seed(3);
  int compared = 0;
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{3, 5}, {2, 3, 5}, {2, 2, 4, 5}, {1, 2, 3, 4, 5}})
    for (const std::vector<std::int64_t>& pad : std::vector<std::vector<std::int64_t>>{{1, 2}, {-2, 2}, {-4, 1}, {0, -3}, {3, 1, -1, 2}, {2, 0, 1, 1, 2, 2}, {-1, 3, 1, -1, 0, 1}, {}})
      for (int mode = 0; mode < 4; ++mode) {
        const at::Tensor x = torch::randn(shape, at::kDouble).requires_grad_();
        const ct::Tensor y = oracle::to_ct(x.detach()).requires_grad_();
        A::PadFuncOptions a(pad);
        B::PadFuncOptions b(pad);
        if (mode == 0) a.value(1.5), b.value(1.5);
        if (mode == 1) a.mode(ct::kReflect), b.mode(torch::kReflect);
        if (mode == 2) a.mode(ct::kReplicate), b.mode(torch::kReplicate);
        if (mode == 3) a.mode(ct::kCircular), b.mode(torch::kCircular);
        at::Tensor expected;
        if (mode == 3 && shape.size() != 2 + pad.size() / 2) continue;  // without a batch libtorch 1.13 refuses
        try {
          expected = B::pad(x, b);
        } catch (const std::exception&) {
          CHECK_THROWS_AS(A::pad(y, a), ct::Error);
          continue;
        }
        CAPTURE(shape.size());
        CAPTURE(pad.size());
        CAPTURE(mode);
        const ct::Tensor got = A::pad(y, a);
        CHECK(at::equal(oracle::to_at(got.detach()), expected.detach()));
        got.sin().sum().backward();
        expected.sin().sum().backward();
        CHECK(at::allclose(oracle::to_at(y.grad()), x.grad(), 1e-12, 1e-12));
        ++compared;
      }
  CHECK(compared > 50);
}
