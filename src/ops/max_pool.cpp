// ops/max_pool.cpp -- the largest element of each window, where it was, and the way back.
#include <string>

#include "kernels/pool.h"
#include "ops/op_list.h"
#include "ops/pool_windows.h"
#include "ops/rules.h"

namespace ct {

using detail::PlaneAttrs;
using detail::PoolAttrs;
using detail::Window;
using detail::Windows;

namespace {

// ---- kernels --------------------------------------------------------------------------------------------------------------

// NaN counts as the largest, the last one of several; the first of equal elements stays.
template <class T>
inline void consider(T v, std::int64_t i, T& best, std::int64_t& at) {
  const bool better = (v > best) | (v != v);
  best = better ? v : best;
  at = better ? i : at;
}

// Windows [begin, end) of a row whose other dimensions are the given ones.
template <class T>
void max_row(const T* x, T* y, std::int64_t* where, const Windows& w, const Window& depth, const Window& height, std::int64_t begin, std::int64_t end) {
  const std::int64_t step = w.step[2], width = w.in[2];
  for (std::int64_t o = begin; o < end; ++o) {
    T best = -std::numeric_limits<T>::infinity();
    const Window& v = w.at[2][static_cast<std::size_t>(o)];
    // Dilated windows at the edge may have no element at all: -inf, at a place that exists.
    std::int64_t place = (std::min(depth.start, w.in[0] - 1) * w.in[1] + std::min(height.start, w.in[1] - 1)) * width + std::min(v.start, width - 1);
    for (std::int64_t d = depth.start; d < depth.end; d += w.step[0])
      for (std::int64_t h = height.start; h < height.end; h += w.step[1]) {
        const std::int64_t row = (d * w.in[1] + h) * width;
        const T* from = x + row;
        for (std::int64_t i = v.start; i < v.end; i += step) consider(from[i], row + i, best, place);
      }
    y[o] = best;
    where[o] = place;
  }
}

// Sliding windows in planes of one layer, without dilation: those that are inside from left to right, for all places along a
// row at once. The others, and rows with a NaN, go the slow way.
template <class T>
class PlaneMax {
 public:
  PlaneMax(const PoolAttrs& a, const Windows& w) : w_(w), inside_(a, w), columns_(a.kernel[2]), stride_(a.stride[2]) {
    if (inside_.any() && (w.in[1] + 1) * w.in[2] <= 1 << 24)  // offsets must be exact in float
      scratch_.resize(static_cast<std::size_t>(4 * (w.in[2] + kernels::pool_slack)));
  }
  void row(const T* plane, T* y, std::int64_t* where, const Window& depth, const Window& height) {
    const std::int64_t width = w_.in[2], room = width + kernels::pool_slack;
    T* best = scratch_.data();
    if (scratch_.empty() || depth.start != 0 ||
        !kernels::pool_kernels<T>().window_max(best, best + room, best + 2 * room, best + 3 * room, plane + height.start * width, width,
                                               height.end - height.start, columns_)) {
      max_row(plane, y, where, w_, depth, height, 0, w_.out[2]);
      return;
    }
    max_row(plane, y, where, w_, depth, height, 0, inside_.first);
    std::int64_t at = w_.at[2][static_cast<std::size_t>(inside_.first)].start;
    const T* offset = best + room;
    for (std::int64_t o = inside_.first; o < inside_.last; ++o, at += stride_) {
      y[o] = best[at];
      where[o] = height.start * width + at + static_cast<std::int64_t>(offset[at]);
    }
    max_row(plane, y, where, w_, depth, height, inside_.last, w_.out[2]);
  }

