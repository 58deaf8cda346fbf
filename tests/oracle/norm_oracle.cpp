// tests/oracle/norm_oracle.cpp -- normalisation beside libtorch's: the operations, and the modules over tables of options.
#include "oracle/nn_check.h"

#include "cotangent/nn/functional.h"
#include "cotangent/ops/normalization.h"

namespace {

using oracle::attrs;
using oracle::Inputs;
using oracle::Outputs;

// The attributes of the ops, which their files keep to themselves.
struct RowAttrs { double eps; std::int64_t dims; };
struct BatchNormAttrs { double eps; };
struct GroupNormAttrs { double eps; std::int64_t groups; };

c10::optional<at::Tensor> given(const at::Tensor& t) { return t.defined() ? c10::optional<at::Tensor>(t) : c10::nullopt; }

// libtorch has no gradient through the statistics that these ops return; ours have, so they are composed here.
at::Tensor variance(const at::Tensor& x, at::IntArrayRef dims) { return at::var(x, dims, /*unbiased=*/false, /*keepdim=*/true); }
const char* const statistics = "libtorch's operation has no gradient of its statistics";

}  // namespace

CT_ORACLE(normalisation) {
  return {
      Entry("native_layer_norm", [](const Inputs& in, const void* p) -> Outputs {
        const auto& a = attrs<RowAttrs>(p);
        std::vector<std::int64_t> dims;
        for (std::int64_t d = in[0].dim() - a.dims; d < in[0].dim(); ++d) dims.push_back(d);
        const at::Tensor y = std::get<0>(at::native_layer_norm(in[0], in[0].sizes().slice(static_cast<std::size_t>(in[0].dim() - a.dims)), given(in[1]), given(in[2]), a.eps));
        return {y, in[0].mean(dims, true), (variance(in[0], dims) + a.eps).rsqrt()};
      }).graph_differs(statistics),
      Entry("_fused_rms_norm", [](const Inputs& in, const void* p) -> Outputs {
        const auto& a = attrs<RowAttrs>(p);
        std::vector<std::int64_t> dims;
        for (std::int64_t d = in[0].dim() - a.dims; d < in[0].dim(); ++d) dims.push_back(d);
        const at::Tensor r = ((in[0] * in[0]).mean(dims, true) + a.eps).rsqrt();
        return {in[1].defined() ? in[0] * r * in[1] : in[0] * r, r};
      }).graph_differs("libtorch 1.13 has no rms_norm: its formula is composed"),
      {"native_layer_norm_backward", none("a helper of our own; the gradients of the layers compare it")},
      Entry("native_batch_norm", [](const Inputs& in, const void* p) -> Outputs {
        const double eps = attrs<BatchNormAttrs>(p).eps;
        std::vector<std::int64_t> dims{0};
        for (std::int64_t d = 2; d < in[0].dim(); ++d) dims.push_back(d);
        const at::Tensor y = std::get<0>(at::native_batch_norm(in[0], given(in[1]), given(in[2]), {}, {}, true, 0.1, eps));
        return {y, in[0].mean(dims), at::var(in[0], dims, false)};
      }).graph_differs(statistics),
      {"native_batch_norm.evaluation", [](const Inputs& in, const void* p) -> Outputs {
         return {std::get<0>(at::native_batch_norm(in[0], given(in[1]), given(in[2]), in[3], in[4], false, 0.1, attrs<BatchNormAttrs>(p).eps))};
       }},
      {"native_batch_norm_backward", none("a helper of our own; the gradients of the layers compare it")},
      Entry("native_group_norm", [](const Inputs& in, const void* p) -> Outputs {
        const auto& a = attrs<GroupNormAttrs>(p);
        const std::int64_t n = in[0].size(0), c = in[0].size(1), s = in[0].numel() / (n * c);
        const at::Tensor y = std::get<0>(at::native_group_norm(in[0], given(in[1]), given(in[2]), n, c, s, a.groups, a.eps)), g = in[0].reshape({n, a.groups, -1});
        return {y, g.mean(2), (at::var(g, 2, false) + a.eps).rsqrt()};
      }, {1e-9, 1e-4}).graph_differs(statistics),
      {"native_group_norm_backward", none("a helper of our own; the gradients of the layers compare it")},
  };
}

