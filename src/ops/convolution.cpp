// ops/convolution.cpp -- convolutions, transposed convolutions, and the gradient of their weight: three maps of one family,
// whose derivatives are each other.
#include <algorithm>

#include "cotangent/ops/convolution.h"
#include "kernels/convolution.h"
#include "ops/convolution_attrs.h"
#include "ops/convolution_shapes.h"
#include "ops/op_list.h"
#include "ops/product_dtypes.h"
#include "ops/rules.h"

namespace ct {

using detail::ConvAttrs;
using detail::ConvWeightAttrs;

namespace {

// The kernel's view of a convolution from `in` to `out` (of a transposed one: from its result to its input).
kernels::ConvShape shape_of(const ConvAttrs& a, IntArrayRef in, IntArrayRef out, IntArrayRef kernel) {
  kernels::ConvShape s;
  s.batch = in[0];
  s.groups = a.groups;
  s.in_channels = in[1] / a.groups;
  s.out_channels = out[1] / a.groups;
  const int first = 3 - a.dims;
  for (int d = 0; d < a.dims; ++d) {
    const auto k = static_cast<std::size_t>(d) + 2;
    s.in[first + d] = in[k], s.out[first + d] = out[k], s.kernel[first + d] = kernel[k];
    s.stride[first + d] = a.stride[d], s.padding[first + d] = a.padding[d], s.dilation[first + d] = a.dilation[d];
  }
  return s;
}

Tensor dense(const Tensor& x) { return x.defined() ? detail::widened(x).contiguous() : x; }

Tensor convolve(const Call& c) {
  const auto& a = c.attrs<ConvAttrs>();
  const ScalarType dtype = c.x(0).scalar_type();
  const Tensor x = dense(c.x(0)), w = dense(c.x(1)), bias = dense(c.x(2));
  detail::Dims sizes;
  sizes.v[0] = x.size(0), sizes.v[1] = a.transposed ? w.size(1) * a.groups : w.size(0);
  std::copy(a.size, a.size + a.dims, sizes.v + 2);
  sizes.n = a.dims + 2;
  const Tensor y = detail::empty_like_dtype(x.scalar_type(), sizes);
  if (y.numel() > 0) {
    const kernels::ConvShape s = a.transposed ? shape_of(a, sizes, x.sizes(), w.sizes()) : shape_of(a, x.sizes(), sizes, w.sizes());
    detail::with_product_dtype(x.scalar_type(), [&]<class T>(T) {
      const Tensor work = detail::empty_like_dtype(
          x.scalar_type(), {kernels::conv_workspace<T>(s, a.transposed ? kernels::ConvKind::transposed : kernels::ConvKind::forward)});
      const T* b = bias.defined() ? detail::data<T>(bias) : nullptr;
      (a.transposed ? kernels::conv_transposed<T> : kernels::conv_forward<T>)(s, detail::data<T>(x), detail::data<T>(w), b, detail::data<T>(y),
                                                                              detail::data<T>(work));
    });
  }
  return y.to(dtype);
}

// in and out as the convolution from in to out has them -> weight [out_channels, in_channels / groups, kernel..]
Tensor weight_sums(const Call& c) {
  const auto& a = c.attrs<ConvWeightAttrs>();
  const ScalarType dtype = c.x(0).scalar_type();
  const Tensor in = dense(c.x(0)), out = dense(c.x(1));
  detail::Dims sizes;
  sizes.v[0] = out.size(1), sizes.v[1] = in.size(1) / a.conv.groups;
  std::copy(a.kernel, a.kernel + a.conv.dims, sizes.v + 2);
  sizes.n = a.conv.dims + 2;
  const Tensor w = detail::empty_like_dtype(in.scalar_type(), sizes);
  if (w.numel() > 0) {
    const kernels::ConvShape s = shape_of(a.conv, in.sizes(), out.sizes(), sizes);
    detail::with_product_dtype(in.scalar_type(), [&]<class T>(T) {
      const Tensor work = detail::empty_like_dtype(in.scalar_type(), {kernels::conv_workspace<T>(s, kernels::ConvKind::weight)});
      kernels::conv_weight<T>(s, detail::data<T>(in), detail::data<T>(out), detail::data<T>(w), detail::data<T>(work));
    });
  }
  return w.to(dtype);
}

// ---- rules ----------------------------------------------------------------------------------------------------------------

ConvAttrs with_size(ConvAttrs a, bool transposed, IntArrayRef sizes) {
  a.transposed = transposed;
  std::copy(sizes.begin() + 2, sizes.end(), a.size);
  return a;
}
ConvAttrs with_groups(ConvAttrs a, std::int64_t groups) {
  a.groups = groups;
  return a;
}
ConvWeightAttrs weight_attrs(const ConvAttrs& a, IntArrayRef weight) {
  ConvWeightAttrs w{a, {1, 1, 1}};
  std::copy(weight.begin() + 2, weight.end(), w.kernel);
  return w;
}
// [K] beside [N, K, ..]; [B, K] beside [B, N, K, ..]
Tensor beside(const Tensor& bias, std::int64_t dims) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(dims) + static_cast<std::size_t>(bias.dim()) + 1, 1);
  sizes[0] = bias.dim() == 2 ? bias.size(0) : 1;
  sizes[static_cast<std::size_t>(bias.dim())] = bias.size(-1);
  return bias.reshape(sizes);
}
// [B, N, C, ..] -> [N, B C, ..] and back
Tensor into_channels(const Tensor& x) { return x.transpose(0, 1).flatten(1, 2); }
Tensor out_of_channels(const Tensor& y, std::int64_t batch) {
  return unflatten(y, 1, {batch, y.size(1) / batch}).transpose(0, 1).contiguous();
}