 private:
  const Windows& w_;
  detail::InsideColumns inside_;
  std::int64_t columns_, stride_;
  std::vector<T> scratch_;
};

std::vector<Tensor> max_over_windows(const Call& c) {
  const auto& a = c.attrs<PoolAttrs>();
  const Tensor x = detail::widened(c.x(0)).contiguous();
  std::int64_t in[3] = {1, 1, 1};
  detail::plane_sizes(x.sizes(), a.dims, in);
  const Windows w = detail::windows_of(a, in);
  const detail::Dims shape = detail::with_plane(x.sizes(), a.dims, w.out);
  Tensor y = detail::empty_like_dtype(x.scalar_type(), shape), where = detail::empty_like_dtype(kLong, shape);
  if (y.numel() > 0)
    CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
      const scalar_t* from = detail::data<scalar_t>(x);
      scalar_t* to = detail::data<scalar_t>(y);
      auto* places = detail::data<std::int64_t>(where);
      const std::int64_t rows = w.out[0] * w.out[1];
      detail::parallel_for(y.numel() / w.out[2], w.grain(w.out[2]), [&](std::int64_t begin, std::int64_t end) {
        PlaneMax<scalar_t> pool(a, w);
        for (std::int64_t r = begin; r < end; ++r)
          pool.row(from + r / rows * w.in_plane(), to + r * w.out[2], places + r * w.out[2], w.at[0][static_cast<std::size_t>(r % rows / w.out[1])],
                   w.at[1][static_cast<std::size_t>(r % w.out[1])]);
      });
    });
  return {y.to(c.x(0).scalar_type()), std::move(where)};
}

// dx[where[i]] += g[i] in each plane.
Tensor add_at_places(const Call& c) {
  const auto& a = c.attrs<PlaneAttrs>();
  const Tensor g = detail::widened(c.x(0)).contiguous(), index = c.x(1).contiguous();
  Tensor dx = zeros(detail::with_plane(g.sizes(), a.dims, a.sizes), g.scalar_type());
  if (g.numel() > 0)
    CT_DISPATCH_FLOATS(g.scalar_type(), [&] {
      const scalar_t* from = detail::data<scalar_t>(g);
      const auto* where = detail::data<std::int64_t>(index);
      scalar_t* to = detail::data<scalar_t>(dx);
      const std::int64_t plane = a.sizes[0] * a.sizes[1] * a.sizes[2];
      std::int64_t out_plane = 1;
      for (std::int64_t k = 1; k <= a.dims; ++k) out_plane *= g.size(-k);
      detail::parallel_for(g.numel() / out_plane, std::max<std::int64_t>(1, detail::elementwise_grain / (2 * out_plane)), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p)
          for (std::int64_t i = p * out_plane; i < (p + 1) * out_plane; ++i) to[p * plane + where[i]] += from[i];
      });
    });
  return dx.to(c.x(0).scalar_type());
}

// ---- ops ------------------------------------------------------------------------------------------------------------------

constexpr const char* pick_formula = "dx[index] += g, 0 elsewhere";

// The gradient of what was picked by output 1. One op for each kind of pooling, since they have names of their own.
constexpr Op places_op(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dg = h[index], with h the cotangent";
  op.forward = add_at_places;
  op.vjp = [](const Tensor& h, const Saved& s, int) { return detail::gather_planes(h, s.x(1), s.attrs<PlaneAttrs>().dims); };
  op.batch = detail::on_batch;
  op.save[0] = X(1);
  op.dtypes = Dtypes::floating;
  op.nondiff = 2;
  op.samples = samples;
  return op;
}
void sample_places2(SampleSink& call) { call({call.uniform({2, 1, 2, 2}), tensor({0, 5, 2, 5, 3, 4, 1, 0}).view({2, 1, 2, 2})}, PlaneAttrs{2, {1, 2, 3}}); }
void sample_places3(SampleSink& call) {
  call({call.uniform({2, 1, 2, 2}), tensor({0, 5, 2, 11, 3, 4, 1, 0}).view({2, 1, 2, 2})}, PlaneAttrs{3, {2, 2, 3}});
}
constexpr Op max2_back_op = places_op("max_pool2d_with_indices_backward", "MaxPool2DWithIndicesBackwardBackward0", sample_places2);
constexpr Op max3_back_op = places_op("max_pool3d_with_indices_backward", "MaxPool3DWithIndicesBackwardBackward0", sample_places3);
constexpr Op adaptive2_back_op = places_op("adaptive_max_pool2d_backward", "AdaptiveMaxPool2DBackwardBackward0", sample_places2);
constexpr Op adaptive3_back_op = places_op("adaptive_max_pool3d_backward", "AdaptiveMaxPool3DBackwardBackward0", sample_places3);
constexpr Op fractional2_back_op = places_op("fractional_max_pool2d_backward", "FractionalMaxPool2DBackwardBackward0", sample_places2);
constexpr Op fractional3_back_op = places_op("fractional_max_pool3d_backward", "FractionalMaxPool3DBackwardBackward0", sample_places3);