DOCTEST_TEST_CASE("layer and group norm as modules") {
  CHECK_MODULE("LayerNorm((7,))", LayerNorm(LayerNormOptions({7})), Randn(4, 7));
  CHECK_MODULE("LayerNorm((3, 5), eps=0.01)", LayerNorm(LayerNormOptions({3, 5}).eps(0.01)), Randn(2, 4, 3, 5));
  CHECK_MODULE("LayerNorm((300,), elementwise_affine=False)", LayerNorm(LayerNormOptions({300}).elementwise_affine(false)), Randn(2, 300));
  CHECK_MODULE("GroupNorm(2, 6)", GroupNorm(2, 6), Randn(3, 6, 5));
  CHECK_MODULE("GroupNorm(6, 6, eps=0.1)", GroupNorm(GroupNormOptions(6, 6).eps(0.1)), Randn(2, 6, 3, 4));
  CHECK_MODULE("GroupNorm(1, 4, affine=False)", GroupNorm(GroupNormOptions(1, 4).affine(false)), Randn(2, 4, 17));
  oracle::ModuleCase few = MODULE_CASE("GroupNorm(2, 4)", GroupNorm(2, 4), Randn(5, 4));
  few.bfloat16 = false;  // libtorch rounds the statistics of a group to bfloat16, which shows where it has two elements
  few.tolerance = 2e-4;
  oracle::check_module(few);
}

DOCTEST_TEST_CASE("batch norm as modules") {
  CHECK_MODULE("BatchNorm1d(3)", BatchNorm1d(3), Randn(5, 3));
  CHECK_MODULE("BatchNorm1d(3, momentum=None)", BatchNorm1d(BatchNorm1dOptions(3).momentum({})), Randn(5, 3, 4));
  CHECK_MODULE("BatchNorm1d(70, eps=0.01, momentum=0.3)", BatchNorm1d(BatchNorm1dOptions(70).eps(0.01).momentum(0.3)), Randn(40, 70));
  CHECK_MODULE("BatchNorm1d(3, affine=False)", BatchNorm1d(BatchNorm1dOptions(3).affine(false)), Randn(5, 3, 1));
  CHECK_MODULE("BatchNorm2d(4)", BatchNorm2d(4), Randn(3, 4, 5, 6));
  CHECK_MODULE("BatchNorm2d(4, track_running_stats=False)", BatchNorm2d(BatchNorm2dOptions(4).track_running_stats(false)), Randn(3, 4, 5, 6));
  CHECK_MODULE("BatchNorm2d(1, affine=False, track_running_stats=False)", BatchNorm2d(BatchNorm2dOptions(1).affine(false).track_running_stats(false)),
               Randn(1, 1, 9, 17));
  CHECK_MODULE("BatchNorm3d(2, momentum=0.0)", BatchNorm3d(BatchNorm3dOptions(2).momentum(0.0)), Randn(2, 2, 3, 2, 5));
}

DOCTEST_TEST_CASE("instance norm as modules") {
  CHECK_MODULE("InstanceNorm1d(3)", InstanceNorm1d(3), Randn(5, 3, 4));
  CHECK_MODULE("InstanceNorm1d(3, affine=True)", InstanceNorm1d(InstanceNorm1dOptions(3).affine(true)), Randn(3, 8));
  CHECK_MODULE("InstanceNorm2d(4, affine=True, track_running_stats=True)", InstanceNorm2d(InstanceNorm2dOptions(4).affine(true).track_running_stats(true)),
               Randn(3, 4, 5, 6));
  CHECK_MODULE("InstanceNorm2d(4, eps=0.1, momentum=0.5, track_running_stats=True)",
               InstanceNorm2d(InstanceNorm2dOptions(4).eps(0.1).momentum(0.5).track_running_stats(true)), Randn(4, 5, 6));
  CHECK_MODULE("InstanceNorm3d(2)", InstanceNorm3d(2), Randn(2, 2, 3, 2, 5));
}

