// tests/oracle/pooling_oracle.cpp -- what libtorch computes for pooling: the operations and the modules.
#include "oracle/nn_check.h"

#include "cotangent/nn/functional/pooling.h"
#include "ops/pool_windows.h"

namespace {
using ct::detail::PlaneAttrs;
using ct::detail::PoolAttrs;

// The places in use.
at::IntArrayRef tail(const std::int64_t* v, std::int64_t dims) { return {v + 3 - dims, static_cast<std::size_t>(dims)}; }
const PoolAttrs& pool(const void* p) { return oracle::attrs<PoolAttrs>(p); }
c10::optional<std::int64_t> divisor(const PoolAttrs& a) { return a.divisor ? c10::optional<std::int64_t>(a.divisor) : c10::nullopt; }
oracle::Outputs both(const std::tuple<at::Tensor, at::Tensor>& t) { return {std::get<0>(t), std::get<1>(t)}; }
const char* const helper = "a helper of our own; the gradients of the pooling compare it";
}  // namespace

CT_ORACLE(pooling) {
  return {
      {"max_pool2d_with_indices", [](const Inputs& in, const void* p) -> Outputs {
         const PoolAttrs& a = pool(p);
         return both(at::max_pool2d_with_indices(in[0], tail(a.kernel, 2), tail(a.stride, 2), tail(a.padding, 2), tail(a.dilation, 2), a.ceil_mode));
       }},
      {"max_pool3d_with_indices", [](const Inputs& in, const void* p) -> Outputs {
         const PoolAttrs& a = pool(p);
         return both(at::max_pool3d_with_indices(in[0], a.kernel, a.stride, a.padding, a.dilation, a.ceil_mode));
       }},
      {"adaptive_max_pool2d", [](const Inputs& in, const void* p) -> Outputs { return both(at::adaptive_max_pool2d(in[0], tail(pool(p).out, 2))); }},
      {"adaptive_max_pool3d", [](const Inputs& in, const void* p) -> Outputs { return both(at::adaptive_max_pool3d(in[0], pool(p).out)); }},
      {"fractional_max_pool2d", [](const Inputs& in, const void* p) -> Outputs {
         return both(at::fractional_max_pool2d(in[0], tail(pool(p).kernel, 2), tail(pool(p).out, 2), in[1]));
       }},
      {"fractional_max_pool3d", [](const Inputs& in, const void* p) -> Outputs {
         return both(at::fractional_max_pool3d(in[0], pool(p).kernel, pool(p).out, in[1]));
       }},
      {"max_unpool2d", [](const Inputs& in, const void* p) -> Outputs { return {at::max_unpool2d(in[0], in[1], tail(attrs<PlaneAttrs>(p).sizes, 2))}; }},
      {"max_unpool3d", [](const Inputs& in, const void* p) -> Outputs {
         return {at::max_unpool3d(in[0], in[1], attrs<PlaneAttrs>(p).sizes, {1, 1, 1}, {0, 0, 0})};
       }},
      {"avg_pool2d", [](const Inputs& in, const void* p) -> Outputs {
         const PoolAttrs& a = pool(p);
         return {at::avg_pool2d(in[0], tail(a.kernel, 2), tail(a.stride, 2), tail(a.padding, 2), a.ceil_mode, a.count_include_pad, divisor(a))};
       }},
      {"avg_pool3d", [](const Inputs& in, const void* p) -> Outputs {
         const PoolAttrs& a = pool(p);
         return {at::avg_pool3d(in[0], a.kernel, a.stride, a.padding, a.ceil_mode, a.count_include_pad, divisor(a))};
       }},
      {"_adaptive_avg_pool2d", [](const Inputs& in, const void* p) -> Outputs { return {at::_adaptive_avg_pool2d(in[0], tail(pool(p).out, 2))}; }},
      {"_adaptive_avg_pool3d", [](const Inputs& in, const void* p) -> Outputs { return {at::_adaptive_avg_pool3d(in[0], pool(p).out)}; }},
      {"max_pool2d_with_indices_backward", none(helper)},
      {"max_pool3d_with_indices_backward", none(helper)},
      {"adaptive_max_pool2d_backward", none(helper)},
      {"adaptive_max_pool3d_backward", none(helper)},
      {"fractional_max_pool2d_backward", none(helper)},
      {"fractional_max_pool3d_backward", none(helper)},
      {"avg_pool2d_backward", none(helper)},
      {"avg_pool3d_backward", none(helper)},
      {"_adaptive_avg_pool2d_backward", none(helper)},
      {"_adaptive_avg_pool3d_backward", none(helper)},
  };
}

