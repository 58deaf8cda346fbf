// ops/grid_sample.cpp -- an image at given places, with gradients for the image and the places; grids of affine maps.
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "ops/grid_attrs.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::AffineAttrs;
using detail::GridAttrs;

namespace {

// ---- places ---------------------------------------------------------------------------------------------------------------

enum { linear = 0, nearest = 1, cubic = 2 };
enum { zero = 0, border = 1, reflection = 2 };

// A number and its derivative by the coordinate in the grid.
template <class T>
struct Dual {
  T v, d;
};

// Mirrors at two places, given doubled so that they are whole.
template <class T>
Dual<T> mirrored(Dual<T> x, std::int64_t twice_low, std::int64_t twice_high) {
  if (twice_low == twice_high) return {0, 0};
  const T low = static_cast<T>(twice_low) / 2, span = static_cast<T>(twice_high - twice_low) / 2;
  T d = x.d, at = x.v - low;
  if (at < 0) at = -at, d = -d;
  const T extra = std::fmod(at, span), flips = std::floor(at / span);
  return std::fmod(flips, T(2)) == 0 ? Dual<T>{extra + low, d} : Dual<T>{span - extra + low, -d};
}
template <class T>
Dual<T> clipped(Dual<T> x, std::int64_t size) {
  if (!(x.v > 0)) return {0, 0};  // also NaN
  return x.v >= static_cast<T>(size - 1) ? Dual<T>{static_cast<T>(size - 1), 0} : x;
}
// A place outside, as the padding mode sees it.
template <class T>
Dual<T> padded(Dual<T> x, std::int64_t size, const GridAttrs& a) {
  if (a.padding == border) return clipped(x, size);
  if (a.padding == reflection) return clipped(a.align_corners ? mirrored(x, 0, 2 * (size - 1)) : mirrored(x, -1, 2 * size - 1), size);
  return x;
}

// Along one dimension: which elements count (-1: a zero outside), with weights and their derivatives by the coordinate.
template <class T>
struct Line {
  int n = 0;
  std::int64_t at[4];
  T weight[4], slope[4];

  void add(T place, std::int64_t size, T w, T s) {
    at[n] = place >= 0 && place < static_cast<T>(size) ? static_cast<std::int64_t>(place) : -1;
    weight[n] = w;
    slope[n++] = s;
  }
  Line(T coordinate, std::int64_t size, const GridAttrs& a) {
    const auto length = static_cast<T>(size);
    Dual<T> x = a.align_corners ? Dual<T>{(coordinate + 1) / 2 * (length - 1), (length - 1) / 2} : Dual<T>{((coordinate + 1) * length - 1) / 2, length / 2};
    if (a.mode == cubic) {
      const T first = std::floor(x.v), t = x.v - first, c = T(-0.75);
      const T s = 1 - t, near_t = ((c + 2) * t - (c + 3)) * t * t + 1, near_s = ((c + 2) * s - (c + 3)) * s * s + 1;
      const T far_t = ((c * (t + 1) - 5 * c) * (t + 1) + 8 * c) * (t + 1) - 4 * c, far_s = ((c * (s + 1) - 5 * c) * (s + 1) + 8 * c) * (s + 1) - 4 * c;
      const auto near_slope = [&](T u) { return (3 * (c + 2) * u - 2 * (c + 3)) * u; };
      const auto far_slope = [&](T u) { return (3 * c * u - 10 * c) * u + 8 * c; };
      const T w[] = {far_t, near_t, near_s, far_s}, d[] = {far_slope(t + 1), near_slope(t), -near_slope(s), -far_slope(s + 1)};
      for (int k = 0; k < 4; ++k) add(padded(Dual<T>{first + static_cast<T>(k - 1), 1}, size, a).v, size, w[k], d[k] * x.d);
      return;
    }
    x = padded(x, size, a);
    if (a.mode == nearest) {
      add(a.dims == 2 ? std::nearbyint(x.v) : std::round(x.v), size, 1, 0);  // halves to even, or away from zero: as in ATen
      return;
    }
    const T first = std::floor(x.v), t = x.v - first;
    add(first, size, 1 - t, -x.d);
    add(first + 1, size, t, x.d);
  }
};

// The elements of the image that one place of the grid is made of: their offsets in a plane, weights, and the derivatives of
// the weights by the coordinates (x, y, z).
template <class T>
struct Corners {
  int n = 0;
  std::int64_t at[16];
  T weight[16], slope[16][3];

