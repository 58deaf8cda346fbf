// tests/oracle/convolution_oracle.cpp -- what libtorch computes for convolutions, blocks as columns, and pixels from channels.
#include "oracle/nn_check.h"

#include "cotangent/nn/functional.h"
#include "ops/convolution_attrs.h"

namespace {

using ct::detail::ConvAttrs;
using ct::detail::ConvWeightAttrs;
using ct::detail::Im2ColAttrs;
using ct::detail::ShuffleAttrs;
using oracle::attrs;
using oracle::Inputs;
using oracle::Outputs;

c10::optional<at::Tensor> given(const at::Tensor& t) { return t.defined() ? c10::optional<at::Tensor>(t) : c10::nullopt; }

// libtorch's list of parameters, which has `output_padding` where ours has the size of the result.
struct Parameters {
  std::vector<std::int64_t> stride, padding, dilation, output_padding;
  Parameters(const ConvAttrs& a, at::IntArrayRef input, at::IntArrayRef kernel) {
    for (int d = 0; d < a.dims; ++d) {
      const auto k = static_cast<std::size_t>(d);
      stride.push_back(a.stride[d]), padding.push_back(a.padding[d]), dilation.push_back(a.dilation[d]);
      const std::int64_t least = (input[k + 2] - 1) * a.stride[d] - 2 * a.padding[d] + a.dilation[d] * (kernel[k] - 1) + 1;
      output_padding.push_back(a.transposed ? a.size[d] - least : 0);
    }
  }
};

}  // namespace

CT_ORACLE(convolutions) {
  return {
      {"convolution", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<ConvAttrs>(p);
         const Parameters k(a, in[0].sizes(), in[1].sizes().slice(2));
         return {at::convolution(in[0], in[1], given(in[2]), k.stride, k.padding, k.dilation, a.transposed, k.output_padding, a.groups)};
       }},
      {"convolution_backward_weight", [](const Inputs& in, const void* p) -> Outputs {
         const auto& w = attrs<ConvWeightAttrs>(p);
         const at::Tensor &input = in[w.conv.transposed ? 1 : 0], &g = in[w.conv.transposed ? 0 : 1];
         std::vector<std::int64_t> sizes = {in[1].size(1), in[0].size(1) / w.conv.groups};
         sizes.insert(sizes.end(), w.kernel, w.kernel + w.conv.dims);
         const Parameters k(w.conv, input.sizes(), at::IntArrayRef(sizes).slice(2));
         return {std::get<1>(at::convolution_backward(g, input, at::zeros(sizes, g.options()), c10::nullopt, k.stride, k.padding, k.dilation,
                                                      w.conv.transposed, k.output_padding, w.conv.groups, {false, true, false}))};
       }},
  };
}

CT_ORACLE(columns) {
  return {
      Entry("im2col", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<Im2ColAttrs>(p);
         return {at::im2col(in[0], a.kernel, a.dilation, a.padding, a.stride)};
       }).graph_differs("libtorch saves the image, of which only the size is needed"),
      {"col2im", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<Im2ColAttrs>(p);
         return {at::col2im(in[0], a.image, a.kernel, a.dilation, a.padding, a.stride)};
       }},
      {"pixel_shuffle", [](const Inputs& in, const void* p) -> Outputs { return {at::pixel_shuffle(in[0], attrs<ShuffleAttrs>(p).factor)}; }},
      {"pixel_unshuffle", [](const Inputs& in, const void* p) -> Outputs { return {at::pixel_unshuffle(in[0], attrs<ShuffleAttrs>(p).factor)}; }},
  };
}