TEST_CASE("pooling modules: windows") {
  CHECK_MODULE("MaxPool1d(3)", MaxPool1d(3), Randn(2, 3, 10));
  CHECK_MODULE("MaxPool1d(3, stride=2, padding=1, dilation=2, ceil_mode=True)",
               MaxPool1d(MaxPool1dOptions(3).stride(2).padding(1).dilation(2).ceil_mode(true)), Randn(3, 10));
  CHECK_MODULE("MaxPool2d(2)", MaxPool2d(2), Randn(2, 3, 8, 6));
  CHECK_MODULE("MaxPool2d(2)", MaxPool2d(2), Randn(2, 3, 9, 7));
  CHECK_MODULE("MaxPool2d(3, stride=2, padding=1)", MaxPool2d(MaxPool2dOptions(3).stride(2).padding(1)), Randn(2, 3, 9, 8));
  CHECK_MODULE("MaxPool2d(3, stride=1, padding=1)", MaxPool2d(MaxPool2dOptions(3).stride(1).padding(1)), Randn(2, 3, 4, 2));
  CHECK_MODULE("MaxPool2d(3, stride=3)", MaxPool2d(MaxPool2dOptions(3).stride(3)), Randn(3, 9, 3));
  CHECK_MODULE("MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0))", MaxPool2d(MaxPool2dOptions({3, 2}).stride({2, 1}).padding({1, 0})), Randn(3, 8, 6));
  CHECK_MODULE("MaxPool2d(2, stride=2, ceil_mode=True)", MaxPool2d(MaxPool2dOptions(2).stride(2).ceil_mode(true)), Randn(1, 2, 5, 7));
  CHECK_MODULE("MaxPool2d(3, stride=2, dilation=2)", MaxPool2d(MaxPool2dOptions(3).stride(2).dilation(2)), Randn(1, 2, 9, 11));
  CHECK_MODULE("MaxPool3d(2)", MaxPool3d(2), Randn(2, 2, 4, 6, 5));
  CHECK_MODULE("MaxPool3d(3, stride=2, padding=1, ceil_mode=True)", MaxPool3d(MaxPool3dOptions(3).stride(2).padding(1).ceil_mode(true)), Randn(2, 4, 6, 5));
  CHECK_MODULE("AvgPool1d(3)", AvgPool1d(3), Randn(2, 3, 10));
  CHECK_MODULE("AvgPool1d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)",
               AvgPool1d(AvgPool1dOptions(3).stride(2).padding(1).ceil_mode(true).count_include_pad(false)), Randn(3, 10));
  CHECK_MODULE("AvgPool2d(2)", AvgPool2d(2), Randn(2, 3, 8, 7));
  CHECK_MODULE("AvgPool2d(3, stride=2, padding=1)", AvgPool2d(AvgPool2dOptions(3).stride(2).padding(1)), Randn(2, 3, 8, 7));
  CHECK_MODULE("AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)",
               AvgPool2d(AvgPool2dOptions(3).stride(2).padding(1).ceil_mode(true).count_include_pad(false)), Randn(3, 8, 7));
  CHECK_MODULE("AvgPool2d((3, 1), divisor_override=2)", AvgPool2d(AvgPool2dOptions({3, 1}).divisor_override(2)), Randn(2, 3, 8, 7));
  CHECK_MODULE("AvgPool3d(2, stride=1, padding=1)", AvgPool3d(AvgPool3dOptions(2).stride(1).padding(1)), Randn(2, 2, 4, 3, 5));
  CHECK_MODULE("LPPool1d(2, 3)", LPPool1d(LPPool1dOptions(2, 3)), Rand(2, 3, 10));
  CHECK_MODULE("LPPool2d(2, 3, stride=2)", LPPool2d(LPPool2dOptions(2, 3).stride(2)), Randn(2, 3, 8, 7));
  CHECK_MODULE("LPPool2d(1.5, (3, 2), ceil_mode=True)", LPPool2d(LPPool2dOptions(1.5, {3, 2}).ceil_mode(true)), Rand(2, 3, 8, 7));
}

