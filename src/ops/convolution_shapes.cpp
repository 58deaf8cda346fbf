// ops/convolution_shapes.cpp -- the public forms of convolutions: their arguments, checked and put into one shape.
#include "ops/convolution_shapes.h"

#include <algorithm>
#include <string>

#include "autograd/autocast.h"
#include "cotangent/autograd.h"
#include "cotangent/ops.h"
#include "cotangent/ops/convolution.h"
#include "cotangent/ops/padding.h"

namespace ct {

using detail::ConvAttrs;
using detail::join;

namespace {

// Sizes as libtorch's texts have them: (2 x 3)
std::string by(const std::int64_t* v, int n) {
  std::string out = "(";
  for (int d = 0; d < n; ++d) out += join({d ? " x " : "", v[d]});
  return out += ")";
}
// "_depth", "_height", "_width" of the last n dimensions, at least two.
std::string by_name(const char* what, const std::int64_t* v, int n) {
  static const char* const names[] = {"_depth: ", "_height: ", "_width: "};
  std::string out;
  for (int d = std::min(1, 3 - n); d < 3; ++d) {
    const std::int64_t value = d - (3 - n) >= 0 ? v[d - (3 - n)] : std::string_view(what) == "output_padding" ? 0 : 1;
    out += join({" ", what, names[d], value});
  }
  return out;
}

void read(const char* op, const char* name, IntArrayRef given, int dims, std::int64_t* to) {
  CT_CHECK(given.size() == 1 || given.size() == static_cast<std::size_t>(dims), op, ": expected ", name, " to be a single integer value or a list of ", dims,
           " values to match the convolution dimensions, but got ", name, "=", given);
  for (int d = 0; d < dims; ++d) to[d] = given[given.size() == 1 ? 0 : static_cast<std::size_t>(d)];
}

bool all_at_least(std::int64_t low, const std::int64_t* v, int n) { return std::all_of(v, v + n, [&](std::int64_t x) { return x >= low; }); }

struct Arguments {
  const char* op;
  IntArrayRef stride, padding, dilation, output_padding;
  bool transposed;
  std::int64_t groups;
};

void check_defined(const char* op, const Tensor& input, const Tensor& weight) {
  CT_CHECK(input.defined() && weight.defined(), op, ": Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument ",
           input.defined() ? "#1 'weight'" : "#0 'input'");
}

// No product of these can overflow later on.
constexpr std::int64_t most = std::int64_t{1} << 40;

// What is asked for, with the size of the result. input and weight have a batch dimension.
ConvAttrs checked(const Arguments& p, const Tensor& input, const Tensor& weight, const Tensor& bias) {
  const char* op = p.op;
  const auto dims = static_cast<int>(weight.dim()) - 2;
  CT_CHECK(dims >= 1 && dims <= 3, op, ": weight should have at least three dimensions and at most five, but it is ", weight.sizes());
  CT_CHECK(input.dim() == weight.dim(), op, ": Expected ", weight.dim(), "-dimensional input for ", weight.dim(), "-dimensional weight ", weight.sizes(),
           ", but got ", input.dim(), "-dimensional input of size ", input.sizes(), " instead");
  CT_CHECK_TYPE(input.scalar_type() == weight.scalar_type() || detail::autocast_unites(input.scalar_type(), weight.scalar_type()), op, ": expected scalar type ", input.scalar_type(), " but found ", weight.scalar_type(),
                "\n  Input and weight must have the same dtype; convert one with x.to(..).");
  CT_CHECK_TYPE(!bias.defined() || bias.scalar_type() == input.scalar_type() || detail::autocast_unites(bias.scalar_type(), input.scalar_type()), op, ": Input type (", input.scalar_type(), ") and bias type (",
                bias.defined() ? bias.scalar_type() : kFloat, ") should be the same");
  CT_CHECK_TYPE(input.scalar_type() != kBool, op, ": \"", op, "\" not implemented for 'Bool'\n  Convert to a number dtype first, e.g. x.to(ct::kFloat).");
  ConvAttrs a;
  a.dims = dims, a.transposed = p.transposed, a.groups = p.groups;
  std::int64_t extra[3] = {};
  read(op, "stride", p.stride, dims, a.stride);
  read(op, "padding", p.padding, dims, a.padding);
  read(op, "dilation", p.dilation, dims, a.dilation);
  read(op, "output_padding", p.output_padding, dims, extra);
  CT_CHECK(all_at_least(0, a.padding, dims), op, ": negative padding is not supported, got ", p.padding);
  CT_CHECK(all_at_least(0, extra, dims), op, ": negative output_padding is not supported, got ", p.output_padding);
  CT_CHECK(all_at_least(1, a.stride, dims), op, ": non-positive stride is not supported, got ", p.stride);
  CT_CHECK(all_at_least(1, a.dilation, dims), op, ": non-positive dilation is not supported, got ", p.dilation);
  CT_CHECK(a.groups > 0, op, ": non-positive groups is not supported, got ", a.groups);
  for (int d = 0; d < dims; ++d)
    CT_CHECK(a.stride[d] < most && a.padding[d] < most && a.dilation[d] < most && extra[d] < most, op, ": stride, padding, dilation or output_padding is too large");
  const IntArrayRef w = weight.sizes();
  CT_CHECK(w[0] >= a.groups, op, ": Given groups=", a.groups, ", expected weight to be at least ", a.groups, " at dimension 0, but got weight of size ", w, " instead");
  CT_CHECK(w[0] % a.groups == 0, op, ": Given groups=", a.groups, ", expected weight to be divisible by ", a.groups,
           " at dimension 0, but got weight of size ", w, " instead");
  for (int d = 0; d < dims; ++d)
    CT_CHECK(w[static_cast<std::size_t>(d) + 2] > 0, op, ": kernel size should be greater than zero, but got weight of size ", w);
  std::int64_t kernel[3], padded[3], reach[3];
  for (int d = 0; d < dims; ++d) {
    kernel[d] = w[static_cast<std::size_t>(d) + 2];
    reach[d] = a.dilation[d] * (kernel[d] - 1) + 1;
    padded[d] = input.size(d + 2) + 2 * a.padding[d];
  }
  if (!p.transposed) {
    CT_CHECK(input.size(1) == w[1] * a.groups, op, ": Given groups=", a.groups, ", weight of size ", w, ", expected input", input.sizes(), " to have ",
             w[1] * a.groups, " channels, but got ", input.size(1), " channels instead");
    CT_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == w[0]), op, ": Given weight of size ", w, ", expected bias to be 1-dimensional with ", w[0],
             " elements, but got bias of size ", bias.defined() ? bias.sizes() : IntArrayRef(), " instead");
    for (int d = 0; d < dims; ++d)
      CT_CHECK(padded[d] >= reach[d], op, ": Calculated padded input size per channel: ", by(padded, dims), ". Kernel size: ", by(reach, dims),
               ". Kernel size can't be greater than actual input size");
    for (int d = 0; d < dims; ++d) a.size[d] = (padded[d] - reach[d]) / a.stride[d] + 1;
    return a;
  }
  CT_CHECK(input.size(1) == w[0], op, ": Given transposed=1, weight of size ", w, ", expected input", input.sizes(), " to have ", w[0],
           " channels, but got ", input.size(1), " channels instead");
  CT_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == w[1] * a.groups), op, ": Given transposed=1, weight of size ", w,
           ", expected bias to be 1-dimensional with ", w[1] * a.groups, " elements, but got bias of size ", bias.defined() ? bias.sizes() : IntArrayRef(), " instead");
  for (int d = 0; d < dims; ++d)
    CT_CHECK(extra[d] < a.stride[d] || extra[d] < a.dilation[d], op, ": output padding must be smaller than either stride or dilation, but got",
             by_name("output_padding", extra, dims), by_name("stride", a.stride, dims), by_name("dilation", a.dilation, dims));
  for (int d = 0; d < dims; ++d) a.size[d] = (input.size(d + 2) - 1) * a.stride[d] - 2 * a.padding[d] + reach[d] + extra[d];
  CT_CHECK(all_at_least(1, a.size, dims), op, ": Given input size per channel: ", by(input.sizes().data() + 2, dims), ". Calculated output size per channel: ",
           by(a.size, dims), ". Output size is too small");
  return a;
}