Tensor to_places(const Op& back, const Tensor& g, const Saved& s, std::int64_t dims) {
  PlaneAttrs a{dims, {1, 1, 1}};
  detail::plane_sizes(s.sizes(0), dims, a.sizes);
  return apply_with(back, a, g, s.y(1));
}

void sample_max(SampleSink& call, std::int64_t dims) {
  if (dims == 2) {
    call({call.uniform({2, 3, 4, 6})}, PoolAttrs{.kernel = {1, 2, 2}, .stride = {1, 2, 2}});
    call({call.uniform({2, 5, 7})}, PoolAttrs{.kernel = {1, 3, 3}, .stride = {1, 2, 1}, .padding = {0, 1, 1}});
    call({call.uniform({1, 2, 5, 6})}, PoolAttrs{.ceil_mode = true, .kernel = {1, 2, 3}, .stride = {1, 2, 2}, .padding = {0, 1, 1}, .dilation = {1, 2, 1}});
    call({call.uniform({1, 7, 3})}, PoolAttrs{.kernel = {1, 2, 2}, .stride = {1, 3, 1}, .dilation = {1, 3, 2}});
  } else {
    call({call.uniform({1, 2, 4, 4, 4})}, PoolAttrs{.dims = 3, .kernel = {2, 2, 2}, .stride = {2, 2, 2}});
    call({call.uniform({2, 3, 4, 5})}, PoolAttrs{.dims = 3, .ceil_mode = true, .kernel = {2, 3, 2}, .stride = {1, 2, 2}, .padding = {1, 1, 0}, .dilation = {1, 1, 2}});
  }
}
void sample_adaptive(SampleSink& call, std::int64_t dims) {
  if (dims == 2) {
    call({call.uniform({2, 2, 5, 7})}, PoolAttrs{.adaptive = true, .out = {1, 3, 2}});
    call({call.uniform({2, 2, 3})}, PoolAttrs{.adaptive = true, .out = {1, 4, 1}});
  } else {
    call({call.uniform({1, 2, 3, 5, 4})}, PoolAttrs{.dims = 3, .adaptive = true, .out = {2, 3, 2}});
    call({call.uniform({2, 2, 2, 3})}, PoolAttrs{.dims = 3, .adaptive = true, .out = {1, 1, 2}});
  }
}

constexpr Op max_op(const char* name, const char* node) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::other;
  op.formula = pick_formula;
  op.forward_multi = max_over_windows;
  op.vjp = [](const Tensor& g, const Saved& s, int) {
    const auto& a = s.attrs<PoolAttrs>();
    const Op& back = a.adaptive ? (a.dims == 2 ? adaptive2_back_op : adaptive3_back_op) : a.dims == 2 ? max2_back_op : max3_back_op;
    return to_places(back, g, s, a.dims);
  };
  op.jvp = [](const Tensor* t, const Saved& s) { return detail::gather_planes(t[0], s.y(1), s.attrs<PoolAttrs>().dims); };
  op.batch_multi = detail::all_as_they_are;
  op.save[0] = Y(1);
  op.save_shapes = true;
  op.dtypes = Dtypes::floating;
  return op;
}
constexpr Op with_samples(Op op, void (*samples)(SampleSink&)) {
  op.samples = samples;
  return op;
}
constexpr Op max2_op = with_samples(max_op("max_pool2d_with_indices", "MaxPool2DWithIndicesBackward0"), [](SampleSink& call) { sample_max(call, 2); });
constexpr Op max3_op = with_samples(max_op("max_pool3d_with_indices", "MaxPool3DWithIndicesBackward0"), [](SampleSink& call) { sample_max(call, 3); });
constexpr Op adaptive2_op = with_samples(max_op("adaptive_max_pool2d", "AdaptiveMaxPool2DBackward0"), [](SampleSink& call) { sample_adaptive(call, 2); });
constexpr Op adaptive3_op = with_samples(max_op("adaptive_max_pool3d", "AdaptiveMaxPool3DBackward0"), [](SampleSink& call) { sample_adaptive(call, 3); });

