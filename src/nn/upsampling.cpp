// nn/upsampling.cpp -- resampling and sampling: modules and functions with options.
#include "cotangent/nn/upsampling.h"

#include <cmath>

#include "cotangent/nn/functional/upsampling.h"
#include "cotangent/nn/functional/vision.h"
#include "cotangent/ops/pooling.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

template class Cloneable<UpsampleImpl>;
template class Cloneable<UpsamplingNearest2dImpl>;
template class Cloneable<UpsamplingBilinear2dImpl>;

namespace {

// Python writes one number for all dimensions as it was given.
std::string text(const std::vector<std::int64_t>& v) {
  for (const std::int64_t n : v)
    if (n != v[0]) return tuple(v);
  return v.empty() ? "()" : join({v[0]});
}
std::string text(const std::vector<double>& v) {
  bool equal = !v.empty();
  for (const double n : v) equal &= n == v[0];
  if (equal) return python(v[0]);
  std::string out = "(";
  for (std::size_t i = 0; i < v.size(); ++i) out += (i ? ", " : "") + python(v[i]);
  return out += ")";
}
std::string describe(const UpsampleOptions& o) {
  std::string out;
  if (o.scale_factor()) out = join({"scale_factor=", text(*o.scale_factor())});
  else out = o.size() ? join({"size=", text(*o.size())}) : "size=None";
  return out += join({", mode=", o.mode().name()});
}
Tensor run(const Tensor& x, const UpsampleOptions& o) {
  functional::InterpolateFuncOptions f;
  f.size(o.size()).scale_factor(o.scale_factor()).mode(o.mode()).align_corners(o.align_corners()).recompute_scale_factor(o.recompute_scale_factor());
  return functional::interpolate(x, f);
}

}  // namespace

#define CT_UPSAMPLE(Name)                                             \
  Name##Impl::~Name##Impl() = default;                                \
  void Name##Impl::reset() {}                                         \
  std::string Name##Impl::extra_repr() const { return describe(options); } \
  Tensor Name##Impl::forward(const Tensor& input) { return run(input, options); }
CT_UPSAMPLE(Upsample)
CT_UPSAMPLE(UpsamplingNearest2d)
CT_UPSAMPLE(UpsamplingBilinear2d)
#undef CT_UPSAMPLE
UpsampleImpl::UpsampleImpl(const UpsampleOptions& o) : options(o) {}
UpsamplingNearest2dImpl::UpsamplingNearest2dImpl(const UpsampleOptions& o) : options(o) { options.mode(kNearest).align_corners(std::nullopt); }
UpsamplingBilinear2dImpl::UpsamplingBilinear2dImpl(const UpsampleOptions& o) : options(o) { options.mode(kBilinear).align_corners(true); }