TEST_CASE("pooling modules: adaptive, fractional") {
  CHECK_MODULE("AdaptiveMaxPool1d(4)", AdaptiveMaxPool1d(4), Randn(2, 3, 10));
  CHECK_MODULE("AdaptiveMaxPool2d(3)", AdaptiveMaxPool2d(3), Randn(2, 3, 8, 7));
  CHECK_MODULE("AdaptiveMaxPool2d((5, 2))", AdaptiveMaxPool2d(AdaptiveMaxPool2dOptions({5, 2})), Randn(3, 8, 7));
  CHECK_MODULE("AdaptiveMaxPool3d(2)", AdaptiveMaxPool3d(2), Randn(2, 2, 4, 3, 5));
  CHECK_MODULE("AdaptiveAvgPool1d(4)", AdaptiveAvgPool1d(4), Randn(2, 3, 10));
  CHECK_MODULE("AdaptiveAvgPool1d(1)", AdaptiveAvgPool1d(1), Randn(3, 10));
  CHECK_MODULE("AdaptiveAvgPool2d(1)", AdaptiveAvgPool2d(1), Randn(2, 3, 8, 7));
  CHECK_MODULE("AdaptiveAvgPool2d((5, 2))", AdaptiveAvgPool2d(AdaptiveAvgPool2dOptions({5, 2})), Randn(3, 8, 7));
  CHECK_MODULE("AdaptiveAvgPool3d(2)", AdaptiveAvgPool3d(2), Randn(2, 2, 4, 3, 5));
  CHECK_MODULE("FractionalMaxPool2d(2, output_size=3)", FractionalMaxPool2d(FractionalMaxPool2dOptions(2).output_size(3)), Randn(2, 3, 8, 7));
  CHECK_MODULE("FractionalMaxPool2d((2, 3), output_ratio=(0.5, 0.4))",
               FractionalMaxPool2d(FractionalMaxPool2dOptions({2, 3}).output_ratio({{0.5, 0.4}})), Randn(3, 8, 9));
  CHECK_MODULE("FractionalMaxPool3d(2, output_size=3)", FractionalMaxPool3d(FractionalMaxPool3dOptions(2).output_size(3)), Randn(2, 3, 6, 8, 7));
}

TEST_CASE("normalisation by neighbouring channels, distances") {
  CHECK_MODULE("LocalResponseNorm(3)", LocalResponseNorm(3), Randn(2, 5, 4));
  CHECK_MODULE("LocalResponseNorm(2, alpha=0.5, beta=0.6, k=2.0)", LocalResponseNorm(LocalResponseNormOptions(2).alpha(0.5).beta(0.6).k(2)), Randn(2, 5, 4, 3));
  CHECK_MODULE("LocalResponseNorm(4, alpha=0.5)", LocalResponseNorm(LocalResponseNormOptions(4).alpha(0.5)), Randn(2, 3, 2, 3, 2));
  CHECK_MODULE("CosineSimilarity(dim=1)", CosineSimilarity(), Randn(4, 5), Randn(4, 5));
  CHECK_MODULE("CosineSimilarity(dim=0, eps=0.001)", CosineSimilarity(CosineSimilarityOptions().dim(0).eps(0.001)), Randn(4, 5), Randn(4, 5));
  CHECK_MODULE("PairwiseDistance()", PairwiseDistance(), Randn(4, 5), Randn(4, 5));
  CHECK_MODULE("PairwiseDistance(p=1, eps=0.001, keepdim=True)", PairwiseDistance(PairwiseDistanceOptions().p(1).eps(0.001).keepdim(true)), Randn(4, 5), Randn(4, 5));
}

namespace {
namespace A = ct::nn::functional;
namespace B = torch::nn::functional;
void same(const ct::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = oracle::to_at(a.detach());
  REQUIRE(x.sizes() == b.sizes());
  CHECK(at::allclose(x.to(at::kDouble), b.detach().to(at::kDouble), 1e-12, 1e-12, true));
}
}  // namespace

