// cotangent/functional.h -- PyTorch's torch.autograd.functional: products and matrices of first and second derivatives.
//
// f takes one tensor per input and returns a tensor or a tuple, vector, .. of them; inputs are one tensor or a tuple,
// pair, array or vector of tensors. Results follow the structure of both. The newer transforms of func.h compose better;
// these are here for their options: create_graph, strict.
#pragma once

#include "cotangent/func.h"

namespace ct::autograd::functional {

/// Names and defaults are Python's keyword arguments.
struct JacobianOptions {
  bool create_graph = false;                     // the result can be differentiated again
  bool strict = false;                           // an output that does not depend on an input is an error, not zeros
  bool vectorize = false;                        // all rows (columns) in one batched pass; strict is not possible then
  std::string_view strategy = "reverse-mode";    // or "forward-mode", which needs vectorize
};
struct HessianOptions {
  bool create_graph = false;
  bool strict = false;
  bool vectorize = false;
  std::string_view outer_jacobian_strategy = "reverse-mode";
};
struct ProductOptions {
  bool create_graph = false;
  bool strict = false;
};

namespace detail {

using func::detail::Function;
using func::detail::Tensors;

CT_API Tensors jacobian(Function f, const Tensors& in, const JacobianOptions& o, Tensors* outputs);
CT_API Tensors hessian(Function f, const Tensors& in, const HessianOptions& o);
enum class Product { vjp, jvp, vhp, hvp };
/// outputs: f(in). v may be empty where it has one element.
CT_API Tensors product(Product which, Function f, const Tensors& in, const Tensors& v, const ProductOptions& o, Tensors* outputs);

// f on its arguments: one tensor, the elements of a tuple, or a vector as it is.
template <class F, class In>
decltype(auto) call(const F& f, const In& in) {
  if constexpr (std::is_invocable_v<const F&, const In&>) return f(in);
  else return std::apply(f, in);
}

template <class F, class In>
using ResultOf = std::remove_cvref_t<decltype(call(std::declval<const F&>(), std::declval<const In&>()))>;

// f on flat lists; keeps its result.
template <class F, class In>
struct Flat {
  const F& f;
  const In& like;
  std::optional<ResultOf<F, In>>& result;
  Tensors operator()(const Tensors& x) const {
    const Tensor* at = x.data();
    result.emplace(call(f, func::tree::unflatten(like, at)));
    return func::tree::flatten(*result);
  }
};

template <class F, class In, class V>
auto input_product(Product which, const F& f, const In& in, const V& v, const ProductOptions& o) {
  std::optional<ResultOf<F, In>> result;
  Tensors out;
  const Tensors p = product(which, Flat<F, In>{f, in, result}, func::tree::flatten(in), func::tree::flatten(v), o, &out);
  const Tensor *at = out.data(), *pt = p.data();
  auto value = func::tree::unflatten(*result, at);
  return std::pair(std::move(value), func::tree::unflatten(in, pt));
}

}  // namespace detail

/// The Jacobian: of out.shape + in.shape for a tensor and a tensor; for several inputs the inputs' structure of them, for
/// several outputs the outputs' structure of those.
/// Errors: ct::Error under strict, "Output 0 of the user-provided function is independent of input 1".
template <class F, class In>
auto jacobian(const F& f, const In& inputs, const JacobianOptions& options = {}) {
  std::optional<detail::ResultOf<F, In>> result;
  detail::Tensors out;
  const detail::Tensors j = detail::jacobian(detail::Flat<F, In>{f, inputs, result}, func::tree::flatten(inputs), options, &out);
  const Tensor* at = j.data();
  return func::tree::rebuild(*result, [&](const Tensor&) { return func::tree::unflatten(inputs, at); });
}

/// The Hessian of a function with one one-element output: in.shape + in.shape; for several inputs H[i][j].
template <class F, class In>
auto hessian(const F& f, const In& inputs, const HessianOptions& options = {}) {
  std::optional<detail::ResultOf<F, In>> result;
  const detail::Tensors h = detail::hessian(detail::Flat<F, In>{f, inputs, result}, func::tree::flatten(inputs), options);
  const Tensor* at = h.data();
  return func::tree::rebuild(inputs, [&](const Tensor&) { return func::tree::unflatten(inputs, at); });
}

/// The pair (f(inputs), v^T J), the latter like inputs. v is like the output; it may be left out if that has one element.
template <class F, class In, class V>
auto vjp(const F& f, const In& inputs, const V& v, const ProductOptions& options = {}) {
  return detail::input_product(detail::Product::vjp, f, inputs, v, options);
}
template <class F, class In>
auto vjp(const F& f, const In& inputs) { return vjp(f, inputs, std::tuple<>(), {}); }

/// The pair (f(inputs), J v), the latter like the output. v is like inputs; it may be left out if these have one element.
template <class F, class In, class V>
auto jvp(const F& f, const In& inputs, const V& v, const ProductOptions& options = {}) {
  std::optional<detail::ResultOf<F, In>> result;
  detail::Tensors out;
  const detail::Tensors p = detail::product(detail::Product::jvp, detail::Flat<F, In>{f, inputs, result}, func::tree::flatten(inputs),
                                            func::tree::flatten(v), options, &out);
  const Tensor *at = out.data(), *pt = p.data();
  auto value = func::tree::unflatten(*result, at);
  return std::pair(std::move(value), func::tree::unflatten(*result, pt));
}
template <class F, class In>
auto jvp(const F& f, const In& inputs) { return jvp(f, inputs, std::tuple<>(), {}); }

/// The pair (f(inputs), v^T H), for one one-element output.
template <class F, class In, class V>
auto vhp(const F& f, const In& inputs, const V& v, const ProductOptions& options = {}) {
  return detail::input_product(detail::Product::vhp, f, inputs, v, options);
}
/// The pair (f(inputs), H v): the same numbers; vhp is the cheaper one.
template <class F, class In, class V>
auto hvp(const F& f, const In& inputs, const V& v, const ProductOptions& options = {}) {
  return detail::input_product(detail::Product::hvp, f, inputs, v, options);
}

}  // namespace ct::autograd::functional

namespace ct::func {
using autograd::functional::hvp;
using autograd::functional::jacobian;
using autograd::functional::vhp;
}  // namespace ct::func
