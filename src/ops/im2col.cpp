// ops/im2col.cpp -- blocks of images as columns and back, and channels that become pixels.
#include <algorithm>

#include "cotangent/ops/convolution.h"
#include "kernels/convolution.h"
#include "ops/convolution_attrs.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using detail::Im2ColAttrs;
using detail::ShuffleAttrs;

namespace {

// Blocks along one of the two dimensions; less than one if none fits.
std::int64_t blocks(const Im2ColAttrs& a, int d) {
  const std::int64_t room = a.image[d] + 2 * a.padding[d] - a.dilation[d] * (a.kernel[d] - 1) - 1;
  return room < 0 ? 0 : room / a.stride[d] + 1;
}

kernels::ConvShape shape_of(const Im2ColAttrs& a) {
  kernels::ConvShape s;
  for (int d = 0; d < 2; ++d) {
    s.in[d + 1] = a.image[d], s.out[d + 1] = blocks(a, d), s.kernel[d + 1] = a.kernel[d];
    s.stride[d + 1] = a.stride[d], s.padding[d + 1] = a.padding[d], s.dilation[d + 1] = a.dilation[d];
  }
  return s;
}

Tensor im2col_again(const Tensor& g, const Saved& s, int);
// Entries that are images already have a batch dimension, which the entries of the batch go into.
Tensor images_each(const Batch& b, std::int64_t image_dim) {
  const auto& a = b.attrs<Im2ColAttrs>();
  const Tensor& x = b.value(0);
  if (b.dim(0) == image_dim) return apply_with(b.op, a, x);
  return unflatten(apply_with(b.op, a, x.flatten(0, 1)), 0, {b.size, x.size(1)});
}

// columns -> image: each element the sum of the places that im2col would copy it to
constexpr Op col2im_op{
    .name = "col2im",
    .node = "Col2ImBackward0",
    .kind = OpKind::linear,
    .formula = "dx = im2col(g, kernel_size, dilation, padding, stride)",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<Im2ColAttrs>();
      const ScalarType dtype = c.x(0).scalar_type();
      const Tensor x = detail::widened(c.x(0)).contiguous();
      const std::int64_t images = x.dim() == 3 ? x.size(0) : 1, channels = x.size(-2) / (a.kernel[0] * a.kernel[1]);
      const Tensor y = x.dim() == 3 ? zeros({images, channels, a.image[0], a.image[1]}, x.scalar_type()) : zeros({channels, a.image[0], a.image[1]}, x.scalar_type());
      CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
        kernels::col2im<scalar_t>(shape_of(a), images * channels, detail::data<scalar_t>(x), detail::data<scalar_t>(y));
      });
      return y.to(dtype);
    },
    .vjp = im2col_again,
    .batch = [](const Batch& b) { return images_each(b, 2); },
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 8, 9})}, Im2ColAttrs{{2, 2}, {1, 1}, {0, 0}, {1, 1}, {4, 4}});
      call({call.uniform({6, 8})}, Im2ColAttrs{{3, 2}, {1, 2}, {1, 1}, {2, 1}, {3, 4}});
      call({call.uniform({0, 4, 9})}, Im2ColAttrs{{2, 2}, {1, 1}, {0, 0}, {1, 1}, {4, 4}});
    },
};