  Corners(const T* place, const GridAttrs& a, const std::int64_t* size) {
    const Line<T> x(place[0], size[2], a), y(place[1], size[1], a);
    if (a.dims == 2) {
      for (int j = 0; j < y.n; ++j)
        for (int i = 0; i < x.n; ++i)
          if (y.at[j] >= 0 && x.at[i] >= 0) add(y.at[j] * size[2] + x.at[i], x.weight[i] * y.weight[j], x.slope[i] * y.weight[j], x.weight[i] * y.slope[j], 0);
      return;
    }
    const Line<T> z(place[2], size[0], a);
    for (int k = 0; k < z.n; ++k)
      for (int j = 0; j < y.n; ++j)
        for (int i = 0; i < x.n; ++i)
          if (z.at[k] >= 0 && y.at[j] >= 0 && x.at[i] >= 0)
            add((z.at[k] * size[1] + y.at[j]) * size[2] + x.at[i], x.weight[i] * y.weight[j] * z.weight[k], x.slope[i] * y.weight[j] * z.weight[k],
                x.weight[i] * y.slope[j] * z.weight[k], x.weight[i] * y.weight[j] * z.slope[k]);
  }
  void add(std::int64_t offset, T w, T sx, T sy, T sz) {
    at[n] = offset;
    weight[n] = w;
    slope[n][0] = sx, slope[n][1] = sy, slope[n++][2] = sz;
  }
};

// ---- kernels --------------------------------------------------------------------------------------------------------------

// Shapes: image [.., C, spatial], grid [.., places, dims]; what stands in front are batches, one for one.
struct Layout {
  std::int64_t batches = 1, channels = 1, plane = 1, places = 1, size[3] = {1, 1, 1};
  detail::Dims sampled, image;  // shapes of the results

  Layout(IntArrayRef x, IntArrayRef grid, std::int64_t dims) {
    const auto n = static_cast<std::int64_t>(x.size());
    image = detail::to_dims(x);
    for (std::int64_t d = 0; d < n; ++d) {
      const std::int64_t v = x[static_cast<std::size_t>(d)];
      if (d < n - dims - 1) batches *= v, sampled.v[sampled.n++] = v;
      else if (d == n - dims - 1) channels = v, sampled.v[sampled.n++] = v;
      else plane *= v, size[3 - n + d] = v;
    }
    const std::size_t lead = x.size() - static_cast<std::size_t>(dims) - 1;
    for (std::size_t d = lead; d + 1 < grid.size(); ++d) places *= grid[d], sampled.v[sampled.n++] = grid[d];
  }
};

template <class T, class F>
void at_each_place(const Layout& l, const GridAttrs& a, const T* grid, bool apart, const F& f) {
  // `apart`: places of one batch may write to the same element, so that a batch is one task.
  const std::int64_t cost = 16 * l.channels, n = apart ? l.batches : l.batches * l.places, grain = std::max<std::int64_t>(1, detail::elementwise_grain / (apart ? cost * l.places : cost));
  detail::parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = apart ? begin * l.places : begin; p < (apart ? end * l.places : end); ++p) f(p / l.places, p, Corners<T>(grid + p * a.dims, a, l.size));
  });
}

// y[n, c, p] = the sum of weights times x[n, c, at]; with a direction t of the grid, of slopes instead: the tangent of y.
Tensor sample(const Tensor& x_, const Tensor& grid_, const GridAttrs& a, const Tensor& direction_ = {}) {
  const Tensor x = detail::widened(x_).contiguous(), grid = detail::widened(grid_).contiguous();
  const Tensor direction = direction_.defined() ? detail::widened(direction_).contiguous() : direction_;
  const Layout l(x.sizes(), grid.sizes(), a.dims);
  Tensor y = detail::empty_like_dtype(x.scalar_type(), l.sampled);
  if (y.numel() > 0)
    CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
      const scalar_t *from = detail::data<scalar_t>(x), *t = direction.defined() ? detail::data<scalar_t>(direction) : nullptr;
      scalar_t* to = detail::data<scalar_t>(y);
      at_each_place(l, a, detail::data<scalar_t>(grid), false, [&](std::int64_t n, std::int64_t p, const Corners<scalar_t>& c) {
        scalar_t w[16];
        for (int k = 0; k < c.n; ++k) {
          w[k] = t ? 0 : c.weight[k];
          for (std::int64_t d = 0; t && d < a.dims; ++d) w[k] += c.slope[k][d] * t[p * a.dims + d];
        }
        const scalar_t* plane = from + n * l.channels * l.plane;
        scalar_t* out = to + n * l.channels * l.places + p % l.places;
        for (std::int64_t ch = 0; ch < l.channels; ++ch, plane += l.plane, out += l.places) {
          scalar_t sum = 0;
          for (int k = 0; k < c.n; ++k) sum += plane[c.at[k]] * w[k];
          *out = sum;
        }
      });
    });
  return y.to(x_.scalar_type());
}