DOCTEST_TEST_CASE("convolutions as layers agree with libtorch's") {
  CHECK_MODULE("Conv1d(3, 4, 3)", Conv1d(3, 4, 3), Randn(2, 3, 8));
  CHECK_MODULE("Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)",
               Conv1d(Conv1dOptions(4, 6, 3).stride(2).padding(1).dilation(2).groups(2).bias(false)), Randn(2, 4, 9));
  CHECK_MODULE("Conv1d(3, 4, 4, padding='same')", Conv1d(Conv1dOptions(3, 4, 4).padding(kSame)), Randn(2, 3, 8));
  CHECK_MODULE("Conv1d(3, 4, 3, padding=2, padding_mode='circular')", Conv1d(Conv1dOptions(3, 4, 3).padding(2).padding_mode(kCircular)), Randn(2, 3, 8));
  CHECK_MODULE("Conv2d(3, 4, 3, padding=1)", Conv2d(Conv2dOptions(3, 4, 3).padding(1)), Randn(2, 3, 8, 8));
  auto wide = MODULE_CASE("Conv2d(3, 20, 3, padding=1)", Conv2d(Conv2dOptions(3, 20, 3).padding(1)), Randn(2, 3, 18, 33));
  wide.tolerance = 3e-4;  // sums of 1,188 numbers in another order
  oracle::check_module(wide);
  CHECK_MODULE("Conv2d(3, 4, (3, 5), stride=(2, 1), padding=(0, 2), dilation=(1, 2))",
               Conv2d(Conv2dOptions(3, 4, {3, 5}).stride({2, 1}).padding({0, 2}).dilation({1, 2})), Randn(2, 3, 9, 11));
  CHECK_MODULE("Conv2d(4, 4, 3, groups=4)", Conv2d(Conv2dOptions(4, 4, 3).groups(4)), Randn(2, 4, 7, 6));
  CHECK_MODULE("Conv2d(4, 8, 3, stride=2, padding=1, groups=4)", Conv2d(Conv2dOptions(4, 8, 3).stride(2).padding(1).groups(4)), Randn(2, 4, 7, 6));
  CHECK_MODULE("Conv2d(3, 5, 1)", Conv2d(3, 5, 1), Randn(2, 3, 4, 4));
  CHECK_MODULE("Conv2d(3, 5, 1, stride=2)", Conv2d(Conv2dOptions(3, 5, 1).stride(2)), Randn(2, 3, 4, 5));
  CHECK_MODULE("Conv2d(3, 4, 3)", Conv2d(3, 4, 3), Randn(3, 8, 8));
  CHECK_MODULE("Conv2d(2, 3, 3, padding='same')", Conv2d(Conv2dOptions(2, 3, 3).padding(kSame)), Randn(2, 2, 5, 6));
  CHECK_MODULE("Conv2d(2, 3, (2, 4), padding='same', dilation=(1, 3))", Conv2d(Conv2dOptions(2, 3, {2, 4}).padding(kSame).dilation({1, 3})), Randn(2, 2, 9, 10));
  CHECK_MODULE("Conv2d(2, 3, 3, padding='valid')", Conv2d(Conv2dOptions(2, 3, 3).padding(kValid)), Randn(2, 2, 5, 6));
  CHECK_MODULE("Conv2d(2, 3, 3, padding=(1, 2), padding_mode='reflect')", Conv2d(Conv2dOptions(2, 3, 3).padding({1, 2}).padding_mode(kReflect)), Randn(2, 2, 5, 6));
  CHECK_MODULE("Conv2d(2, 3, 3, padding=1, padding_mode='replicate')", Conv2d(Conv2dOptions(2, 3, 3).padding(1).padding_mode(kReplicate)), Randn(2, 2, 5, 6));
  CHECK_MODULE("Conv2d(2, 3, 3, stride=2, padding=2, padding_mode='circular')",
               Conv2d(Conv2dOptions(2, 3, 3).stride(2).padding(2).padding_mode(kCircular)), Randn(2, 2, 5, 6));
  CHECK_MODULE("Conv3d(2, 3, 2)", Conv3d(2, 3, 2), Randn(2, 2, 4, 5, 3));
  CHECK_MODULE("Conv3d(2, 4, (1, 2, 3), stride=(1, 2, 1), padding=(0, 1, 1), groups=2)",
               Conv3d(Conv3dOptions(2, 4, {1, 2, 3}).stride({1, 2, 1}).padding({0, 1, 1}).groups(2)), Randn(2, 2, 3, 5, 4));
  CHECK_MODULE("Conv3d(2, 3, 3, padding=1, padding_mode='replicate')", Conv3d(Conv3dOptions(2, 3, 3).padding(1).padding_mode(kReplicate)), Randn(1, 2, 4, 3, 4));
}

DOCTEST_TEST_CASE("transposed convolutions as layers agree with libtorch's") {
  CHECK_MODULE("ConvTranspose1d(3, 4, 3)", ConvTranspose1d(3, 4, 3), Randn(2, 3, 5));
  CHECK_MODULE("ConvTranspose1d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2)",
               ConvTranspose1d(ConvTranspose1dOptions(4, 2, 3).stride(2).padding(1).output_padding(1).groups(2)), Randn(2, 4, 5));
  CHECK_MODULE("ConvTranspose2d(3, 4, 3)", ConvTranspose2d(3, 4, 3), Randn(2, 3, 5, 4));
  CHECK_MODULE("ConvTranspose2d(3, 18, 3, stride=2, padding=1, output_padding=1)",
               ConvTranspose2d(ConvTranspose2dOptions(3, 18, 3).stride(2).padding(1).output_padding(1)), Randn(2, 3, 9, 17));
  CHECK_MODULE("ConvTranspose2d(4, 6, (2, 3), stride=(1, 3), groups=2, bias=False, dilation=(2, 1))",
               ConvTranspose2d(ConvTranspose2dOptions(4, 6, {2, 3}).stride({1, 3}).groups(2).bias(false).dilation({2, 1})), Randn(2, 4, 3, 4));
  CHECK_MODULE("ConvTranspose2d(3, 2, 3, output_padding=1, dilation=2)", ConvTranspose2d(ConvTranspose2dOptions(3, 2, 3).output_padding(1).dilation(2)), Randn(3, 5, 4));
  CHECK_MODULE("ConvTranspose3d(2, 3, 2)", ConvTranspose3d(2, 3, 2), Randn(2, 2, 3, 2, 4));
  auto uneven = MODULE_CASE("ConvTranspose3d(2, 2, (1, 2, 3), stride=(2, 1, 2), padding=(0, 1, 1), output_padding=(1, 0, 1))",
                            ConvTranspose3d(ConvTranspose3dOptions(2, 2, {1, 2, 3}).stride({2, 1, 2}).padding({0, 1, 1}).output_padding({1, 0, 1})), Randn(1, 2, 3, 4, 3));
  uneven.bfloat16 = false;  // of another shape in libtorch 1.13
  oracle::check_module(uneven);
}

DOCTEST_TEST_CASE("blocks, pixels and channels as layers agree with libtorch's") {
  CHECK_MODULE("Unfold((2, 3), dilation=(1, 2), padding=(1, 0), stride=(2, 1))",
               Unfold(UnfoldOptions({2, 3}).dilation({1, 2}).padding({1, 0}).stride({2, 1})), Randn(2, 3, 5, 6));
  CHECK_MODULE("Fold((4, 5), (2, 2), dilation=(1, 1), padding=(0, 0), stride=(1, 1))", Fold(FoldOptions({4, 5}, {2, 2})), Randn(2, 8, 12));
  CHECK_MODULE("PixelShuffle(2)", PixelShuffle(2), Randn(2, 8, 3, 4));
  CHECK_MODULE("PixelUnshuffle(3)", PixelUnshuffle(3), Randn(2, 2, 6, 3));
}