Tensor run(const Arguments& p, int dims, const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check_defined(p.op, input, weight);
  CT_CHECK(input.dim() == dims + 1 || input.dim() == dims + 2, p.op, ": Expected ", dims + 1, "D (unbatched) or ", dims + 2, "D (batched) input to ", p.op,
           ", but got input of size: ", input.sizes());
  CT_CHECK(weight.dim() == dims + 2, p.op, ": expected a ", dims + 2, "-dimensional weight, but got weight of size ", weight.sizes());
  const bool batched = input.dim() == dims + 2;
  const Tensor x = batched ? input : input.unsqueeze(0);
  const Tensor y = detail::convolve(checked(p, x, weight, bias), x, weight, bias);
  return batched ? y : y.squeeze(0);
}

Tensor run_word(const char* op, int dims, const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, PaddingWord padding,
                IntArrayRef dilation, std::int64_t groups) {
  CT_CHECK(padding.word() == "same" || padding.word() == "valid", op, ": Invalid padding string: '", padding.word(), "'\n  It is \"same\" or \"valid\".");
  if (padding.word() == "valid") return run({op, stride, 0, dilation, 0, false, groups}, dims, input, weight, bias);
  check_defined(op, input, weight);
  CT_CHECK(weight.dim() == dims + 2, op, ": expected a ", dims + 2, "-dimensional weight, but got weight of size ", weight.sizes());
  for (std::int64_t s : stride) CT_CHECK(s == 1, op, ": padding='same' is not supported for strided convolutions, got stride ", stride);
  std::int64_t step[3], pad[3];
  read(op, "dilation", dilation, dims, step);
  // Where one element more is needed on the right, the input gets it first.
  std::int64_t margin[6] = {};
  bool odd = false;
  for (int d = 0; d < dims; ++d) {
    CT_CHECK(step[d] > 0 && step[d] < most, op, ": non-positive dilation is not supported, got ", dilation);
    const std::int64_t total = step[d] * (weight.size(d + 2) - 1);
    pad[d] = total / 2;
    margin[2 * (dims - 1 - d) + 1] = total % 2;
    odd |= total % 2 == 1;
  }
  const Tensor x = odd ? constant_pad_nd(input, {margin, 2 * static_cast<std::size_t>(dims)}) : input;
  return run({op, stride, {pad, static_cast<std::size_t>(dims)}, dilation, 0, false, groups}, dims, x, weight, bias);
}

}  // namespace

#define CT_X(D)                                                                                                                                    \
  Tensor conv##D##d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,   \
                    std::int64_t groups) {                                                                                                         \
    return run({"conv" #D "d", stride, padding, dilation, 0, false, groups}, D, input, weight, bias);                                              \
  }                                                                                                                                                \
  Tensor conv##D##d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, PaddingWord padding, IntArrayRef dilation,   \
                    std::int64_t groups) {                                                                                                         \
    return run_word("conv" #D "d", D, input, weight, bias, stride, padding, dilation, groups);                                                     \
  }                                                                                                                                                \
  Tensor conv_transpose##D##d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, IntArrayRef padding,              \
                              IntArrayRef output_padding, std::int64_t groups, IntArrayRef dilation) {                                             \
    return run({"conv_transpose" #D "d", stride, padding, dilation, output_padding, true, groups}, D, input, weight, bias);                        \
  }
CT_X(1)
CT_X(2)
CT_X(3)
#undef CT_X

Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                   bool transposed, IntArrayRef output_padding, std::int64_t groups) {
  check_defined("convolution", input, weight);
  return detail::convolve(checked({"convolution", stride, padding, dilation, output_padding, transposed, groups}, input, weight, bias), input, weight, bias);
}

}  // namespace ct
