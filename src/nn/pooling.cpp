// nn/pooling.cpp -- pooling as modules.
#include "cotangent/nn/pooling.h"

#include "cotangent/nn/functional/pooling.h"
#include "nn/text.h"

namespace ct::nn {

namespace F = functional;
using ct::detail::join;

namespace {

// Python's Pool2d(3) prints 3, and Pool2d((3, 2)) prints (3, 2).
std::string short_sizes(IntArrayRef v) {
  for (const std::int64_t n : v)
    if (n != v[0]) return tuple(v);
  return join({v[0]});
}
template <std::size_t D>
std::string short_sizes(const ExpandingArray<D, std::optional<std::int64_t>>& v) {
  bool equal = v[0].has_value();
  for (std::size_t i = 0; i < D; ++i) equal &= v[i] == v[0];
  if (equal) return join({*v[0]});
  std::string out = "(";
  for (std::size_t i = 0; i < D; ++i) out += v[i] ? join({i ? ", " : "", *v[i]}) : join({i ? ", " : "", "None"});
  return out += ")";
}
std::string short_number(double v) { return v == static_cast<double>(static_cast<std::int64_t>(v)) ? join({static_cast<std::int64_t>(v)}) : python(v); }

}  // namespace

#define CT_POOL(Name)                                        \
  template class Cloneable<Name##Impl>;                      \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) { Name##Impl::reset(); } \
  Name##Impl::~Name##Impl() = default;

#define CT_AVG(Name, function, format)                                                                                                      \
  CT_POOL(Name)                                                                                                                             \
  void Name##Impl::reset() {}                                                                                                               \
  std::string Name##Impl::extra_repr() const {                                                                                              \
    return join({"kernel_size=", format(options.kernel_size()), ", stride=", format(options.stride()), ", padding=", format(options.padding())}); \
  }                                                                                                                                         \
  Tensor Name##Impl::forward(const Tensor& input) { return F::function(input, options); }
CT_AVG(AvgPool1d, avg_pool1d, tuple)
CT_AVG(AvgPool2d, avg_pool2d, short_sizes)
CT_AVG(AvgPool3d, avg_pool3d, short_sizes)
#undef CT_AVG

#define CT_MAX(Name, function)                                                                                                                  \
  CT_POOL(Name)                                                                                                                                 \
  void Name##Impl::reset() {}                                                                                                                   \
  std::string Name##Impl::extra_repr() const {                                                                                                  \
    return join({"kernel_size=", short_sizes(options.kernel_size()), ", stride=", short_sizes(options.stride()), ", padding=",                  \
                 short_sizes(options.padding()), ", dilation=", short_sizes(options.dilation()), ", ceil_mode=", python(options.ceil_mode())}); \
  }                                                                                                                                             \
  Tensor Name##Impl::forward(const Tensor& input) { return F::function(input, options); }                                                       \
  std::tuple<Tensor, Tensor> Name##Impl::forward_with_indices(const Tensor& input) { return F::function##_with_indices(input, options); }
CT_MAX(MaxPool1d, max_pool1d)
CT_MAX(MaxPool2d, max_pool2d)
CT_MAX(MaxPool3d, max_pool3d)
#undef CT_MAX

#define CT_ADAPTIVE(Name, function)                                                                               \
  CT_POOL(Name)                                                                                                   \
  void Name##Impl::reset() {}                                                                                     \
  std::string Name##Impl::extra_repr() const { return join({"output_size=", short_sizes(options.output_size())}); } \
  Tensor Name##Impl::forward(const Tensor& input) { return F::function(input, options); }
#define CT_ADAPTIVE_MAX(Name, function) \
  CT_ADAPTIVE(Name, function)           \
  std::tuple<Tensor, Tensor> Name##Impl::forward_with_indices(const Tensor& input) { return F::function##_with_indices(input, options); }