// ---- fractional: windows whose places are drawn for each plane (Graham 2014) ------------------------------------------------

// The first elements of n windows of `kernel` elements, from one number of [0, 1).
template <class T>
void place_windows(std::vector<Window>& w, T sample, std::int64_t in, std::int64_t n, std::int64_t kernel) {
  w.resize(static_cast<std::size_t>(n));
  const T alpha = n > 1 ? static_cast<T>(in - kernel) / static_cast<T>(n - 1) : 0;
  for (std::int64_t o = 0; o < n; ++o) {
    const std::int64_t start =
        o + 1 == n ? in - kernel : static_cast<std::int64_t>((static_cast<T>(o) + sample) * alpha) - static_cast<std::int64_t>(sample * alpha);
    w[static_cast<std::size_t>(o)] = {start, start + kernel, kernel};
  }
}

std::vector<Tensor> fractional_forward(const Call& c) {
  const auto& a = c.attrs<PoolAttrs>();
  const Tensor x = detail::widened(c.x(0)).contiguous(), samples = c.x(1).to(x.scalar_type()).contiguous();
  std::int64_t in[3] = {1, 1, 1};
  detail::plane_sizes(x.sizes(), a.dims, in);
  const detail::Dims shape = detail::with_plane(x.sizes(), a.dims, a.out);
  Tensor y = detail::empty_like_dtype(x.scalar_type(), shape), where = detail::empty_like_dtype(kLong, shape);
  if (y.numel() > 0)
    CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
      const scalar_t *from = detail::data<scalar_t>(x), *drawn = detail::data<scalar_t>(samples);
      scalar_t* to = detail::data<scalar_t>(y);
      auto* places = detail::data<std::int64_t>(where);
      const std::int64_t out_plane = a.out[0] * a.out[1] * a.out[2], in_plane = in[0] * in[1] * in[2];
      detail::parallel_for(y.numel() / out_plane, std::max<std::int64_t>(1, detail::elementwise_grain / (4 * in_plane)), [&](std::int64_t begin, std::int64_t end) {
        Windows w;
        std::copy(in, in + 3, w.in);
        std::copy(a.out, a.out + 3, w.out);
        w.at[0] = {{0, 1, 1}};
        for (std::int64_t p = begin; p < end; ++p) {
          for (std::int64_t k = 0; k < a.dims; ++k) {  // of two numbers, the first is that of the width
            const std::int64_t d = 3 - a.dims + k, number = a.dims == 2 ? 1 - k : k;
            place_windows(w.at[d], drawn[p * a.dims + number], in[d], a.out[d], a.kernel[d]);
          }
          for (std::int64_t r = 0; r < a.out[0] * a.out[1]; ++r)
            max_row(from + p * in_plane, to + p * out_plane + r * a.out[2], places + p * out_plane + r * a.out[2], w,
                    w.at[0][static_cast<std::size_t>(r / a.out[1])], w.at[1][static_cast<std::size_t>(r % a.out[1])], 0, a.out[2]);
        }
      });
    });
  return {y.to(c.x(0).scalar_type()), std::move(where)};
}

constexpr Op fractional_op(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op = max_op(name, node);
  op.forward_multi = fractional_forward;
  op.vjp = [](const Tensor& g, const Saved& s, int) {
    const std::int64_t dims = s.attrs<PoolAttrs>().dims;
    return to_places(dims == 2 ? fractional2_back_op : fractional3_back_op, g, s, dims);
  };
  op.batch_multi = [](const Batch& b) { return apply_multi(b.op, b.attrs<PoolAttrs>(), b.x(0), b.x(1)); };
  op.nondiff = 2;
  op.samples = samples;
  return op;
}
constexpr Op fractional2_op = fractional_op("fractional_max_pool2d", "FractionalMaxPool2DBackward0", [](SampleSink& call) {
  call({call.uniform({2, 2, 6, 7}), call.uniform({2, 2, 2}, 0, 1)}, PoolAttrs{.kernel = {1, 2, 3}, .out = {1, 3, 4}});
  call({call.uniform({1, 1, 5, 5}), call.uniform({1, 1, 2}, 0, 1)}, PoolAttrs{.kernel = {1, 2, 2}, .out = {1, 1, 2}});
});
constexpr Op fractional3_op = fractional_op("fractional_max_pool3d", "FractionalMaxPool3DBackward0", [](SampleSink& call) {
  call({call.uniform({2, 2, 4, 5, 6}), call.uniform({2, 2, 3}, 0, 1)}, PoolAttrs{.dims = 3, .kernel = {2, 2, 3}, .out = {2, 3, 2}});
});

