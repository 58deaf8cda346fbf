// tests/oracle/convolution_oracle.cpp -- what libtorch computes for convolutions, blocks as columns, and pixels from channels.
#include "oracle/oracle.h"

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