// dx[n, c, at] += weight g[n, c, p]
Tensor spread(const Call& call) {
  const auto& a = call.attrs<GridAttrs>();
  const Tensor g = detail::widened(call.x(0)).contiguous(), grid = detail::widened(call.x(1)).contiguous();
  detail::Dims shape = detail::to_dims(g.sizes());
  for (std::int64_t k = 0; k < a.dims; ++k) shape.v[shape.n - 1 - k] = a.size[2 - k];
  const Layout l(shape, grid.sizes(), a.dims);
  Tensor dx = zeros(shape, g.scalar_type());
  if (g.numel() > 0)
    CT_DISPATCH_FLOATS(g.scalar_type(), [&] {
      const scalar_t* from = detail::data<scalar_t>(g);
      scalar_t* to = detail::data<scalar_t>(dx);
      at_each_place(l, a, detail::data<scalar_t>(grid), true, [&](std::int64_t n, std::int64_t p, const Corners<scalar_t>& c) {
        const scalar_t* in = from + n * l.channels * l.places + p % l.places;
        scalar_t* plane = to + n * l.channels * l.plane;
        for (std::int64_t ch = 0; ch < l.channels; ++ch, plane += l.plane, in += l.places)
          for (int k = 0; k < c.n; ++k) plane[c.at[k]] += c.weight[k] * *in;
      });
    });
  return dx.to(call.x(0).scalar_type());
}

// dgrid[n, p, d] = the sum over channels of g times the slope of what was sampled
Tensor slopes(const Call& call) {
  const auto& a = call.attrs<GridAttrs>();
  const Tensor g = detail::widened(call.x(0)).contiguous(), x = detail::widened(call.x(1)).contiguous(), grid = detail::widened(call.x(2)).contiguous();
  const Layout l(x.sizes(), grid.sizes(), a.dims);
  Tensor out = detail::empty_like_dtype(g.scalar_type(), grid.sizes());
  if (out.numel() > 0)
    CT_DISPATCH_FLOATS(g.scalar_type(), [&] {
      const scalar_t *from = detail::data<scalar_t>(x), *cotangent = detail::data<scalar_t>(g);
      scalar_t* to = detail::data<scalar_t>(out);
      at_each_place(l, a, detail::data<scalar_t>(grid), false, [&](std::int64_t n, std::int64_t p, const Corners<scalar_t>& c) {
        scalar_t sum[3] = {};
        const scalar_t* plane = from + n * l.channels * l.plane;
        const scalar_t* in = cotangent + n * l.channels * l.places + p % l.places;
        for (std::int64_t ch = 0; ch < l.channels; ++ch, plane += l.plane, in += l.places)
          for (int k = 0; k < c.n; ++k) {
            const scalar_t v = plane[c.at[k]] * *in;
            for (int d = 0; d < 3; ++d) sum[d] += v * c.slope[k][d];
          }
        for (std::int64_t d = 0; d < a.dims; ++d) to[p * a.dims + d] = sum[d];
      });
    });
  return out.to(call.x(2).scalar_type());
}

// ---- ops ------------------------------------------------------------------------------------------------------------------

// The first derivatives. They have none of their own, as in libtorch.
Tensor no_second_derivative(const Tensor&, const Saved&, int) {
  CT_THROW(not_implemented, "derivative for grid_sampler_backward is not implemented\n  grid_sample can be differentiated once.");
}
constexpr Op image_back_op{
    .name = "grid_sampler_backward.input",
    .node = "GridSamplerBackwardBackward0",
    .kind = OpKind::other,
    .formula = "not implemented",
    .forward = spread,
    .vjp = no_second_derivative,
    .batch = detail::on_batch,
    .dtypes = Dtypes::floating,
    .untested = "the first derivative of grid_sampler, whose samples cover it",
    .second_order = false,
};
constexpr Op grid_back_op{
    .name = "grid_sampler_backward.grid",
    .node = "GridSamplerBackwardBackward0",
    .kind = OpKind::other,
    .formula = "not implemented",
    .forward = slopes,
    .vjp = no_second_derivative,
    .batch = detail::on_batch,
    .dtypes = Dtypes::floating,
    .untested = "the first derivative of grid_sampler, whose samples cover it",
    .second_order = false,
};
// The change of the samples for a change t of the places; linear in x and t. For forward mode.
constexpr Op tangent_op{
    .name = "grid_sampler_tangent",
    .node = "GridSamplerTangentBackward0",
    .kind = OpKind::other,
    .formula = "not implemented",
    .forward = [](const Call& c) { return sample(c.x(0), c.x(1), c.attrs<GridAttrs>(), c.x(2)); },
    .vjp = no_second_derivative,
    .batch = detail::on_batch,
    .dtypes = Dtypes::floating,
    .untested = "the tangent rule of grid_sampler, whose samples cover it",
    .second_order = false,
};

