// tests/oracle/upsampling_oracle.cpp -- what libtorch computes for resampling and sampling: operations, modules, functions.
#include "oracle/nn_check.h"

#include "cotangent/nn/functional/upsampling.h"
#include "cotangent/nn/functional/vision.h"
#include "ops/grid_attrs.h"
#include "ops/upsample_attrs.h"

namespace {
using ct::detail::AffineAttrs;
using ct::detail::GridAttrs;
using ct::detail::UpsampleAttrs;

at::IntArrayRef tail(const std::int64_t* v, std::int64_t dims) { return {v + 3 - dims, static_cast<std::size_t>(dims)}; }
const UpsampleAttrs& up(const void* p) { return oracle::attrs<UpsampleAttrs>(p); }
at::IntArrayRef out(const void* p) { return tail(up(p).out, up(p).dims); }
c10::optional<double> scale(const void* p, int d) { return up(p).scale[d] != 0 ? c10::optional<double>(up(p).scale[d]) : c10::nullopt; }
const char* const helper = "a helper of our own; the gradients of the resampling compare it";
}  // namespace

#define UP1(name) {#name, [](const Inputs& in, const void* p) -> Outputs { return {at::name(in[0], out(p), scale(p, 2))}; }}
#define UP2(name) {#name, [](const Inputs& in, const void* p) -> Outputs { return {at::name(in[0], out(p), scale(p, 1), scale(p, 2))}; }}
#define UP3(name) {#name, [](const Inputs& in, const void* p) -> Outputs { return {at::name(in[0], out(p), scale(p, 0), scale(p, 1), scale(p, 2))}; }}
#define LINEAR2(name) \
  {#name, [](const Inputs& in, const void* p) -> Outputs { return {at::name(in[0], out(p), up(p).align_corners, scale(p, 1), scale(p, 2))}; }, {1e-9, 1e-3}}

CT_ORACLE(upsampling) {
  return {
      UP1(upsample_nearest1d),
      UP2(upsample_nearest2d),
      UP3(upsample_nearest3d),
      UP1(_upsample_nearest_exact1d),
      UP2(_upsample_nearest_exact2d),
      UP3(_upsample_nearest_exact3d),
      {"upsample_linear1d", [](const Inputs& in, const void* p) -> Outputs { return {at::upsample_linear1d(in[0], out(p), up(p).align_corners, scale(p, 2))}; }, {1e-9, 1e-4}},
      LINEAR2(upsample_bilinear2d),
      LINEAR2(upsample_bicubic2d),
      LINEAR2(_upsample_bilinear2d_aa),
      LINEAR2(_upsample_bicubic2d_aa),
      {"upsample_trilinear3d", [](const Inputs& in, const void* p) -> Outputs {
         return {at::upsample_trilinear3d(in[0], out(p), up(p).align_corners, scale(p, 0), scale(p, 1), scale(p, 2))};
       }, {1e-9, 1e-4}},
      {"upsample_nearest1d_backward", none(helper)},
      {"upsample_nearest2d_backward", none(helper)},
      {"upsample_nearest3d_backward", none(helper)},
      {"_upsample_nearest_exact1d_backward", none(helper)},
      {"_upsample_nearest_exact2d_backward", none(helper)},
      {"_upsample_nearest_exact3d_backward", none(helper)},
      {"upsample_linear1d_backward", none(helper)},
      {"upsample_bilinear2d_backward", none(helper)},
      {"upsample_trilinear3d_backward", none(helper)},
      {"upsample_bicubic2d_backward", none(helper)},
      {"_upsample_bilinear2d_aa_backward", none(helper)},
      {"_upsample_bicubic2d_aa_backward", none(helper)},
      {"grid_sampler_2d", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<GridAttrs>(p);
         return {at::grid_sampler_2d(in[0], in[1], a.mode, a.padding, a.align_corners)};
       }, {1e-9, 2e-4}},
      {"grid_sampler_3d", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<GridAttrs>(p);
         return {at::grid_sampler_3d(in[0], in[1], a.mode, a.padding, a.align_corners)};
       }, {1e-9, 2e-4}},
      {"affine_grid_generator", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<AffineAttrs>(p);
         std::vector<std::int64_t> size{in[0].size(0), 1};
         size.insert(size.end(), a.size + 3 - a.dims, a.size + 3);
         return {at::affine_grid_generator(in[0], size, a.align_corners)};
       }},
  };
}

