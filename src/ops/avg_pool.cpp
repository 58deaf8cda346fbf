// ops/avg_pool.cpp -- the mean of each window; and how the parameters of all pooling are checked.
#include "ops/op_list.h"
#include "ops/pool_windows.h"
#include "ops/rules.h"

namespace ct {

using detail::PoolAttrs;
using detail::PoolBackAttrs;
using detail::Window;
using detail::Windows;

namespace {

// ---- kernels --------------------------------------------------------------------------------------------------------------

// What the sum over a window is divided by.
inline std::int64_t divisor(const PoolAttrs& a, const Window& d, const Window& h, const Window& w) {
  return a.divisor ? a.divisor : d.count * h.count * w.count;
}

// Windows of 2 x 2 that are all inside and do not overlap, in the order of the general loop.
template <class T>
void mean_row_2x2(const T* a, std::int64_t width, T* y, std::int64_t n, T divisor) {
  const T* b = a + width;
  for (std::int64_t o = 0; o < n; ++o) y[o] = (((a[2 * o] + a[2 * o + 1]) + b[2 * o]) + b[2 * o + 1]) / divisor;
}

template <class T>
void mean_row(const T* x, T* y, const PoolAttrs& a, const Windows& w, const Window& depth, const Window& height, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = w.in[2];
  for (std::int64_t o = begin; o < end; ++o) {
    const Window& v = w.at[2][static_cast<std::size_t>(o)];
    T sum = 0;
    for (std::int64_t d = depth.start; d < depth.end; ++d)
      for (std::int64_t h = height.start; h < height.end; ++h) {
        const T* row = x + (d * w.in[1] + h) * width;
        for (std::int64_t i = v.start; i < v.end; ++i) sum += row[i];
      }
    const bool empty = v.start >= v.end || height.start >= height.end || depth.start >= depth.end;  // nothing but margin
    y[o] = empty ? T(0) : sum / static_cast<T>(divisor(a, depth, height, v));
  }
}

// Columns inside, by sums of windows at all places of a row at once, in the same order; where not too many are left out.
bool summed_at_all_places(const PoolAttrs& a, const detail::InsideColumns& inside) { return inside.any() && a.stride[2] <= 3; }

template <class T>
void mean_row_inside(const T* x, T* y, const PoolAttrs& a, const Windows& w, const detail::InsideColumns& inside, const Window& depth, const Window& height, T* sum) {
  const std::int64_t columns = a.kernel[2], places = w.in[2] - columns + 1;
  std::fill(sum, sum + places, T(0));
  for (std::int64_t h = height.start; h < height.end; ++h)
    for (std::int64_t k = 0; k < columns; ++k) {
      const T* row = x + h * w.in[2] + k;
      for (std::int64_t j = 0; j < places; ++j) sum[j] += row[j];
    }
  const Window& first = w.at[2][static_cast<std::size_t>(inside.first)];
  const auto by = static_cast<T>(divisor(a, depth, height, first));
  std::int64_t at = first.start;
  for (std::int64_t o = inside.first; o < inside.last; ++o, at += a.stride[2]) y[o] = sum[at] / by;
}

bool tiles_of_two(const PoolAttrs& a, const Windows& w) {
  return !a.adaptive && w.in[0] == 1 && w.out[0] == 1 && a.kernel[0] == 1 && a.kernel[1] == 2 && a.kernel[2] == 2 && a.stride[1] == 2 && a.stride[2] == 2 &&
         a.padding[1] == 0 && a.padding[2] == 0 && w.at[1].back().end == 2 * w.out[1] && w.at[2].back().end == 2 * w.out[2];
}

Tensor mean_over_windows(const Call& c) {
  const auto& a = c.attrs<PoolAttrs>();
  const Tensor x = detail::widened(c.x(0)).contiguous();
  std::int64_t in[3] = {1, 1, 1};
  detail::plane_sizes(x.sizes(), a.dims, in);
  const Windows w = detail::windows_of(a, in);
  Tensor y = detail::empty_like_dtype(x.scalar_type(), detail::with_plane(x.sizes(), a.dims, w.out));
  if (y.numel() == 0) return y.to(c.x(0).scalar_type());
  const auto run = [&]<class T>(T) {
    const T* from = detail::data<T>(x);
    T* to = detail::data<T>(y);
    const std::int64_t rows = w.out[0] * w.out[1];
    const bool pairs = tiles_of_two(a, w);
    const detail::InsideColumns inside(a, w);
    const bool at_once = summed_at_all_places(a, inside);
    detail::parallel_for(y.numel() / w.out[2], w.grain(w.out[2]), [&](std::int64_t begin, std::int64_t end) {
      std::vector<T> sum(static_cast<std::size_t>(at_once ? w.in[2] : 0));
      for (std::int64_t r = begin; r < end; ++r) {
        const T* plane = from + r / rows * w.in_plane();
        const Window &depth = w.at[0][static_cast<std::size_t>(r % rows / w.out[1])], &height = w.at[1][static_cast<std::size_t>(r % w.out[1])];
        T* out = to + r * w.out[2];
        if (pairs) {
          mean_row_2x2(plane + height.start * w.in[2], w.in[2], out, w.out[2], static_cast<T>(a.divisor ? a.divisor : 4));
        } else if (at_once && depth.start == 0 && height.start < height.end) {
          mean_row(plane, out, a, w, depth, height, 0, inside.first);
          mean_row_inside(plane, out, a, w, inside, depth, height, sum.data());
          mean_row(plane, out, a, w, depth, height, inside.last, w.out[2]);
        } else {
          mean_row(plane, out, a, w, depth, height, 0, w.out[2]);
        }
      }
    });
  };
  if (x.scalar_type() == kFloat) run(float{});
  else if (x.scalar_type() == kDouble) run(double{});
  else run(std::int64_t{});
  return y.to(c.x(0).scalar_type());
}

// g / divisor to each element of the window.
Tensor spread_over_windows(const Call& c) {
  const auto& b = c.attrs<PoolBackAttrs>();
  const PoolAttrs& a = b.pool;
  const Tensor g = detail::widened(c.x(0)).contiguous();
  const Windows w = detail::windows_of(a, b.sizes);
  Tensor dx = zeros(detail::with_plane(g.sizes(), a.dims, b.sizes), g.scalar_type());
  if (g.numel() > 0)
    CT_DISPATCH_FLOATS(g.scalar_type(), [&] {
      const scalar_t* from = detail::data<scalar_t>(g);
      scalar_t* to = detail::data<scalar_t>(dx);
      const std::int64_t plane = w.in_plane(), out_plane = w.out_plane();
      const bool pairs = tiles_of_two(a, w);
      const auto four = static_cast<scalar_t>(a.divisor ? a.divisor : 4);
      const detail::InsideColumns inside(a, w);
      const bool at_once = summed_at_all_places(a, inside);
      detail::parallel_for(g.numel() / out_plane, w.grain(out_plane), [&](std::int64_t begin, std::int64_t end) {
        std::vector<scalar_t> part(static_cast<std::size_t>(at_once ? w.in[2] : 0));  // zero where no window begins
        for (std::int64_t p = begin; p < end; ++p) {
          const scalar_t* in = from + p * out_plane;
          scalar_t* image = to + p * plane;
          if (pairs) {
            for (std::int64_t h = 0; h < w.out[1]; ++h, in += w.out[2]) {
              scalar_t *top = image + 2 * h * w.in[2], *low = top + w.in[2];
              for (std::int64_t o = 0; o < w.out[2]; ++o) top[2 * o] = top[2 * o + 1] = low[2 * o] = low[2 * o + 1] = in[o] / four;
            }
            continue;
          }
          for (const Window& depth : w.at[0])
            for (const Window& height : w.at[1]) {
              const bool wide = at_once && depth.start == 0 && height.start < height.end;
              if (wide) {
                std::int64_t at = w.at[2][static_cast<std::size_t>(inside.first)].start;
                const auto by = static_cast<scalar_t>(divisor(a, depth, height, w.at[2][static_cast<std::size_t>(inside.first)]));
                for (std::int64_t o = inside.first; o < inside.last; ++o, at += a.stride[2]) part[static_cast<std::size_t>(at)] = in[o] / by;
                const std::int64_t places = w.in[2] - a.kernel[2] + 1;
                for (std::int64_t h = height.start; h < height.end; ++h)
                  for (std::int64_t k = 0; k < a.kernel[2]; ++k) {
                    scalar_t* row = image + h * w.in[2] + k;
                    for (std::int64_t j = 0; j < places; ++j) row[j] += part[static_cast<std::size_t>(j)];
                  }
              }
              for (std::int64_t o = 0; o < w.out[2]; ++o) {
                if (wide && o == inside.first) o = inside.last;
                if (o >= w.out[2]) break;
                const Window& v = w.at[2][static_cast<std::size_t>(o)];
                const scalar_t share = in[o] / static_cast<scalar_t>(divisor(a, depth, height, v));
                for (std::int64_t d = depth.start; d < depth.end; ++d)
                  for (std::int64_t h = height.start; h < height.end; ++h) {
                    scalar_t* row = image + (d * w.in[1] + h) * w.in[2];
                    for (std::int64_t i = v.start; i < v.end; ++i) row[i] += share;
                  }
              }
              in += w.out[2];
            }
        }
      });
    });
  return dx.to(c.x(0).scalar_type());
}

// ---- ops ------------------------------------------------------------------------------------------------------------------

const Op& pool_of(const PoolAttrs& a);
const Op& back_of(const PoolAttrs& a);

void sample_avg(SampleSink& call, std::int64_t dims) {
  if (dims == 2) {
    call({call.uniform({2, 3, 4, 6})}, PoolAttrs{.kernel = {1, 2, 2}, .stride = {1, 2, 2}});
    call({call.uniform({2, 5, 7})}, PoolAttrs{.count_include_pad = false, .kernel = {1, 3, 3}, .stride = {1, 2, 1}, .padding = {0, 1, 1}});
    call({call.uniform({1, 2, 5, 6})}, PoolAttrs{.ceil_mode = true, .kernel = {1, 2, 3}, .stride = {1, 2, 4}, .padding = {0, 1, 1}});
    call({call.uniform({1, 4, 3})}, PoolAttrs{.divisor = 3, .kernel = {1, 2, 2}, .stride = {1, 3, 1}});
  } else {
    call({call.uniform({1, 2, 4, 4, 4})}, PoolAttrs{.dims = 3, .kernel = {2, 2, 2}, .stride = {2, 2, 2}});
    call({call.uniform({2, 3, 4, 5})}, PoolAttrs{.dims = 3, .ceil_mode = true, .kernel = {2, 3, 2}, .stride = {1, 2, 2}, .padding = {1, 1, 0}});
    call({call.uniform({1, 3, 3, 3})}, PoolAttrs{.dims = 3, .count_include_pad = false, .kernel = {2, 3, 2}, .stride = {2, 1, 1}, .padding = {1, 0, 1}});
  }
}
void sample_adaptive(SampleSink& call, std::int64_t dims) {
  if (dims == 2) {
    call({call.uniform({2, 2, 5, 7})}, PoolAttrs{.adaptive = true, .out = {1, 3, 2}});
    call({call.uniform({2, 2, 3})}, PoolAttrs{.adaptive = true, .out = {1, 4, 1}});
  } else {
    call({call.uniform({1, 2, 3, 5, 4})}, PoolAttrs{.dims = 3, .adaptive = true, .out = {2, 3, 2}});
    call({call.uniform({2, 2, 2, 3})}, PoolAttrs{.dims = 3, .adaptive = true, .out = {1, 3, 2}});
  }
}

constexpr Op mean_op(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dx[i] = the sum over the windows with x[i] of g / divisor";
  op.forward = mean_over_windows;
  op.vjp = [](const Tensor& g, const Saved& s, int) {
    PoolBackAttrs a{s.attrs<PoolAttrs>(), {1, 1, 1}};
    detail::plane_sizes(s.sizes(0), a.pool.dims, a.sizes);
    return apply_with(back_of(a.pool), a, g);
  };
  op.batch = detail::as_it_is;
  op.save[0] = X(0);  // PyTorch's rule names x, so a write into it is refused there too
  op.save_shapes = true;
  op.dtypes = Dtypes::floating;
  op.samples = samples;
  return op;
}
constexpr Op mean_back_op(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dg = the pooling of h, the cotangent";
  op.forward = spread_over_windows;
  op.vjp = [](const Tensor& h, const Saved& s, int) {
    const PoolAttrs& a = s.attrs<PoolBackAttrs>().pool;
    return apply_with(pool_of(a), a, h);
  };
  op.batch = detail::as_it_is;
  op.dtypes = Dtypes::floating;
  op.samples = samples;
  return op;
}
constexpr Op avg2_op = mean_op("avg_pool2d", "AvgPool2DBackward0", [](SampleSink& call) { sample_avg(call, 2); });
constexpr Op avg3_op = mean_op("avg_pool3d", "AvgPool3DBackward0", [](SampleSink& call) { sample_avg(call, 3); });
constexpr Op adaptive2_op = mean_op("_adaptive_avg_pool2d", "AdaptiveAvgPool2DBackward0", [](SampleSink& call) { sample_adaptive(call, 2); });
constexpr Op adaptive3_op = mean_op("_adaptive_avg_pool3d", "AdaptiveAvgPool3DBackward0", [](SampleSink& call) { sample_adaptive(call, 3); });
constexpr Op avg2_back_op = mean_back_op("avg_pool2d_backward", "AvgPool2DBackwardBackward0", [](SampleSink& call) {
  call({call.uniform({2, 2, 2})}, PoolBackAttrs{PoolAttrs{.kernel = {1, 2, 2}, .stride = {1, 1, 2}, .padding = {0, 0, 1}}, {1, 3, 3}});
});
constexpr Op avg3_back_op = mean_back_op("avg_pool3d_backward", "AvgPool3DBackwardBackward0", [](SampleSink& call) {
  call({call.uniform({2, 1, 2, 2})}, PoolBackAttrs{PoolAttrs{.dims = 3, .kernel = {2, 2, 2}, .stride = {1, 1, 2}, .padding = {0, 0, 1}}, {2, 3, 3}});
});
constexpr Op adaptive2_back_op = mean_back_op("_adaptive_avg_pool2d_backward", "AdaptiveAvgPool2DBackwardBackward0", [](SampleSink& call) {
  call({call.uniform({2, 3, 2})}, PoolBackAttrs{PoolAttrs{.adaptive = true, .out = {1, 3, 2}}, {1, 5, 3}});
});
constexpr Op adaptive3_back_op = mean_back_op("_adaptive_avg_pool3d_backward", "AdaptiveAvgPool3DBackwardBackward0", [](SampleSink& call) {
  call({call.uniform({1, 2, 3, 2})}, PoolBackAttrs{PoolAttrs{.dims = 3, .adaptive = true, .out = {2, 3, 2}}, {3, 5, 3}});
});
const Op& pool_of(const PoolAttrs& a) { return a.adaptive ? (a.dims == 2 ? adaptive2_op : adaptive3_op) : a.dims == 2 ? avg2_op : avg3_op; }
const Op& back_of(const PoolAttrs& a) { return a.adaptive ? (a.dims == 2 ? adaptive2_back_op : adaptive3_back_op) : a.dims == 2 ? avg2_back_op : avg3_back_op; }

PoolAttrs avg_attrs(const char* name, const Tensor& x, std::int64_t dims, IntArrayRef kernel, IntArrayRef stride, IntArrayRef padding, bool ceil_mode,
                    bool count_include_pad, std::optional<std::int64_t> divisor_override) {
  PoolAttrs a = detail::sliding_attrs(name, x, dims, kernel, stride, padding, {}, ceil_mode);
  a.count_include_pad = count_include_pad;
  CT_CHECK(divisor_override.value_or(1) != 0, name, ": divisor must be not zero");
  a.divisor = divisor_override.value_or(0);
  return a;
}

Tensor adaptive_mean(const char* name, const Op& op, const Tensor& x, std::int64_t dims, IntArrayRef output_size) {
  const PoolAttrs a = detail::adaptive_attrs(name, x, dims, output_size);
  if (a.out[0] == 1 && a.out[1] == 1 && a.out[2] == 1) {  // a mean, and recorded as one
    static constexpr std::int64_t last[] = {-1, -2, -3};
    return x.mean(IntArrayRef(last, static_cast<std::size_t>(dims)), true);
  }
  return apply_with(op, a, x);
}

}  // namespace

// ---- parameters -----------------------------------------------------------------------------------------------------------

namespace detail {

void expand_sizes(const char* op, const char* what, IntArrayRef given, std::int64_t dims, const std::int64_t* fallback, std::int64_t* out) {
  const auto n = static_cast<std::int64_t>(given.size());
  static const char* const words[] = {"one int", "two ints", "three ints"};
  CT_CHECK(n == 1 || n == dims || (n == 0 && fallback), op, ": ", what, " must ", fallback ? "either be omitted, " : "either be ", "a single int, or a tuple of ",
           words[dims - 1], ", but got ", given);
  for (std::int64_t k = 0; k < dims; ++k) {
    std::int64_t& v = out[3 - dims + k];
    v = n == 0 ? fallback[3 - dims + k] : given[static_cast<std::size_t>(n == 1 ? 0 : k)];
    CT_CHECK(v < std::int64_t{1} << 31 && v > -(std::int64_t{1} << 31), op, ": ", what, " ", v, " is out of range");
  }
}

PoolAttrs sliding_attrs(const char* op, const Tensor& x, std::int64_t dims, IntArrayRef kernel, IntArrayRef stride, IntArrayRef padding,
                        IntArrayRef dilation, bool ceil_mode) {
  check_pooled(op, x, dilation.empty());
  PoolAttrs a;
  a.dims = dims;
  a.ceil_mode = ceil_mode;
  static constexpr std::int64_t none[] = {0, 0, 0}, one[] = {1, 1, 1};
  expand_sizes(op, "kernel_size", kernel, dims, nullptr, a.kernel);
  expand_sizes(op, "stride", stride, dims, a.kernel, a.stride);
  expand_sizes(op, "padding", padding, dims, none, a.padding);
  expand_sizes(op, "dilation", dilation, dims, one, a.dilation);
  bool filled = x.dim() == dims + 1 || x.dim() == dims + 2;
  for (std::int64_t d = x.dim() == dims + 2 ? 1 : 0; filled && d < x.dim(); ++d) filled = x.size(d) != 0;
  CT_CHECK(filled, op, ": Expected ", dims + 1, "D or ", dims + 2, "D (batch mode) tensor with optional 0 dim batch size for input, but got:", x.sizes(),
           "\n  The dimensions are [channels, ", dims == 3 ? "depth, height, width" : dims == 2 ? "height, width" : "length", "], perhaps with a batch before them.");
  std::int64_t out[3] = {1, 1, 1};
  bool enough = true;
  for (std::int64_t d = 3 - dims; d < 3; ++d) {
    CT_CHECK(a.kernel[d] > 0, op, "() kernel_size must be greater than zero, but got ", kernel);
    CT_CHECK(a.stride[d] > 0, op, "() stride must be greater than zero, but got ", a.stride[d], ": stride should not be zero");
    CT_CHECK(a.dilation[d] > 0, op, "() dilation must be greater than zero, but got ", a.dilation[d], ": dilation should be greater than zero");
    CT_CHECK(a.padding[d] >= 0, op, "() padding must be non-negative: pad must be non-negative, but got pad: ", a.padding[d]);
    CT_CHECK(a.padding[d] <= a.kernel[d] / 2, op, "() pad should be at most half of kernel size, but got pad=", a.padding[d], " and kernel_size=", a.kernel[d]);
    out[d] = sliding_size(x.size(d - 3), a.kernel[d], a.stride[d], a.padding[d], a.dilation[d], ceil_mode);
    enough &= out[d] > 0;
  }
  if (!enough) {
    auto sizes = [&](std::int64_t (*of)(std::int64_t, const Tensor&, const std::int64_t*)) {
      std::string text = join({"(", x.size(-1 - dims)});
      for (std::int64_t d = 3 - dims; d < 3; ++d) text += join({"x", of(d, x, out)});
      return text += ")";
    };
    CT_CHECK(enough, op, ": Given input size: ", sizes([](std::int64_t d, const Tensor& t, const std::int64_t*) { return t.size(d - 3); }),
             ". Calculated output size: ", sizes([](std::int64_t d, const Tensor&, const std::int64_t* o) { return o[d]; }), ". Output size is too small",
             "\n  The window is larger than the input; a smaller kernel_size or some padding would fit.");
  }
  return a;
}

PoolAttrs adaptive_attrs(const char* op, const Tensor& x, std::int64_t dims, IntArrayRef output_size) {
  check_pooled(op, x);
  PoolAttrs a;
  a.dims = dims;
  a.adaptive = true;
  CT_CHECK(static_cast<std::int64_t>(output_size.size()) == dims, op, ": output_size must be ", dims, ", but got ", output_size.size(), " numbers",
           "\n  Give the size of each pooled dimension.");
  CT_CHECK(x.dim() == dims + 1 || x.dim() == dims + 2, op, "(): Expected ", dims + 1, "D or ", dims + 2, "D tensor, but got: ", x.sizes());
  for (std::int64_t d = x.dim() == dims + 2 ? 1 : 0; d < x.dim(); ++d)
    CT_CHECK(x.size(d) > 0, op, "(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ", x.sizes(), " with dimension ", d,
             " being empty");
  for (std::int64_t k = 0; k < dims; ++k) {
    const std::int64_t n = output_size[static_cast<std::size_t>(k)];
    CT_CHECK(n >= 0 && n < std::int64_t{1} << 31, op, ": elements of output_size must be greater than or equal to 0 but received ", output_size);
    a.out[3 - dims + k] = n;
  }
  checked_numel(op, with_plane(x.sizes(), dims, a.out), x.scalar_type());
  return a;
}

}  // namespace detail

std::span<const Op* const> avg_pool_ops() {
  static constexpr const Op* ops[] = {&avg2_op, &avg3_op, &adaptive2_op, &adaptive3_op, &avg2_back_op, &avg3_back_op, &adaptive2_back_op, &adaptive3_back_op};
  return ops;
}

Tensor avg_pool1d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding, bool ceil_mode, bool count_include_pad) {
  PoolAttrs a = avg_attrs("avg_pool1d", self, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, std::nullopt);
  a.dims = 2;
  return apply_with(avg2_op, a, self.unsqueeze(-2)).squeeze(-2);
}
Tensor avg_pool2d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding, bool ceil_mode, bool count_include_pad,
                  std::optional<std::int64_t> divisor_override) {
  return apply_with(avg2_op, avg_attrs("avg_pool2d", self, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override), self);
}
Tensor avg_pool3d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding, bool ceil_mode, bool count_include_pad,
                  std::optional<std::int64_t> divisor_override) {
  return apply_with(avg3_op, avg_attrs("avg_pool3d", self, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override), self);
}

Tensor adaptive_avg_pool1d(const Tensor& self, IntArrayRef output_size) {
  const PoolAttrs a = detail::adaptive_attrs("adaptive_avg_pool1d", self, 1, output_size);
  return adaptive_mean("adaptive_avg_pool1d", adaptive2_op, self.unsqueeze(-2), 2, {1, a.out[2]}).squeeze(-2);
}
Tensor adaptive_avg_pool2d(const Tensor& self, IntArrayRef output_size) { return adaptive_mean("adaptive_avg_pool2d", adaptive2_op, self, 2, output_size); }
Tensor adaptive_avg_pool3d(const Tensor& self, IntArrayRef output_size) { return adaptive_mean("adaptive_avg_pool3d", adaptive3_op, self, 3, output_size); }

}  // namespace ct
