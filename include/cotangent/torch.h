// cotangent/torch.h -- for code written for libtorch's C++ front end: include this in place of <torch/torch.h>.
//
// Makes torch, at and c10 other names of ct, and defines libtorch's macros with the same meaning. It adds nothing but
// names: ct's own headers have all of it and compile faster. docs/from-libtorch.md lists what differs.
#pragma once

#include <cmath>     // libtorch's headers bring these, and programs count on it
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cotangent/cotangent.h"
#include "cotangent/data.h"
#include "cotangent/data/chunk.h"
#include "cotangent/data/dataloader.h"
#include "cotangent/data/mnist.h"
#include "cotangent/expanding_array.h"
#include "cotangent/forward_ad.h"
#include "cotangent/io.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"
#include "cotangent/optim.h"

namespace ct {

// c10's names for the standard library's types.
using std::nullopt;
using std::nullopt_t;
using std::optional;
using string_view = std::string_view;

// Short names of dtypes.
using Dtype = ScalarType;
inline constexpr ScalarType kU8 = kUInt8, kI8 = kInt8, kI16 = kInt16, kI32 = kInt32, kI64 = kInt64, kF16 = kFloat16, kF32 = kFloat32, kF64 = kFloat64;

namespace autograd {
namespace forward_ad = ::ct::forward_ad;
using optional_variable_list = std::vector<std::optional<Tensor>>;
}  // namespace autograd
namespace nn::init {
// Python's words, and the constants, which convert to them: kFanIn, kReLU.
using FanModeType = std::string_view;
using NonlinearityType = std::string_view;
}  // namespace nn::init
/// F::dropout and its kin with arguments in libtorch's order.
inline Tensor dropout(const Tensor& input, double p, bool train) { return nn::functional::dropout(input, nn::functional::DropoutFuncOptions().p(p).training(train)); }
inline Tensor feature_dropout(const Tensor& input, double p, bool train) {
  return nn::functional::dropout2d(input, nn::functional::Dropout2dFuncOptions().p(p).training(train));
}
inline Tensor alpha_dropout(const Tensor& input, double p, bool train) {
  return nn::functional::alpha_dropout(input, nn::functional::AlphaDropoutFuncOptions().p(p).training(train));
}
inline Tensor feature_alpha_dropout(const Tensor& input, double p, bool train) {
  return nn::functional::feature_alpha_dropout(input, nn::functional::FeatureAlphaDropoutFuncOptions().p(p).training(train));
}
/// Whether both are undefined, or both are there and equal.
inline bool equal_if_defined(Tensor a, Tensor b) { return a.defined() == b.defined() && (!a.defined() || equal(a, b)); }

namespace detail {
// The message of TORCH_CHECK: whatever can be written to a stream.
template <class... Parts>
std::string stream_text(const char* otherwise, const Parts&... parts) {
  if constexpr (sizeof...(Parts) == 0) {
    return otherwise;
  } else {
    std::ostringstream text;
    (text << ... << parts);
    return text.str();
  }
}
}  // namespace detail

/// c10::get_if<enumtype::kMean>(&options.reduction()): the choice, if it is that one.
template <class Name, class... Names>
const Name* get_if(const Choice<Names...>* choice) {
  static constexpr Name name{};
  return choice && choice->is(name) ? &name : nullptr;
}
/// The numbers from 0 up to end, or from begin: for (auto i : c10::irange(n)).
template <class Integer>
class irange {
 public:
  struct iterator {
    Integer i;
    Integer operator*() const { return i; }
    iterator& operator++() { return ++i, *this; }
    bool operator!=(const iterator& other) const { return i < other.i; }
  };
  explicit irange(Integer end) : irange(0, end) {}
  irange(Integer begin, Integer end) : begin_(begin), end_(end) {}
  iterator begin() const { return {begin_}; }
  iterator end() const { return {end_}; }

 private:
  Integer begin_, end_;
};

}  // namespace ct

namespace torch = ct;
namespace at = ct;
namespace c10 = ct;

#define TORCH_ARG(T, name) CT_ARG(T, name)
#define TORCH_MODULE_IMPL(Name, Impl) CT_MODULE_IMPL(Name, Impl)
#define TORCH_MODULE(Name) CT_MODULE(Name)
#define FORWARD_HAS_DEFAULT_ARGS(...)  // containers look at forward itself

// Errors are thrown as here: c10::Error is ct::Error.
#define TORCH_CHECK(cond, ...) TORCH_CHECK_WITH(error, cond, "Expected " #cond " to be true, but got false" __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_INDEX(cond, ...) TORCH_CHECK_WITH(index, cond, "Expected " #cond " to be true, but got false" __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_VALUE(cond, ...) TORCH_CHECK_WITH(value, cond, "Expected " #cond " to be true, but got false" __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_TYPE(cond, ...) TORCH_CHECK_WITH(type, cond, "Expected " #cond " to be true, but got false" __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_NOT_IMPLEMENTED(cond, ...) \
  TORCH_CHECK_WITH(not_implemented, cond, "Expected " #cond " to be true, but got false" __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_WITH(kind, cond, ...)                                 \
  do {                                                                    \
    if (!(cond)) [[unlikely]]                                             \
      CT_THROW(kind, ::ct::detail::stream_text(__VA_ARGS__));             \
  } while (0)
#define TORCH_INTERNAL_ASSERT(cond, ...) TORCH_CHECK_WITH(error, cond, "INTERNAL ASSERT FAILED: " #cond __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_WARN(...) ::ct::warn(::ct::detail::stream_text("", __VA_ARGS__))
#define AT_ERROR(...) CT_THROW(error, ::ct::detail::stream_text("", __VA_ARGS__))
#define AT_ASSERT(cond, ...) TORCH_INTERNAL_ASSERT(cond __VA_OPT__(, ) __VA_ARGS__)
#define AT_WARN(...) TORCH_WARN(__VA_ARGS__)