namespace {
namespace A = ct::nn::functional;
namespace B = torch::nn::functional;
void near(const ct::Tensor& a, const at::Tensor& b, double tolerance) {
  const at::Tensor x = oracle::to_at(a.detach());
  REQUIRE(x.sizes() == b.sizes());
  CHECK(at::allclose(x.to(at::kDouble), b.detach().to(at::kDouble), tolerance, tolerance, true));
}
void set_mode(int mode, A::InterpolateFuncOptions& a, B::InterpolateFuncOptions& b) {
  switch (mode) {
    case 0: a.mode(ct::kNearest), b.mode(torch::kNearest); break;
    case 1: a.mode(ct::kLinear), b.mode(torch::kLinear); break;
    case 2: a.mode(ct::kBilinear), b.mode(torch::kBilinear); break;
    case 3: a.mode(ct::kBicubic), b.mode(torch::kBicubic); break;
    case 4: a.mode(ct::kTrilinear), b.mode(torch::kTrilinear); break;
    case 5: a.mode(ct::kArea), b.mode(torch::kArea); break;
    default: a.mode(ct::kNearestExact), b.mode(torch::kNearestExact);
  }
}
}  // namespace

TEST_CASE("upsampling modules") {
  CHECK_MODULE("Upsample(scale_factor=2)", Upsample(UpsampleOptions().scale_factor(std::vector<double>{2, 2})), Randn(2, 3, 4, 5));
  CHECK_MODULE("Upsample(size=3)", Upsample(UpsampleOptions().size(std::vector<std::int64_t>{3})), Randn(2, 3, 7));
  CHECK_MODULE("Upsample(scale_factor=(2, 1.5), mode='bilinear')", Upsample(UpsampleOptions().scale_factor(std::vector<double>{2, 1.5}).mode(kBilinear)),
               Randn(2, 3, 4, 5));
  CHECK_MODULE("Upsample(size=(5, 9), mode='bilinear', align_corners=True)",
               Upsample(UpsampleOptions().size(std::vector<std::int64_t>{5, 9}).mode(kBilinear).align_corners(true)), Randn(2, 3, 4, 5));
  CHECK_MODULE("Upsample(scale_factor=3.0, mode='linear', align_corners=False)",
               Upsample(UpsampleOptions().scale_factor(std::vector<double>{3}).mode(kLinear).align_corners(false)), Randn(2, 3, 4));
  oracle::ModuleCase cubic =
      MODULE_CASE("Upsample(scale_factor=2.5, mode='bicubic')", Upsample(UpsampleOptions().scale_factor(std::vector<double>{2.5, 2.5}).mode(kBicubic)), Randn(1, 2, 4, 5));
  cubic.bfloat16 = false;  // libtorch rounds each weight to bfloat16
  oracle::check_module(cubic);
  CHECK_MODULE("Upsample(size=(4, 3, 5), mode='trilinear')", Upsample(UpsampleOptions().size(std::vector<std::int64_t>{4, 3, 5}).mode(kTrilinear)),
               Randn(1, 2, 2, 4, 3));
}

TEST_CASE("F::interpolate agrees over modes, sizes and scales, values and gradients") {
  int compared = 0;
  for (const at::ScalarType type : {at::kDouble, at::kFloat})
    for (int dims = 1; dims <= 3; ++dims)
      for (int mode = 0; mode < 7; ++mode)
        for (int corners = -1; corners < 2; ++corners)
          for (int recompute = -1; recompute < 2; ++recompute)
            for (int what = 0; what < 9; ++what)
              for (const bool smooth : {false, true}) {
                if (smooth && (recompute != -1 || (mode != 2 && mode != 3))) continue;
                if (mode == 6 && corners >= 0) continue;  // refused, as in Python
                A::InterpolateFuncOptions a;
                B::InterpolateFuncOptions b;
                set_mode(mode, a, b);
                const auto n = static_cast<std::size_t>(dims);
                if (what < 4) {
                  const std::vector<std::int64_t> sizes = std::vector<std::vector<std::int64_t>>{{3, 9, 4}, {1, 1, 1}, {5, 6, 7}, {13, 2, 17}}[static_cast<std::size_t>(what)];
                  a.size(std::vector<std::int64_t>(sizes.begin(), sizes.begin() + dims)), b.size(std::vector<std::int64_t>(sizes.begin(), sizes.begin() + dims));
                } else if (what < 8) {
                  const double s = std::vector<double>{2, 1.7, 0.6, 0.34}[static_cast<std::size_t>(what - 4)];
                  a.scale_factor(std::vector<double>(n, s)), b.scale_factor(std::vector<double>(n, s));
                }
                if (corners >= 0) a.align_corners(corners == 1), b.align_corners(corners == 1);
                if (recompute >= 0) a.recompute_scale_factor(recompute == 1), b.recompute_scale_factor(recompute == 1);
                a.antialias(smooth), b.antialias(smooth);
                std::vector<std::int64_t> shape{2, 2, 5, 6, 7};
                shape.resize(2 + n);
                at::Tensor x = torch::randn(shape, type);
                ct::Tensor y = oracle::to_ct(x);
                x.requires_grad_(), y.requires_grad_();
                CAPTURE(dims);
                CAPTURE(mode);
                CAPTURE(corners);
                CAPTURE(recompute);
                CAPTURE(what);
                CAPTURE(smooth);
                at::Tensor expected;
                try {
                  expected = B::interpolate(x, b);
                } catch (const std::exception&) {
                  CHECK_THROWS_AS(A::interpolate(y, a), ct::Error);
                  continue;
                }
                const double tolerance = type == at::kDouble ? 1e-11 : 3e-5;
                const ct::Tensor got = A::interpolate(y, a);
                near(got, expected, tolerance);
                got.sin().sum().backward();
                expected.sin().sum().backward();
                near(y.grad(), x.grad(), type == at::kDouble ? 1e-10 : 2e-4);
                ++compared;
              }
  CHECK(compared > 500);
}