void sample_grid(SampleSink& call, std::int64_t dims) {
  for (std::int64_t mode = linear; mode <= (dims == 2 ? cubic : nearest); ++mode)
    for (std::int64_t padding = zero; padding <= reflection; ++padding) {
      const GridAttrs a{dims, mode, padding, (mode + padding) % 2 == 1, {1, 1, 1}};
      if (dims == 2) call({call.uniform({2, 2, 3, 4}), call.uniform({2, 3, 2, 2}, -1.6, 1.6)}, a);
      else call({call.uniform({1, 2, 3, 2, 4}), call.uniform({1, 2, 1, 3, 3}, -1.6, 1.6)}, a);
    }
}

constexpr Op grid_op(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::other;
  op.formula = "dinput = g, spread with the weights; dgrid = sum over channels of g times the slope of the sampled input";
  op.forward = [](const Call& c) { return sample(c.x(0), c.x(1), c.attrs<GridAttrs>()); };
  op.vjp = [](const Tensor& g, const Saved& s, int arg) {
    GridAttrs a = s.attrs<GridAttrs>();
    if (arg == 1) return apply_with(grid_back_op, a, g, s.x(0), s.x(1));
    const IntArrayRef x = s.sizes(0);
    for (std::int64_t k = 0; k < a.dims; ++k) a.size[2 - k] = x[x.size() - 1 - static_cast<std::size_t>(k)];
    return apply_with(image_back_op, a, g, s.x(1));
  };
  op.jvp = [](const Tensor* t, const Saved& s) {
    const auto& a = s.attrs<GridAttrs>();
    const Tensor by_image = t[0].defined() ? apply_with(detail::grid_sampler_op(a.dims), a, t[0], s.x(1)) : Tensor();
    if (!t[1].defined()) return by_image;
    const Tensor by_grid = apply_with(tangent_op, a, s.x(0), s.x(1), t[1]);
    return by_image.defined() ? by_image + by_grid : by_grid;
  };
  op.batch = detail::on_batch;
  op.save[0] = X(0) | X(1);
  op.save[1] = X(0) | X(1);
  op.save_shapes = true;
  op.dtypes = Dtypes::floating;
  op.samples = samples;
  op.second_order = false;
  return op;
}
constexpr Op grid2_op = grid_op("grid_sampler_2d", "GridSampler2DBackward0", [](SampleSink& call) { sample_grid(call, 2); });
constexpr Op grid3_op = grid_op("grid_sampler_3d", "GridSampler3DBackward0", [](SampleSink& call) { sample_grid(call, 3); });

// ---- grids of affine maps ---------------------------------------------------------------------------------------------------

// The homogeneous coordinates (x, y, 1) or (x, y, z, 1) of all places, the last dimension first: [places, dims + 1].
Tensor base_grid(const AffineAttrs& a, ScalarType dtype) {
  std::vector<Tensor> columns;
  std::vector<std::int64_t> shape(a.size + 3 - a.dims, a.size + 3);
  for (std::int64_t k = 0; k < a.dims; ++k) {
    const std::int64_t n = a.size[2 - k];
    Tensor line = n <= 1 ? zeros({n}, dtype) : linspace(-1, 1, n, dtype);
    if (n > 1 && !a.align_corners) line = line * (static_cast<double>(n - 1) / static_cast<double>(n));
    std::vector<std::int64_t> along(static_cast<std::size_t>(a.dims), 1);
    along[static_cast<std::size_t>(a.dims - 1 - k)] = n;
    columns.push_back(line.view(along).expand(shape).reshape({-1, 1}));
  }
  columns.push_back(ones({columns[0].size(0), 1}, dtype));
  return cat(columns, 1);
}