constexpr Op im2col_op{
    .name = "im2col",
    .node = "Im2ColBackward0",
    .kind = OpKind::linear,
    .formula = "dx = col2im(g, output_size, kernel_size, dilation, padding, stride)",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<Im2ColAttrs>();
      const ScalarType dtype = c.x(0).scalar_type();
      const Tensor x = detail::widened(c.x(0)).contiguous();
      const std::int64_t images = x.dim() == 4 ? x.size(0) : 1, channels = x.size(-3), rows = channels * a.kernel[0] * a.kernel[1];
      const std::int64_t columns = blocks(a, 0) * blocks(a, 1);
      const Tensor y = x.dim() == 4 ? detail::empty_like_dtype(x.scalar_type(), {images, rows, columns}) : detail::empty_like_dtype(x.scalar_type(), {rows, columns});
      CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
        kernels::im2col<scalar_t>(shape_of(a), images * channels, detail::data<scalar_t>(x), detail::data<scalar_t>(y));
      });
      return y.to(dtype);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return apply_with(col2im_op, s.attrs<Im2ColAttrs>(), g); },
    .batch = [](const Batch& b) { return images_each(b, 3); },
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 2, 4, 4})}, Im2ColAttrs{{2, 2}, {1, 1}, {0, 0}, {1, 1}, {4, 4}});
      call({call.uniform({1, 3, 4})}, Im2ColAttrs{{3, 2}, {1, 2}, {1, 1}, {2, 1}, {3, 4}});
      call({call.uniform({0, 1, 4, 4})}, Im2ColAttrs{{2, 2}, {1, 1}, {0, 0}, {1, 1}, {4, 4}});
    },
};

Tensor im2col_again(const Tensor& g, const Saved& s, int) { return apply_with(im2col_op, s.attrs<Im2ColAttrs>(), g); }

// ---- pixels ---------------------------------------------------------------------------------------------------------------------

std::vector<std::int64_t> image_sizes(const Tensor& x, std::int64_t c, std::int64_t h, std::int64_t w) {
  std::vector<std::int64_t> sizes = x.sizes().vec();
  const std::size_t n = sizes.size();
  sizes[n - 3] = c, sizes[n - 2] = h, sizes[n - 1] = w;
  return sizes;
}

// [.., c r r, h, w] <-> [.., c, h r, w r], by an exchange of dimensions of [n, c, r, r, h, w] and [n, c, h, r, w, r]
Tensor shuffled(const Tensor& x, std::int64_t r) {
  const std::int64_t c = x.size(-3) / (r * r), h = x.size(-2), w = x.size(-1);
  if (x.numel() == 0) return detail::empty_like_dtype(x.scalar_type(), image_sizes(x, c, h * r, w * r));
  return x.reshape({-1, c, r, r, h, w}).permute({0, 1, 4, 2, 5, 3}).reshape(image_sizes(x, c, h * r, w * r));
}
Tensor unshuffled(const Tensor& x, std::int64_t r) {
  const std::int64_t c = x.size(-3), h = x.size(-2) / r, w = x.size(-1) / r;
  if (x.numel() == 0) return detail::empty_like_dtype(x.scalar_type(), image_sizes(x, c * r * r, h, w));
  return x.reshape({-1, c, h, r, w, r}).permute({0, 1, 3, 5, 2, 4}).reshape(image_sizes(x, c * r * r, h, w));
}

constexpr Op pixel_shuffle_op{
    .name = "pixel_shuffle",
    .node = "PixelShuffleBackward0",
    .kind = OpKind::linear,
    .formula = "dx = pixel_unshuffle(g, upscale_factor)",
    .forward = [](const Call& c) { return shuffled(c.x(0), c.attrs<ShuffleAttrs>().factor); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return pixel_unshuffle(g, s.attrs<ShuffleAttrs>().factor); },
    .batch = detail::as_it_is,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 8, 2, 3})}, ShuffleAttrs{2});
      call({call.uniform({9, 1, 2})}, ShuffleAttrs{3});
    },
};

constexpr Op pixel_unshuffle_op{
    .name = "pixel_unshuffle",
    .node = "PixelUnshuffleBackward0",
    .kind = OpKind::linear,
    .formula = "dx = pixel_shuffle(g, downscale_factor)",
    .forward = [](const Call& c) { return unshuffled(c.x(0), c.attrs<ShuffleAttrs>().factor); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return pixel_shuffle(g, s.attrs<ShuffleAttrs>().factor); },
    .batch = detail::as_it_is,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 2, 4, 6})}, ShuffleAttrs{2});
      call({call.uniform({1, 3, 6})}, ShuffleAttrs{3});
    },
};