// libtorch never takes channel 0 out of its running sum, and its gradient looks at windows one channel off; so only values are
// compared, where no window leaves channel 0 behind.
TEST_CASE("CrossMapLRN2d agrees where libtorch's windows are right") {
  torch::manual_seed(4);
  const at::Tensor x = torch::randn({2, 3, 4, 5}, at::kDouble);
  ct::nn::CrossMapLRN2d a(ct::nn::CrossMapLRN2dOptions(5).alpha(0.5).beta(0.6).k(2));
  torch::nn::CrossMapLRN2d b(torch::nn::CrossMapLRN2dOptions(5).alpha(0.5).beta(0.6).k(2));
  same(a(oracle::to_ct(x)), b(x));
  CHECK(ct::nn::to_string(*a) == "CrossMapLRN2d(5, alpha=0.5, beta=0.6, k=2)");
  // Windows of odd size are those of LocalResponseNorm.
  const ct::Tensor y = ct::randn({2, 6, 3, 3}, ct::kDouble);
  CHECK(ct::allclose(ct::nn::CrossMapLRN2d(ct::nn::CrossMapLRN2dOptions(3).alpha(0.5))(y), ct::nn::LocalResponseNorm(ct::nn::LocalResponseNormOptions(3).alpha(0.5))(y)));
}

TEST_CASE("adaptive pooling keeps sizes, forms with indices, and unpooling") {
  torch::manual_seed(3);
  const at::Tensor x = torch::randn({2, 3, 6, 8}, at::kDouble).requires_grad_();
  ct::Tensor y = oracle::to_ct(x.detach()).requires_grad_();
  ct::nn::AdaptiveMaxPool2d a(ct::nn::AdaptiveMaxPool2dOptions({std::nullopt, 3}));
  torch::nn::AdaptiveMaxPool2d b(torch::nn::AdaptiveMaxPool2dOptions({c10::nullopt, 3}));
  CHECK(ct::nn::to_string(*a) == "AdaptiveMaxPool2d(output_size=(None, 3))");
  const auto [av, ai] = a->forward_with_indices(y);
  const auto [bv, bi] = b->forward_with_indices(x);
  same(av, bv), same(ai, bi);
  ct::nn::AdaptiveAvgPool2d c(ct::nn::AdaptiveAvgPool2dOptions({4, std::nullopt}));
  torch::nn::AdaptiveAvgPool2d d(torch::nn::AdaptiveAvgPool2dOptions({4, c10::nullopt}));
  same(c(y), d(x));

  // 1d, 2d, 3d: the elements of a pooling put back, and gradients through both.
  for (int dims = 1; dims <= 3; ++dims)
    for (const bool given : {false, true}) {
      CAPTURE(dims);
      std::vector<std::int64_t> shape{2, 3};
      for (int k = 0; k < dims; ++k) shape.push_back(7 + k);
      const at::Tensor p = torch::randn(shape, at::kDouble).requires_grad_();
      ct::Tensor q = oracle::to_ct(p.detach()).requires_grad_();
      at::Tensor r;
      ct::Tensor s;
      if (dims == 1) {
        const auto [v, i] = B::max_pool1d_with_indices(p, B::MaxPool1dFuncOptions(2).stride(2));
        const auto [w, j] = A::max_pool1d_with_indices(q, A::MaxPool1dFuncOptions(2).stride(2));
        same(w, v), same(j, i);
        if (given) {
          r = B::max_unpool1d(v, i, B::MaxUnpool1dFuncOptions(2).stride(2).output_size(shape));
          s = A::max_unpool1d(w, j, A::MaxUnpool1dFuncOptions(2).stride(2).output_size(shape));
        } else {
          r = torch::nn::MaxUnpool1d(2)(v, i);
          s = ct::nn::MaxUnpool1d(2)(w, j);
        }
      } else if (dims == 2) {
        const auto [v, i] = torch::nn::MaxPool2d(2)->forward_with_indices(p);
        const auto [w, j] = ct::nn::MaxPool2d(2)->forward_with_indices(q);
        same(w, v), same(j, i);
        if (given) {
          r = torch::nn::MaxUnpool2d(2)->forward(v, i, shape);
          s = ct::nn::MaxUnpool2d(2)->forward(w, j, shape);
        } else {
          // Other sizes than x's: the places name other elements.
          r = torch::nn::MaxUnpool2d(3)->forward(v, i);
          s = ct::nn::MaxUnpool2d(3)->forward(w, j);
        }
      } else {
        const auto [v, i] = torch::nn::MaxPool3d(2)->forward_with_indices(p);
        const auto [w, j] = ct::nn::MaxPool3d(2)->forward_with_indices(q);
        same(w, v), same(j, i);
        r = torch::nn::MaxUnpool3d(2)->forward(v, i, shape);
        s = ct::nn::MaxUnpool3d(2)->forward(w, j, shape);
      }
      same(s, r);
      r.sin().sum().backward();
      s.sin().sum().backward();
      same(q.grad(), p.grad());
    }
}