Tensor convolution_vjp(const Tensor& g, const Saved& s, int arg);
Tensor convolution_jvp(const Tensor* t, const Saved& s);
Tensor convolution_batch(const Batch& b);
Tensor weight_vjp(const Tensor& g, const Saved& s, int arg);
Tensor weight_batch(const Batch& b);

// Input channels, output channels, groups, and for each dimension {size, kernel, stride, padding, dilation, rest}, where the
// result of a transposed convolution has `rest` elements more.
struct SampleShape {
  bool transposed;
  std::int64_t in_channels, out_channels, groups;
  std::initializer_list<std::initializer_list<std::int64_t>> dims;
};
struct SampleConv {
  ConvAttrs a;
  std::vector<std::int64_t> x, w, y;
};
SampleConv sample(const SampleShape& p) {
  SampleConv s;
  s.a.transposed = p.transposed, s.a.groups = p.groups;
  s.x = {2, p.in_channels}, s.y = {2, p.out_channels};
  s.w = p.transposed ? std::vector<std::int64_t>{p.in_channels, p.out_channels / p.groups} : std::vector<std::int64_t>{p.out_channels, p.in_channels / p.groups};
  for (const auto& values : p.dims) {
    const std::int64_t *v = values.begin(), n = v[0], reach = v[4] * (v[1] - 1);
    const int d = s.a.dims++;
    s.a.stride[d] = v[2], s.a.padding[d] = v[3], s.a.dilation[d] = v[4];
    s.a.size[d] = p.transposed ? (n - 1) * v[2] - 2 * v[3] + reach + v[5] + 1 : (n + 2 * v[3] - reach - 1) / v[2] + 1;
    s.x.push_back(n), s.w.push_back(v[1]), s.y.push_back(s.a.size[d]);
  }
  return s;
}
const SampleShape sample_shapes[] = {
    {false, 3, 2, 1, {{7, 3, 1, 1, 1, 0}}},
    {false, 2, 4, 2, {{8, 3, 2, 0, 2, 0}}},
    {false, 2, 3, 1, {{4, 3, 1, 1, 1, 0}, {5, 2, 1, 0, 1, 0}}},
    {false, 2, 2, 1, {{5, 1, 1, 0, 1, 0}, {4, 1, 1, 0, 1, 0}}},
    {false, 3, 3, 3, {{5, 3, 2, 2, 1, 0}, {6, 3, 3, 1, 2, 0}}},
    {false, 1, 2, 1, {{3, 2, 1, 1, 1, 0}, {3, 3, 2, 1, 1, 0}, {4, 2, 2, 0, 2, 0}}},
    {true, 2, 3, 1, {{4, 3, 2, 1, 1, 1}}},
    {true, 4, 2, 2, {{3, 3, 1, 0, 2, 1}}},
    {true, 2, 2, 1, {{3, 3, 2, 1, 1, 1}, {2, 2, 1, 0, 1, 0}}},
    {true, 2, 2, 2, {{3, 1, 1, 0, 1, 0}, {2, 3, 3, 2, 2, 2}}},
    {true, 2, 1, 1, {{2, 2, 1, 0, 1, 0}, {2, 3, 2, 1, 1, 1}, {3, 2, 2, 0, 2, 0}}},
};

constexpr Op convolution_op{
    .name = "convolution",
    .node = "ConvolutionBackward0",
    .formula = "dinput = convolution(g, weight), transposed where this is not; dweight = sums of products of input and g; dbias = sum(g)",
    .forward = convolve,
    .vjp = convolution_vjp,
    .jvp = convolution_jvp,
    .batch = convolution_batch,
    .save = {X(1), X(0)},
    .save_shapes = true,
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .optional = 4,
    .samples = [](SampleSink& call) {
      bool with_bias = false;
      for (const SampleShape& shape : sample_shapes) {
        const SampleConv s = sample(shape);
        with_bias = !with_bias;
        call({call.uniform(s.x), call.uniform(s.w), with_bias ? call.uniform({shape.out_channels}) : Tensor()}, s.a);
      }
    },
};