// ---- unpooling ------------------------------------------------------------------------------------------------------------

// y[index] = x, 0 elsewhere; of several x for one place the last.
constexpr Op unpool_op(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dx = g[index]";
  op.forward = [](const Call& c) {
    const auto& a = c.attrs<PlaneAttrs>();
    const Tensor x = c.x(0).contiguous(), index = c.x(1).contiguous();
    const std::int64_t plane = a.sizes[0] * a.sizes[1] * a.sizes[2];
    const auto* where = detail::data<std::int64_t>(index);
    for (std::int64_t i = 0; i < index.numel(); ++i)
      CT_CHECK(where[i] >= 0 && where[i] < plane, c.op.name, ": Found an invalid max index: ", where[i], " (output volumes are of size ",
               a.dims == 3 ? std::to_string(a.sizes[0]) + "x" : std::string(), a.sizes[1], "x", a.sizes[2], ")");
    Tensor y = zeros(detail::with_plane(x.sizes(), a.dims, a.sizes), x.scalar_type());
    if (x.numel() == 0) return y;
    std::int64_t in_plane = 1;
    for (std::int64_t k = 1; k <= a.dims; ++k) in_plane *= x.size(-k);
    const std::int64_t size = elementSize(x.scalar_type());
    auto run = [&]<class T>(T) {
      const T* from = detail::data<T>(x);
      T* to = detail::data<T>(y);
      detail::parallel_for(x.numel() / in_plane, std::max<std::int64_t>(1, detail::elementwise_grain / in_plane), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p)
          for (std::int64_t i = p * in_plane; i < (p + 1) * in_plane; ++i) to[p * plane + where[i]] = from[i];
      });
    };
    if (size == 1) run(std::uint8_t{});
    else if (size == 2) run(std::uint16_t{});
    else if (size == 4) run(std::uint32_t{});
    else run(std::uint64_t{});
    return y;
  };
  op.vjp = [](const Tensor& g, const Saved& s, int) { return detail::gather_planes(g, s.x(1), s.attrs<PlaneAttrs>().dims); };
  op.batch = detail::on_batch;
  op.save[0] = X(1);
  op.nondiff = 2;
  op.samples = samples;
  return op;
}
constexpr Op unpool2_op = unpool_op("max_unpool2d", "MaxUnpool2DBackward0", [](SampleSink& call) {
  call({call.uniform({2, 1, 2, 2}), tensor({0, 5, 2, 7, 11, 4, 1, 0}).view({2, 1, 2, 2})}, PlaneAttrs{2, {1, 3, 4}});
  call({call.uniform({1, 1, 2}), tensor({3, 5}).view({1, 1, 2})}, PlaneAttrs{2, {1, 2, 3}});
});
constexpr Op unpool3_op = unpool_op("max_unpool3d", "MaxUnpool3DBackward0", [](SampleSink& call) {
  call({call.uniform({2, 1, 1, 2, 2}), tensor({0, 5, 2, 11, 3, 4, 1, 0}).view({2, 1, 1, 2, 2})}, PlaneAttrs{3, {2, 2, 3}});
});

// ---- calls ----------------------------------------------------------------------------------------------------------------

std::tuple<Tensor, Tensor> pair(std::vector<Tensor> y) { return {std::move(y[0]), std::move(y[1])}; }
// [.., L] as [.., 1, L], and back.
std::tuple<Tensor, Tensor> squeezed(const std::tuple<Tensor, Tensor>& y) { return {std::get<0>(y).squeeze(-2), std::get<1>(y).squeeze(-2)}; }