TEST_CASE("the largest elements: NaN, infinities and ties as in libtorch") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  std::vector<double> v{1, nan, -inf, -inf, 2, 2, nan, nan, -inf, -inf, 3, inf, inf, 0, 0, 0, nan, 1, 5, -1, -inf, inf, inf, 7, 7, 7, 1, -0.0, 0.0, -inf, 4, nan};
  for (int k = 0; k < 40; ++k) v.push_back(static_cast<double>(k * k % 7));
  const at::Tensor x = torch::tensor(v, at::kDouble).view({2, 6, 6});
  const ct::Tensor y = oracle::to_ct(x);
  for (const auto& [kernel, stride, pad, dilation] : {std::tuple{2, 2, 0, 1}, {3, 1, 1, 1}, {3, 2, 1, 1}, {3, 3, 0, 1}, {2, 1, 1, 2}, {4, 2, 2, 1}, {3, 2, 0, 1}})
    for (const bool ceil : {false, true}) {
      CAPTURE(kernel);
      CAPTURE(stride);
      const auto [bv, bi] = at::max_pool2d_with_indices(x, kernel, stride, pad, dilation, ceil);
      const auto [av, ai] = ct::max_pool2d_with_indices(y, {kernel}, {stride}, {pad}, {dilation}, ceil);
      same(av, bv), same(ai, bi);
    }
  for (int out = 1; out < 8; ++out) {
    const auto [bv, bi] = at::adaptive_max_pool2d(x, {out, 3});
    const auto [av, ai] = ct::adaptive_max_pool2d(y, {out, 3});
    same(av, bv), same(ai, bi);
  }
}

TEST_CASE("the mean of whole numbers is a whole number, as in libtorch") {
  const at::Tensor x = at::arange(-20, 16).view({1, 6, 6});
  same(ct::avg_pool2d(oracle::to_ct(x), {3}, {2}, {1}), at::avg_pool2d(x, 3, 2, 1));
}

TEST_CASE("pooling of wide rows agrees over kernels, strides and margins") {
  torch::manual_seed(5);
  int compared = 0;
  for (const at::ScalarType type : {at::kDouble, at::kFloat})
    for (const auto& [height, width] : {std::pair{5, 37}, {8, 70}, {3, 16}, {9, 17}, {7, 33}})
      for (const int kernel : {1, 2, 3, 5})
        for (const int stride : {1, 2, 3, 5})
          for (const int pad : {0, 1, 2})
            for (const bool ceil : {false, true}) {
              if (pad > kernel / 2 || kernel > height) continue;
              CAPTURE(height);
              CAPTURE(width);
              CAPTURE(kernel);
              CAPTURE(stride);
              CAPTURE(pad);
              CAPTURE(ceil);
              at::Tensor p = torch::randint(-2, 3, {2, 2, height, width}).to(type);  // many ties
              ct::Tensor q = oracle::to_ct(p);
              p.requires_grad_(), q.requires_grad_();
              const auto [v, i] = at::max_pool2d_with_indices(p, kernel, stride, pad, 1, ceil);
              const auto [w, j] = ct::max_pool2d_with_indices(q, {kernel}, {stride}, {pad}, {1}, ceil);
              CHECK(at::equal(oracle::to_at(w.detach()), v.detach()));
              CHECK(at::equal(oracle::to_at(j), i));
              const at::Tensor g = torch::randn_like(v);
              v.backward(g);
              w.backward(oracle::to_ct(g));
              CHECK(at::allclose(oracle::to_at(q.grad()), p.grad(), 1e-5, 1e-5));
              at::Tensor x = torch::randn({2, 2, height, width}, type);
              ct::Tensor y = oracle::to_ct(x);
              x.requires_grad_(), y.requires_grad_();
              const at::Tensor expected = at::avg_pool2d(x, kernel, stride, pad, ceil, stride % 2 == 0);
              const ct::Tensor got = ct::avg_pool2d(y, {kernel}, {stride}, {pad}, ceil, stride % 2 == 0);
              CHECK(at::allclose(oracle::to_at(got.detach()), expected.detach(), 1e-6, 1e-6));
              expected.backward(g);
              got.backward(oracle::to_ct(g));
              CHECK(at::allclose(oracle::to_at(y.grad()), x.grad(), 1e-5, 1e-5));
              ++compared;
            }
  CHECK(compared > 300);
}