CT_ADAPTIVE_MAX(AdaptiveMaxPool1d, adaptive_max_pool1d)
CT_ADAPTIVE_MAX(AdaptiveMaxPool2d, adaptive_max_pool2d)
CT_ADAPTIVE_MAX(AdaptiveMaxPool3d, adaptive_max_pool3d)
CT_ADAPTIVE(AdaptiveAvgPool1d, adaptive_avg_pool1d)
CT_ADAPTIVE(AdaptiveAvgPool2d, adaptive_avg_pool2d)
CT_ADAPTIVE(AdaptiveAvgPool3d, adaptive_avg_pool3d)
#undef CT_ADAPTIVE_MAX
#undef CT_ADAPTIVE

#define CT_UNPOOL(Name, function, D)                                                                                                           \
  CT_POOL(Name)                                                                                                                                \
  void Name##Impl::reset() {}                                                                                                                  \
  std::string Name##Impl::extra_repr() const {                                                                                                 \
    return join({"kernel_size=", tuple(options.kernel_size()), ", stride=", tuple(options.stride()), ", padding=", tuple(options.padding())}); \
  }                                                                                                                                            \
  Tensor Name##Impl::forward(const Tensor& input, const Tensor& indices, const std::optional<std::vector<std::int64_t>>& output_size) {        \
    return F::function(input, indices,                                                                                                         \
                       F::MaxUnpoolFuncOptions<D>(options.kernel_size()).stride(options.stride()).padding(options.padding()).output_size(output_size)); \
  }
CT_UNPOOL(MaxUnpool1d, max_unpool1d, 1)
CT_UNPOOL(MaxUnpool2d, max_unpool2d, 2)
CT_UNPOOL(MaxUnpool3d, max_unpool3d, 3)
#undef CT_UNPOOL

#define CT_FRACTIONAL(Name, function)                                                                                                           \
  CT_POOL(Name)                                                                                                                                 \
  void Name##Impl::reset() {                                                                                                                    \
    _random_samples = register_buffer("_random_samples", options._random_samples());                                                            \
    CT_CHECK(options.output_size() || options.output_ratio(), #Name " requires specifying either an output size, or a pooling ratio");          \
    CT_CHECK(!options.output_size() || !options.output_ratio(), "only one of output_size and output_ratio may be specified");                   \
    if (options.output_ratio())                                                                                                                 \
      for (const double r : **options.output_ratio()) CT_CHECK(r > 0 && r < 1, #Name ": output_ratio must be between 0 and 1 (got ", r, ")");   \
  }                                                                                                                                             \
  std::string Name##Impl::extra_repr() const { return {}; }                                                                                     \
  Tensor Name##Impl::forward(const Tensor& input) { return std::get<0>(forward_with_indices(input)); }                                          \
  std::tuple<Tensor, Tensor> Name##Impl::forward_with_indices(const Tensor& input) {                                                            \
    return F::function##_with_indices(input, Name##Options(options)._random_samples(_random_samples));                                          \
  }
CT_FRACTIONAL(FractionalMaxPool2d, fractional_max_pool2d)
CT_FRACTIONAL(FractionalMaxPool3d, fractional_max_pool3d)
#undef CT_FRACTIONAL

#define CT_LP_POOL(Name, function)                                                                                                  \
  CT_POOL(Name)                                                                                                                     \
  void Name##Impl::reset() {}                                                                                                       \
  std::string Name##Impl::extra_repr() const {                                                                                      \
    return join({"norm_type=", short_number(options.norm_type()), ", kernel_size=", short_sizes(options.kernel_size()), ", stride=", \
                 options.stride() == options.kernel_size() ? "None" : short_sizes(options.stride()), ", ceil_mode=", python(options.ceil_mode())}); \
  }                                                                                                                                 \
  Tensor Name##Impl::forward(const Tensor& input) { return F::function(input, options); }
CT_LP_POOL(LPPool1d, lp_pool1d)
CT_LP_POOL(LPPool2d, lp_pool2d)
CT_LP_POOL(LPPool3d, lp_pool3d)
#undef CT_LP_POOL
#undef CT_POOL

}  // namespace ct::nn