std::tuple<Tensor, Tensor> max_pool(const char* name, const Op& op, const Tensor& x, std::int64_t dims, IntArrayRef kernel, IntArrayRef stride,
                                    IntArrayRef padding, IntArrayRef dilation, bool ceil_mode) {
  return pair(apply_multi(op, detail::sliding_attrs(name, x, dims, kernel, stride, padding, dilation, ceil_mode), x));
}

std::tuple<Tensor, Tensor> fractional(const char* name, const Op& op, const Tensor& x, std::int64_t dims, IntArrayRef kernel, IntArrayRef output,
                                      const Tensor& samples) {
  detail::check_pooled(name, x);
  detail::check_defined(name, samples);
  CT_CHECK(static_cast<std::int64_t>(kernel.size()) == dims, name, ": kernel_size must either be a single int, or ", dims, " ints");
  CT_CHECK(static_cast<std::int64_t>(output.size()) == dims, name, ": output_size must either be a single int, or ", dims, " ints");
  CT_CHECK(x.dim() == dims + 1 || x.dim() == dims + 2, name, "(): Expected ", dims + 1, "D or ", dims + 2, "D tensor, but got: ", x.sizes());
  PoolAttrs a;
  a.dims = dims;
  static const char* const names[] = {"time", "height", "width"};
  for (std::int64_t k = 0; k < dims; ++k) {
    const std::int64_t d = 3 - dims + k, size = x.size(k - dims);
    CT_CHECK(size > 0 && x.size(-1 - dims) > 0, name, "(): Expected input to have non-zero size for non-batch dimensions, but got ", x.sizes());
    a.kernel[d] = kernel[static_cast<std::size_t>(k)];
    a.out[d] = output[static_cast<std::size_t>(k)];
    CT_CHECK(a.kernel[d] > 0 && a.out[d] >= 0, name, ": kernel sizes must be positive and output sizes not negative, but got ", kernel, " and ", output);
    CT_CHECK(a.out[d] <= size && a.out[d] + a.kernel[d] - 1 <= size, name, "(): pool ", names[d], " ", a.kernel[d], " too large relative to input ", names[d], " ", size,
             "\n  ", a.out[d], " windows of ", a.kernel[d], " need at least ", a.out[d] + a.kernel[d] - 1, " elements.");
  }
  const std::int64_t batch = x.dim() == dims + 2 ? x.size(0) : 1, channels = x.size(-1 - dims);
  CT_CHECK(samples.dim() == 3 && samples.size(0) >= batch && samples.size(1) >= channels && samples.size(2) == dims, name,
           ": Expect _random_samples of shape [", batch, ", ", channels, ", ", dims, "], but got ", samples.sizes());
  Tensor drawn = narrow(narrow(samples, 0, 0, batch), 1, 0, channels);
  if (x.dim() == dims + 1) drawn = drawn.squeeze(0);
  return pair(apply_multi(op, a, x, drawn));
}

Tensor unpool(const char* name, const Op& op, const Tensor& x, const Tensor& indices, std::int64_t dims, IntArrayRef output) {
  detail::check_defined(name, x);
  detail::check_defined(name, indices);
  CT_CHECK(indices.scalar_type() == kLong, name, ": elements in indices should be type int64 but got: ", indices.scalar_type());
  CT_CHECK(static_cast<std::int64_t>(output.size()) == dims, name, ": There should be exactly ", dims == 2 ? "two elements (height, width)" : "three elements (depth, height, width)",
           " in output_size, but got ", output.size(), " elements.");
  CT_CHECK(x.dim() == dims + 1 || x.dim() == dims + 2, name, ": Input to max_unpooling", dims, "d should be a ", dims + 1, "d or ", dims + 2,
           "d Tensor, but got a tensor with ", x.dim(), " dimensions.");
  CT_CHECK(x.sizes() == indices.sizes(), name, ": Expected shape of indices to be same as that of the input tensor (", x.sizes(),
           ") but got indices tensor with shape: ", indices.sizes());
  PlaneAttrs a;
  a.dims = dims;
  for (std::int64_t k = 0; k < dims; ++k) {
    a.sizes[3 - dims + k] = output[static_cast<std::size_t>(k)];
    CT_CHECK(output[static_cast<std::size_t>(k)] >= 0, name, ": output_size must not be negative, but got ", output);
  }
  for (std::int64_t d = x.dim() == dims + 2 ? 1 : 0; d < x.dim(); ++d)
    CT_CHECK(x.size(d) > 0, name, "(): Expected input to have non-zero size for non-batch dimensions, but got ", x.sizes(), " with dimension ", d, " being empty.");
  detail::checked_numel(name, detail::with_plane(x.sizes(), dims, a.sizes), x.scalar_type());
  return apply_with(op, a, x, indices);
}

}  // namespace