DOCTEST_TEST_CASE("running statistics over many steps, means over all batches included") {
  for (const bool cumulative : {false, true})
    for (const bool flat : {true, false}) {
      CAPTURE(cumulative);
      CAPTURE(flat);
      ct::nn::BatchNorm1d a(ct::nn::BatchNorm1dOptions(5).momentum(cumulative ? std::optional<double>() : 0.2));
      torch::nn::BatchNorm1d b(torch::nn::BatchNorm1dOptions(5).momentum(cumulative ? c10::optional<double>() : 0.2));
      for (int step = 0; step < 8; ++step) {
        const at::Tensor x = flat ? at::randn({6, 5}) * (step + 1) + 100 : at::randn({6, 5, 7}) * (step + 1) - 3;
        a(oracle::to_ct(x)), b(x);
      }
      CHECK(at::allclose(oracle::to_at(a->running_mean), b->running_mean, 1e-5, 1e-6));
      CHECK(at::allclose(oracle::to_at(a->running_var), b->running_var, 1e-4, 1e-6));
      CHECK(a->num_batches_tracked.item<std::int64_t>() == 8);
      a->eval(), b->eval();
      const at::Tensor x = at::randn({3, 5});
      CHECK(at::allclose(oracle::to_at(a(oracle::to_ct(x)).detach()), b(x), 1e-4, 1e-5));
    }
}

DOCTEST_TEST_CASE("nodes of normalisations have libtorch's names") {
  const ct::Tensor x = ct::randn({4, 6}).requires_grad_(), none;
  CHECK(ct::layer_norm(x, {6}).grad_fn()->name() == "NativeLayerNormBackward0");
  CHECK(ct::group_norm(x, 2).grad_fn()->name() == "NativeGroupNormBackward0");
  CHECK(ct::batch_norm(x, none, none, none, none, true, 0.1, 1e-5).grad_fn()->name() == "NativeBatchNormBackward0");
  CHECK(ct::batch_norm(x, none, none, ct::zeros({6}), ct::ones({6}), false, 0.1, 1e-5).grad_fn()->name() == "NativeBatchNormBackward0");
}

// Values far from 0, long rows, and large results written past the caches.
DOCTEST_TEST_CASE("normalisations of large inputs") {
  struct Case { std::vector<std::int64_t> shape; double shift; };
  for (const Case& c : {Case{{3000, 1030}, 0}, Case{{3, 1000003}, 5}, Case{{70, 9001}, 1000}}) {
    const at::Tensor x = (at::randn(c.shape) + c.shift).requires_grad_(), w = at::rand({c.shape[1]}).requires_grad_(), b = at::rand({c.shape[1]}).requires_grad_(),
                     g = at::randn(c.shape);
    const ct::Tensor x2 = oracle::to_ct(x.detach()).requires_grad_(), w2 = oracle::to_ct(w.detach()).requires_grad_(), b2 = oracle::to_ct(b.detach()).requires_grad_();
    const at::Tensor y = at::layer_norm(x, {c.shape[1]}, w, b);
    const ct::Tensor y2 = ct::layer_norm(x2, {c.shape[1]}, w2, b2);
    const double tolerance = c.shift > 100 ? 2e-3 : 2e-5;  // libtorch's own rounding
    CHECK(at::allclose(oracle::to_at(y2.detach()), y, tolerance, tolerance));
    y.backward(g);
    y2.backward(oracle::to_ct(g));
    CHECK(at::allclose(oracle::to_at(x2.grad()), x.grad(), tolerance, tolerance));
    CHECK(at::allclose(oracle::to_at(w2.grad()), w.grad(), 1e-3, 1e-2));
    CHECK(at::allclose(oracle::to_at(b2.grad()), b.grad(), 1e-4, 1e-3));
  }
}