TEST_CASE("F::grid_sample and F::affine_grid agree, also far outside and at NaN") {
  torch::manual_seed(2);
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const at::ScalarType type : {at::kDouble, at::kFloat})
    for (const int dims : {2, 3})
      for (const bool corners : {false, true})
        for (int mode = 0; mode < 3; ++mode)
          for (int padding = 0; padding < 3; ++padding) {
            if (dims == 3 && mode == 2) continue;
            const at::Tensor x = dims == 2 ? torch::randn({2, 3, 5, 4}, type) : torch::randn({2, 2, 3, 4, 5}, type);
            at::Tensor grid = dims == 2 ? torch::randn({2, 6, 7, 2}, type) : torch::randn({2, 3, 4, 5, 3}, type);
            grid = grid * 1.5;
            grid.view({-1})[0] = 7.3;
            grid.view({-1})[3] = -41;
            grid.view({-1})[5] = 1;
            grid.view({-1})[6] = -1;
            at::Tensor p = x.clone().requires_grad_(), q = grid.clone().requires_grad_();
            ct::Tensor r = oracle::to_ct(x).requires_grad_(), s = oracle::to_ct(grid).requires_grad_();
            CAPTURE(dims);
            CAPTURE(mode);
            CAPTURE(padding);
            CAPTURE(corners);
            const at::Tensor expected = at::grid_sampler(p, q, mode, padding, corners);
            const ct::Tensor got = ct::grid_sampler(r, s, mode, padding, corners);
            const double tolerance = type == at::kDouble ? 1e-10 : 1e-4;
            near(got, expected, tolerance);
            expected.sin().sum().backward();
            got.sin().sum().backward();
            near(r.grad(), p.grad(), tolerance);
            near(s.grad(), q.grad(), type == at::kDouble ? 1e-9 : 5e-3);
            // No crash, whatever the places are.
            at::Tensor wild = grid.clone();
            wild.view({-1})[0] = inf, wild.view({-1})[3] = -inf, wild.view({-1})[4] = nan, wild.view({-1})[7] = 1e30;
            ct::Tensor t = oracle::to_ct(wild).requires_grad_();
            ct::grid_sampler(r, t, mode, padding, corners).sum().backward();
          }
  A::GridSampleFuncOptions a;
  a.mode(ct::kNearest).padding_mode(ct::kReflection).align_corners(true);
  B::GridSampleFuncOptions b;
  b.mode(torch::kNearest).padding_mode(torch::kReflection).align_corners(true);
  for (const bool corners : {false, true}) {
    const at::Tensor theta = torch::randn({2, 2, 3}), x = torch::randn({2, 1, 4, 5});
    const at::Tensor expected = B::affine_grid(theta, {2, 1, 3, 4}, corners);
    const ct::Tensor got = A::affine_grid(oracle::to_ct(theta), {2, 1, 3, 4}, corners);
    near(got, expected, 1e-6);
    near(A::grid_sample(oracle::to_ct(x), got, a), B::grid_sample(x, expected, b), 1e-6);
  }
}