// ---- arguments --------------------------------------------------------------------------------------------------------------------

std::string tuple(const std::int64_t* v) { return detail::join({"(", v[0], ", ", v[1], ")"}); }

void read(const char* op, const char* name, IntArrayRef given, std::int64_t* to) {
  CT_CHECK(given.size() == 2, op, ": It is expected ", name, " equals to 2, but got size ", static_cast<std::int64_t>(given.size()),
           "\n  Give one number for the height and one for the width.");
  to[0] = given[0], to[1] = given[1];
}

Im2ColAttrs checked(const char* op, IntArrayRef kernel, IntArrayRef dilation, IntArrayRef padding, IntArrayRef stride) {
  constexpr std::int64_t most = std::int64_t{1} << 30;
  Im2ColAttrs a{};
  read(op, "kernel_size", kernel, a.kernel);
  read(op, "dilation", dilation, a.dilation);
  read(op, "padding", padding, a.padding);
  read(op, "stride", stride, a.stride);
  CT_CHECK(a.kernel[0] > 0 && a.kernel[1] > 0, op, ": kernel size should be greater than zero, but got kernel_height: ", a.kernel[0], " kernel_width: ", a.kernel[1]);
  CT_CHECK(a.dilation[0] > 0 && a.dilation[1] > 0, op, ": dilation should be greater than zero, but got dilation_height: ", a.dilation[0],
           " dilation_width: ", a.dilation[1]);
  CT_CHECK(a.padding[0] >= 0 && a.padding[1] >= 0, op, ": padding should be non-negative, but got pad_height: ", a.padding[0], " pad_width: ", a.padding[1]);
  CT_CHECK(a.stride[0] > 0 && a.stride[1] > 0, op, ": stride should be greater than zero, but got stride_height: ", a.stride[0], " stride_width: ", a.stride[1]);
  for (int d = 0; d < 2; ++d)
    CT_CHECK(a.kernel[d] < most && a.dilation[d] < most && a.padding[d] < most && a.stride[d] < most, op, ": a parameter is too large");
  return a;
}

void check_floating(const char* op, const Tensor& x) {
  CT_CHECK_TYPE(isFloatingType(x.scalar_type()), op, ": \"", op, "_out_cpu\" not implemented for '", x.scalar_type(), "'\n  Convert to a floating dtype first.");
}

}  // namespace

std::span<const Op* const> im2col_ops() {
  static constexpr const Op* ops[] = {&im2col_op, &col2im_op, &pixel_shuffle_op, &pixel_unshuffle_op};
  return ops;
}

Tensor im2col(const Tensor& self, IntArrayRef kernel_size, IntArrayRef dilation, IntArrayRef padding, IntArrayRef stride) {
  CT_CHECK(self.defined(), "im2col: expected a tensor, but the input is undefined");
  Im2ColAttrs a = checked("im2col", kernel_size, dilation, padding, stride);
  const std::int64_t n = self.dim();
  CT_CHECK((n == 3 || n == 4) && self.size(-1) > 0 && self.size(-2) > 0 && self.size(-3) > 0,
           "im2col: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ", self.sizes());
  check_floating("im2col", self);
  a.image[0] = self.size(-2), a.image[1] = self.size(-1);
  const std::int64_t height = blocks(a, 0), width = blocks(a, 1);
  CT_CHECK(height > 0 && width > 0, "im2col: Given input with spatial size ", tuple(a.image), ", kernel_size=", tuple(a.kernel), ", dilation=", tuple(a.dilation),
           ", padding=", tuple(a.padding), ", calculated shape of the array of sliding blocks as (", height, ", ", width,
           "), but its components must be at least one.");
  return apply_with(im2col_op, a, self);
}