namespace functional {

Tensor interpolate(const Tensor& x, const InterpolateFuncOptions& o) {
  CT_CHECK(x.defined(), "interpolate: the tensor is undefined");
  const InterpolateMode mode = o.mode();
  const bool places = mode.is(kNearest) || mode.is(kNearestExact) || mode.is(kArea);
  CT_CHECK(!places || !o.align_corners(), "interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear",
           "\n  The mode is ", mode.name(), ".");
  CT_CHECK(x.dim() >= 3 && x.dim() <= 5, "interpolate: Input Error: Only 3D, 4D and 5D input Tensors supported (got ", x.dim(),
           "D) for the modes: nearest | linear | bilinear | bicubic | trilinear (got ", mode.name(), ")");
  const std::int64_t needed = mode.is(kLinear) ? 3 : mode.is(kBilinear) || mode.is(kBicubic) ? 4 : mode.is(kTrilinear) ? 5 : x.dim();
  CT_CHECK(x.dim() == needed, "interpolate: Got ", x.dim(), "D input, but ", mode.name(), " mode needs ", needed, "D input");
  CT_CHECK(o.size() || o.scale_factor(), "interpolate: either size or scale_factor should be defined");
  CT_CHECK(!o.size() || !o.scale_factor(), "interpolate: only one of size or scale_factor should be defined");
  CT_CHECK(!o.antialias() || mode.is(kBilinear) || mode.is(kBicubic), "interpolate: Anti-alias option is only supported for bilinear and bicubic modes");

  const auto dims = static_cast<std::size_t>(x.dim() - 2);
  std::vector<std::int64_t> size(dims);
  std::optional<double> scale[3];
  if (o.size()) {
    const std::vector<std::int64_t>& given = *o.size();
    CT_CHECK(given.size() == dims || given.size() == 1, "interpolate: It is expected output_size equals to ", dims, ", but got size ", given.size());
    for (std::size_t d = 0; d < dims; ++d) size[d] = given[given.size() == 1 ? 0 : d];
  } else {
    const std::vector<double>& given = *o.scale_factor();
    CT_CHECK(given.size() == dims || given.size() == 1, "interpolate: scale_factor shape must match input shape. Input is ", dims, "D, scale_factor size is ",
             given.size());
    for (std::size_t d = 0; d < dims; ++d) {
      const double factor = given[given.size() == 1 ? 0 : d], n = std::floor(static_cast<double>(x.size(static_cast<std::int64_t>(d) + 2)) * factor);
      CT_CHECK(n >= 0 && n < 1e15, "interpolate: scale_factor ", factor, " is out of range");
      size[d] = static_cast<std::int64_t>(n);
      if (!o.recompute_scale_factor().value_or(false)) scale[d] = factor;
    }
  }
  const bool corners = o.align_corners().value_or(false);
  if (mode.is(kArea)) return dims == 1 ? adaptive_avg_pool1d(x, size) : dims == 2 ? adaptive_avg_pool2d(x, size) : adaptive_avg_pool3d(x, size);
  if (mode.is(kNearest))
    return dims == 1   ? upsample_nearest1d(x, size, scale[0])
           : dims == 2 ? upsample_nearest2d(x, size, scale[0], scale[1])
                       : upsample_nearest3d(x, size, scale[0], scale[1], scale[2]);
  if (mode.is(kNearestExact))
    return dims == 1   ? _upsample_nearest_exact1d(x, size, scale[0])
           : dims == 2 ? _upsample_nearest_exact2d(x, size, scale[0], scale[1])
                       : _upsample_nearest_exact3d(x, size, scale[0], scale[1], scale[2]);
  if (mode.is(kLinear)) return upsample_linear1d(x, size, corners, scale[0]);
  if (mode.is(kTrilinear)) return upsample_trilinear3d(x, size, corners, scale[0], scale[1], scale[2]);
  if (mode.is(kBilinear))
    return o.antialias() ? _upsample_bilinear2d_aa(x, size, corners, scale[0], scale[1]) : upsample_bilinear2d(x, size, corners, scale[0], scale[1]);
  return o.antialias() ? _upsample_bicubic2d_aa(x, size, corners, scale[0], scale[1]) : upsample_bicubic2d(x, size, corners, scale[0], scale[1]);
}

Tensor grid_sample(const Tensor& input, const Tensor& grid, const GridSampleFuncOptions& o) {
  return grid_sampler(input, grid, static_cast<std::int64_t>(o.mode().index()), static_cast<std::int64_t>(o.padding_mode().index()), o.align_corners().value_or(false));
}

Tensor affine_grid(const Tensor& theta, IntArrayRef size, bool align_corners) {
  CT_CHECK(theta.defined(), "affine_grid: the tensor is undefined");
  CT_CHECK(theta.is_floating_point(), "affine_grid: Expected theta to have floating point type, but got ", theta.scalar_type());
  CT_CHECK(size.size() == 4 || size.size() == 5, "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size ", size);
  const auto dims = static_cast<std::int64_t>(size.size()) - 2;
  CT_CHECK(theta.dim() == 3 && theta.size(-2) == dims && theta.size(-1) == dims + 1, "affine_grid: Expected a batch of ", dims, "D affine matrices of shape Nx", dims,
           "x", dims + 1, " for size ", size, ". Got ", theta.sizes(), ".");
  bool positive = true;
  for (const std::int64_t n : size) positive &= n > 0;
  CT_CHECK(positive, "affine_grid: Expected non-zero, positive output size. Got ", size);
  return affine_grid_generator(theta, size, align_corners);
}

}  // namespace functional

}  // namespace ct::nn