// What a weight [out_channels, in_channels / groups, kernel..] gets from the convolution from x0 to x1.
constexpr Op convolution_weight_op{
    .name = "convolution_backward_weight",
    .node = "ConvolutionBackwardBackward0",
    .kind = OpKind::multilinear,
    .formula = "dx0 = convolution(x1, g) transposed; dx1 = convolution(x0, g)",
    .forward = weight_sums,
    .vjp = weight_vjp,
    .batch = weight_batch,
    .save = {X(1), X(0)},
    .save_shapes = true,
    .dtypes = Dtypes::no_bool,
    .samples = [](SampleSink& call) {
      for (const SampleShape& shape : sample_shapes) {
        const SampleConv s = sample(shape);
        const Tensor x = call.uniform(s.x), y = call.uniform(s.y);
        const ConvWeightAttrs a = weight_attrs(s.a, s.w);
        if (shape.transposed) call({y, x}, a);
        else call({x, y}, a);
      }
    },
};

Tensor convolution_vjp(const Tensor& g, const Saved& s, int arg) {
  const auto& a = s.attrs<ConvAttrs>();
  if (arg == 0) return apply_with(convolution_op, with_size(a, !a.transposed, s.sizes(0)), g, s.x(1), Tensor());
  if (arg == 1) {
    const ConvWeightAttrs w = weight_attrs(a, s.sizes(1));
    return a.transposed ? apply_with(convolution_weight_op, w, g, s.x(0)) : apply_with(convolution_weight_op, w, s.x(0), g);
  }
  std::int64_t dims[] = {0, 2, 3, 4};
  return g.sum({dims, static_cast<std::size_t>(a.dims) + 1});
}

Tensor convolution_jvp(const Tensor* t, const Saved& s) {
  const auto& a = s.attrs<ConvAttrs>();
  Tensor y;
  if (t[0].defined()) y = apply_with(convolution_op, a, t[0], s.x(1), t[2]);
  if (t[1].defined()) {
    const Tensor z = apply_with(convolution_op, a, s.x(0), t[1], y.defined() ? Tensor() : t[2]);
    y = y.defined() ? y + z : z;
  }
  if (y.defined()) return y;
  std::vector<std::int64_t> sizes = {s.sizes(0)[0], t[2].size(0)};
  sizes.insert(sizes.end(), a.size, a.size + a.dims);
  return beside(t[2], a.dims).expand(sizes);
}

Tensor convolution_batch(const Batch& b) {
  const auto& a = b.attrs<ConvAttrs>();
  const Tensor& bias = b.value(2);
  const std::int64_t n = b.sizes(0)[0];
  Tensor y;
  if (!b.batched(1)) {  // the images of all entries, one behind the other
    const Tensor own = bias.defined() && !b.batched(2) ? bias : Tensor();
    y = apply_with(b.op, a, b.batched(0) ? b.value(0).flatten(0, 1) : b.value(0), b.value(1), own);
    y = b.batched(0) ? unflatten(y, 0, {b.size, n}) : y.unsqueeze(0);
    return own.defined() || !bias.defined() ? y : y + beside(bias, a.dims);
  }
  if (b.size == 0) {
    std::vector<std::int64_t> sizes = {0, n, a.transposed ? b.sizes(1)[1] * a.groups : b.sizes(1)[0]};
    sizes.insert(sizes.end(), a.size, a.size + a.dims);
    return zeros(sizes, b.value(0).scalar_type());
  }
  const Tensor& w = b.value(1);
  if (!b.batched(0) && a.groups == 1) y = apply_with(b.op, a, b.value(0), a.transposed ? into_channels(w) : w.flatten(0, 1), Tensor());
  else y = apply_with(b.op, with_groups(a, a.groups * b.size), into_channels(b.x(0)), w.flatten(0, 1), Tensor());
  y = out_of_channels(y, b.size);
  return bias.defined() ? y + beside(bias, a.dims) : y;
}

Tensor weight_vjp(const Tensor& g, const Saved& s, int arg) {
  const ConvAttrs& a = s.attrs<ConvWeightAttrs>().conv;
  return apply_with(convolution_op, with_size(a, arg == 0, s.sizes(arg)), s.x(1 - arg), g, Tensor());
}

Tensor weight_batch(const Batch& b) {
  ConvWeightAttrs a = b.attrs<ConvWeightAttrs>();
  if (!b.batched(0) && !b.batched(1)) return apply_with(b.op, a, b.value(0), b.value(1));
  const std::int64_t k = b.sizes(1)[1];
  if (b.size == 0) {
    std::vector<std::int64_t> sizes = {0, k, b.sizes(0)[1] / a.conv.groups};
    sizes.insert(sizes.end(), a.kernel, a.kernel + a.conv.dims);
    return zeros(sizes, b.value(0).scalar_type());
  }
  if (!b.batched(0) && a.conv.groups == 1)
    return unflatten(apply_with(b.op, a, b.value(0), into_channels(b.value(1))), 0, {b.size, k});
  a.conv.groups *= b.size;
  return unflatten(apply_with(b.op, a, into_channels(b.x(0)), into_channels(b.x(1))), 0, {b.size, k});
}

}  // namespace

std::span<const Op* const> convolution_ops() {
  static constexpr const Op* ops[] = {&convolution_op, &convolution_weight_op};
  return ops;
}

Tensor detail::convolve(const ConvAttrs& a, const Tensor& input, const Tensor& weight, const Tensor& bias) {
  return apply_with(convolution_op, a, input, weight, bias);
}

}  // namespace ct