Tensor col2im(const Tensor& self, IntArrayRef output_size, IntArrayRef kernel_size, IntArrayRef dilation, IntArrayRef padding, IntArrayRef stride) {
  CT_CHECK(self.defined(), "col2im: expected a tensor, but the input is undefined");
  Im2ColAttrs a = checked("col2im", kernel_size, dilation, padding, stride);
  read("col2im", "output_size", output_size, a.image);
  CT_CHECK(a.image[0] > 0 && a.image[1] > 0, "col2im: expected output spatial size to be positive, but got ", tuple(a.image));
  const std::int64_t n = self.dim();
  CT_CHECK((n == 2 || n == 3) && self.size(-1) > 0 && self.size(-2) > 0,
           "col2im: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: ", self.sizes());
  check_floating("col2im", self);
  CT_CHECK(self.size(-2) % (a.kernel[0] * a.kernel[1]) == 0, "col2im: Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)=",
           self.size(-2), " and kernel_size=", tuple(a.kernel), ".");
  const std::int64_t height = blocks(a, 0), width = blocks(a, 1);
  CT_CHECK(self.size(-1) == height * width, "col2im: Given output_size=", tuple(a.image), ", kernel_size=", tuple(a.kernel), ", dilation=", tuple(a.dilation),
           ", padding=", tuple(a.padding), ", stride=", tuple(a.stride), ", expected size of input's dimension 2 to match the calculated number of sliding blocks ",
           height, " * ", width, " = ", height * width, ", but got input.size(2)=", self.size(-1), ".");
  return apply_with(col2im_op, a, self);
}

Tensor pixel_shuffle(const Tensor& self, std::int64_t r) {
  CT_CHECK(self.defined(), "pixel_shuffle: expected a tensor, but the input is undefined");
  CT_CHECK(self.dim() >= 3, "pixel_shuffle expects input to have at least 3 dimensions, but got input with ", self.dim(), " dimension(s)");
  CT_CHECK(r > 0, "pixel_shuffle expects a positive upscale_factor, but got ", r);
  const std::int64_t c = self.size(-3);
  CT_CHECK((r < (std::int64_t{1} << 31) && c % (r * r) == 0), "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)=",
           c, " is not divisible by ", r < (std::int64_t{1} << 31) ? r * r : r);
  return apply_with(pixel_shuffle_op, ShuffleAttrs{r}, self);
}

Tensor pixel_unshuffle(const Tensor& self, std::int64_t r) {
  CT_CHECK(self.defined(), "pixel_unshuffle: expected a tensor, but the input is undefined");
  CT_CHECK(self.dim() >= 3, "pixel_unshuffle expects input to have at least 3 dimensions, but got input with ", self.dim(), " dimension(s)");
  CT_CHECK(r > 0, "pixel_unshuffle expects a positive downscale_factor, but got ", r);
  CT_CHECK(self.size(-2) % r == 0, "pixel_unshuffle expects height to be divisible by downscale_factor, but input.size(-2)=", self.size(-2), " is not divisible by ", r);
  CT_CHECK(self.size(-1) % r == 0, "pixel_unshuffle expects width to be divisible by downscale_factor, but input.size(-1)=", self.size(-1), " is not divisible by ", r);
  return apply_with(pixel_unshuffle_op, ShuffleAttrs{r}, self);
}

Tensor channel_shuffle(const Tensor& self, std::int64_t groups) {
  CT_CHECK(self.defined(), "channel_shuffle: expected a tensor, but the input is undefined");
  CT_CHECK(self.dim() > 2, "channel_shuffle expects input with > 2 dims, but got input with sizes ", self.sizes());
  CT_CHECK(groups > 0, "channel_shuffle: Number of groups to divide channels in must be positive. Value of groups:", groups);
  const std::int64_t c = self.size(1);
  CT_CHECK(c % groups == 0, "channel_shuffle: Number of channels must be divisible by groups. Got ", c, " channels and ", groups, " groups.");
  return unflatten(self, 1, {groups, c / groups}).transpose(1, 2).flatten(1, 2);
}

}  // namespace ct