std::span<const Op* const> max_pool_ops() {
  static constexpr const Op* ops[] = {&max2_op,       &max3_op,       &adaptive2_op,       &adaptive3_op,       &fractional2_op,      &fractional3_op,     &unpool2_op,
                                      &unpool3_op,    &max2_back_op,  &max3_back_op,       &adaptive2_back_op,  &adaptive3_back_op,   &fractional2_back_op, &fractional3_back_op};
  return ops;
}

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding,
                                                   IntArrayRef dilation, bool ceil_mode) {
  const PoolAttrs a = detail::sliding_attrs("max_pool1d", self, 1, kernel_size, stride, padding, dilation, ceil_mode);
  PoolAttrs flat = a;
  flat.dims = 2;
  return squeezed(pair(apply_multi(max2_op, flat, self.unsqueeze(-2))));
}
Tensor max_pool1d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation, bool ceil_mode) {
  return std::get<0>(max_pool1d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode));
}
std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding,
                                                   IntArrayRef dilation, bool ceil_mode) {
  return max_pool("max_pool2d", max2_op, self, 2, kernel_size, stride, padding, dilation, ceil_mode);
}
Tensor max_pool2d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation, bool ceil_mode) {
  return std::get<0>(max_pool2d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode));
}
std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding,
                                                   IntArrayRef dilation, bool ceil_mode) {
  return max_pool("max_pool3d", max3_op, self, 3, kernel_size, stride, padding, dilation, ceil_mode);
}
Tensor max_pool3d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation, bool ceil_mode) {
  return std::get<0>(max_pool3d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode));
}

std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& self, IntArrayRef output_size) {
  PoolAttrs a = detail::adaptive_attrs("adaptive_max_pool1d", self, 1, output_size);
  a.dims = 2;
  return squeezed(pair(apply_multi(adaptive2_op, a, self.unsqueeze(-2))));
}
std::tuple<Tensor, Tensor> adaptive_max_pool2d(const Tensor& self, IntArrayRef output_size) {
  return pair(apply_multi(adaptive2_op, detail::adaptive_attrs("adaptive_max_pool2d", self, 2, output_size), self));
}
std::tuple<Tensor, Tensor> adaptive_max_pool3d(const Tensor& self, IntArrayRef output_size) {
  return pair(apply_multi(adaptive3_op, detail::adaptive_attrs("adaptive_max_pool3d", self, 3, output_size), self));
}

std::tuple<Tensor, Tensor> fractional_max_pool2d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef output_size, const Tensor& random_samples) {
  return fractional("fractional_max_pool2d", fractional2_op, self, 2, kernel_size, output_size, random_samples);
}
std::tuple<Tensor, Tensor> fractional_max_pool3d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef output_size, const Tensor& random_samples) {
  return fractional("fractional_max_pool3d", fractional3_op, self, 3, kernel_size, output_size, random_samples);
}

Tensor max_unpool2d(const Tensor& self, const Tensor& indices, IntArrayRef output_size) {
  return unpool("max_unpool2d", unpool2_op, self, indices, 2, output_size);
}
Tensor max_unpool3d(const Tensor& self, const Tensor& indices, IntArrayRef output_size, IntArrayRef stride, IntArrayRef padding) {
  CT_CHECK(stride.size() == 3 && padding.size() == 3, "max_unpool3d: There should be exactly three elements (depth, height, width) in stride and padding, but got ",
           stride.size(), " and ", padding.size());
  for (const std::int64_t s : stride) CT_CHECK(s > 0, "max_unpool3d: strides should be greater than zero, but got stride: ", stride);
  return unpool("max_unpool3d", unpool3_op, self, indices, 3, output_size);
}

}  // namespace ct