constexpr Op affine_op{
    .name = "affine_grid_generator",
    .node = "AffineGridGeneratorBackward0",
    .kind = OpKind::linear,
    .formula = "dtheta = g^T base, with the rows (x, y, 1) of base",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<AffineAttrs>();
      const Tensor grid = matmul(base_grid(a, c.x(0).scalar_type()), c.x(0).transpose(-2, -1));  // [.., places, dims]
      std::vector<std::int64_t> shape(grid.sizes().begin(), grid.sizes().end() - 2);
      shape.insert(shape.end(), a.size + 3 - a.dims, a.size + 3);
      shape.push_back(a.dims);
      return grid.reshape(shape);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<AffineAttrs>();
      const IntArrayRef theta = s.sizes(0);
      std::vector<std::int64_t> shape(theta.begin(), theta.end() - 2);
      shape.push_back(-1), shape.push_back(a.dims);
      return matmul(g.reshape(shape).transpose(-2, -1), base_grid(a, g.scalar_type()));
    },
    .batch = detail::as_it_is,
    .save_shapes = true,
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 2, 3})}, AffineAttrs{2, {1, 3, 4}, false});
      call({call.uniform({1, 2, 3})}, AffineAttrs{2, {1, 1, 3}, true});
      call({call.uniform({2, 3, 4})}, AffineAttrs{3, {2, 3, 2}, true});
    },
};

}  // namespace

const Op& detail::grid_sampler_op(std::int64_t dims) { return dims == 2 ? grid2_op : grid3_op; }

std::span<const Op* const> grid_ops() {
  static constexpr const Op* ops[] = {&grid2_op, &grid3_op, &affine_op, &image_back_op, &grid_back_op, &tangent_op};
  return ops;
}

Tensor grid_sampler(const Tensor& input, const Tensor& grid, std::int64_t interpolation_mode, std::int64_t padding_mode, bool align_corners) {
  detail::check_defined("grid_sampler", input);
  detail::check_defined("grid_sampler", grid);
  CT_CHECK(interpolation_mode >= 0 && interpolation_mode <= 2 && padding_mode >= 0 && padding_mode <= 2, "grid_sampler: no interpolation mode ", interpolation_mode,
           " or padding mode ", padding_mode);
  CT_CHECK(input.is_floating_point(), "grid_sampler(): expected input of floating dtype, but got ", input.scalar_type());
  CT_CHECK(input.scalar_type() == grid.scalar_type(), "grid_sampler(): expected input and grid to have same dtype, but input has ", input.scalar_type(), " and grid has ",
           grid.scalar_type());
  CT_CHECK((input.dim() == 4 || input.dim() == 5) && input.dim() == grid.dim(),
           "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes ", input.sizes(), " and grid with sizes ", grid.sizes());
  CT_CHECK(input.size(0) == grid.size(0), "grid_sampler(): expected grid and input to have same batch size, but got input with sizes ", input.sizes(),
           " and grid with sizes ", grid.sizes());
  CT_CHECK(grid.size(-1) == input.dim() - 2, "grid_sampler(): expected grid to have size ", input.dim() - 2, " in last dimension, but got grid with sizes ", grid.sizes());
  for (std::int64_t d = 2; d < input.dim(); ++d)
    CT_CHECK(input.size(d) > 0, "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes ", input.sizes(), " with dimension ", d,
             " being empty");
  CT_CHECK(interpolation_mode != 2 || input.dim() == 4, "grid_sampler(): bicubic interpolation only supports 4D input");
  const std::int64_t dims = input.dim() - 2;
  return apply_with(detail::grid_sampler_op(dims), GridAttrs{dims, interpolation_mode, padding_mode, align_corners, {1, 1, 1}}, input, grid);
}

Tensor affine_grid_generator(const Tensor& theta, IntArrayRef size, bool align_corners) {
  detail::check_defined("affine_grid_generator", theta);
  CT_CHECK(size.size() == 4 || size.size() == 5, "affine_grid_generator: AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs, but got size ", size);
  const auto dims = static_cast<std::int64_t>(size.size()) - 2;
  CT_CHECK(theta.dim() == 3 && theta.size(0) == size[0] && theta.size(1) == dims && theta.size(2) == dims + 1, "affine_grid_generator: Expected a batch of ", size[0],
           " affine matrices of shape ", dims, "x", dims + 1, ", but got ", theta.sizes());
  CT_CHECK(theta.is_floating_point(), "affine_grid_generator: Expected theta to have floating point type, but got ", theta.scalar_type());
  AffineAttrs a{dims, {1, 1, 1}, align_corners};
  for (std::int64_t k = 0; k < dims; ++k) {
    a.size[3 - dims + k] = size[static_cast<std::size_t>(2 + k)];
    CT_CHECK(a.size[3 - dims + k] >= 0, "affine_grid_generator: sizes must not be negative, but got ", size);
  }
  const std::int64_t all[] = {size[0], a.size[0], a.size[1], a.size[2], dims + 1};
  detail::checked_numel("affine_grid_generator", IntArrayRef(all, 5), theta.scalar_type());
  return apply_with(affine_op, a, theta);
}

}  // namespace ct
