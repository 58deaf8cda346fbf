// cotangent/func.h -- function transforms: grad, vjp, jvp, jacobians, hessian and vmap of any C++ callable.
//
// A transform takes a callable and returns a callable; they nest freely: vmap(grad(f)) gives the gradient of every
// sample, grad(vmap(f)) differentiates through a batch, jacfwd(jacrev(f)) is the Hessian. Names and argument order are
// torch.func's. Arguments and results of f are tensors, or vectors, arrays, pairs and tuples of them, to any depth;
// arguments without tensors (numbers, options) pass through.
//
// What f does must not depend on values in ways C++ decides (item(), if on an element): under vmap there is no one value.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cotangent/autograd.h"
#include "cotangent/callable.h"
#include "cotangent/tensor.h"

namespace ct::func {

/// Which arguments of f to differentiate by: grad(f, argnums<0, 2>). Several give a tuple of results.
template <int... N>
struct Argnums {};
template <int... N>
inline constexpr Argnums<N...> argnums{};

/// grad(f, argnums<0>, has_aux): f returns a pair (value to differentiate, anything else), and so does the result.
struct HasAux {};
inline constexpr HasAux has_aux{};

/// The dimension of each argument to map over: one number for all, or one for each, std::nullopt for those not mapped.
struct Dims {
  Dims(int d) : all(d) {}
  Dims(std::nullopt_t) {}
  Dims(std::initializer_list<std::optional<std::int64_t>> each_) : each(each_), listed(true) {}
  std::optional<std::int64_t> of(std::size_t i) const { return listed ? each.at(i) : all; }
  std::optional<std::int64_t> all;
  std::vector<std::optional<std::int64_t>> each;
  bool listed = false;
};

// ---- trees of tensors -------------------------------------------------------------------------------------------------------

namespace tree {

template <class T> inline constexpr bool is_tensor = std::is_same_v<std::remove_cvref_t<T>, Tensor>;

/// A tree with its tensors replaced by something else; unspecialised: no tensors inside.
template <class T>
struct Node {
  static void flatten(const T&, std::vector<Tensor>&) {}
  template <class Make> static T rebuild(const T& like, Make&) { return like; }
};
template <>
struct Node<Tensor> {
  static void flatten(const Tensor& t, std::vector<Tensor>& out) { out.push_back(t); }
  template <class Make> static auto rebuild(const Tensor& like, Make& make) { return make(like); }
};
template <class T>
struct Node<std::vector<T>> {
  static void flatten(const std::vector<T>& v, std::vector<Tensor>& out) {
    for (const T& x : v) Node<T>::flatten(x, out);
  }
  template <class Make> static auto rebuild(const std::vector<T>& like, Make& make) {
    std::vector<decltype(Node<T>::rebuild(like[0], make))> out;
    for (const T& x : like) out.push_back(Node<T>::rebuild(x, make));
    return out;
  }
};
template <class T, std::size_t N>
struct Node<std::array<T, N>> {
  static void flatten(const std::array<T, N>& v, std::vector<Tensor>& out) {
    for (const T& x : v) Node<T>::flatten(x, out);
  }
  template <class Make> static auto rebuild(const std::array<T, N>& like, Make& make) {
    std::array<decltype(Node<T>::rebuild(like[0], make)), N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = Node<T>::rebuild(like[i], make);
    return out;
  }
};
template <class A, class B>
struct Node<std::pair<A, B>> {
  static void flatten(const std::pair<A, B>& v, std::vector<Tensor>& out) {
    Node<A>::flatten(v.first, out);
    Node<B>::flatten(v.second, out);
  }
  template <class Make> static auto rebuild(const std::pair<A, B>& like, Make& make) {
    auto first = Node<A>::rebuild(like.first, make);
    auto second = Node<B>::rebuild(like.second, make);
    return std::pair<decltype(first), decltype(second)>(std::move(first), std::move(second));
  }
};
template <class... Ts>
struct Node<std::tuple<Ts...>> {
  static void flatten(const std::tuple<Ts...>& v, std::vector<Tensor>& out) {
    std::apply([&](const Ts&... x) { (Node<Ts>::flatten(x, out), ...); }, v);
  }
  template <class Make> static auto rebuild(const std::tuple<Ts...>& like, Make& make) {
    // Braces evaluate from left to right.
    return std::apply([&](const Ts&... x) { return std::tuple<decltype(Node<Ts>::rebuild(x, make))...>{Node<Ts>::rebuild(x, make)...}; }, like);
  }
};

template <class T>
void flatten(const T& v, std::vector<Tensor>& out) { Node<T>::flatten(v, out); }
template <class T>
std::vector<Tensor> flatten(const T& v) {
  std::vector<Tensor> out;
  Node<T>::flatten(v, out);
  return out;
}
/// The tree `like` with make(t) in place of each tensor t.
template <class T, class Make>
auto rebuild(const T& like, Make&& make) { return Node<T>::rebuild(like, make); }
/// The tree `like` with the tensors from `at` on.
template <class T>
T unflatten(const T& like, const Tensor*& at) {
  auto next = [&at](const Tensor&) { return *at++; };
  return Node<T>::rebuild(like, next);
}

}  // namespace tree

// ---- what the transforms are made of, for flat lists of tensors -----------------------------------------------------------------

namespace detail {

using Tensors = std::vector<Tensor>;
using Function = FunctionRef<Tensors(const Tensors&)>;

/// The gradients of f(in)[0], a one-element tensor; outputs: all of f(in), free of the inner graph.
CT_API Tensors grad(const char* name, Function f, const Tensors& in, Tensors* outputs);
/// A recorded evaluation, whose cotangents can be pulled back many times.
struct CT_API Pullback {
  Tensors inputs, outputs;        // of the recorded graph
  Tensors values;                 // the outputs, free of it
  /// v^T J for every input. Errors: ct::Error unless each cotangent has the shape of its output.
  Tensors operator()(const Tensors& cotangents) const;
};
CT_API Pullback vjp(Function f, const Tensors& in);
CT_API std::pair<Tensors, Tensors> jvp(Function f, const Tensors& in, const Tensors& tangents);
/// A recorded evaluation, whose tangents can be pushed forward many times.
struct CT_API Pushforward {
  Pullback vjp;
  Tensors cotangents, pulled;     // v and v^T J, recorded
  Tensors operator()(const Tensors& tangents) const;
};
CT_API Pushforward linearize(Function f, const Tensors& in);
/// d out_k / d in_i at [k * n_in + i], of shape out.shape + in.shape; n_out: the number of outputs.
CT_API Tensors jacrev(Function f, const Tensors& in, std::int64_t chunk, Tensors* outputs);
CT_API Tensors jacfwd(Function f, const Tensors& in, Tensors* outputs);
CT_API Tensors vmap(Function f, const Tensors& in, const std::vector<std::optional<std::int64_t>>& in_dims, const Dims& out_dims,
                    std::string_view randomness, std::optional<std::int64_t> chunk_size);

template <class... Args>
using Arguments = std::tuple<std::remove_cvref_t<Args>...>;

// f as a function of the tensors in arguments N, the others fixed; its result is flattened, and kept in `result` as it was.
template <int... N, class F, class... Args, class Result>
Tensors call_with(const F& f, const std::tuple<Args...>& all, const Tensors& in, std::optional<Result>& result) {
  std::tuple<Args...> changed = all;
  const Tensor* at = in.data();
  ((std::get<N>(changed) = tree::unflatten(std::get<N>(all), at)), ...);
  result.emplace(std::apply(f, changed));
  return tree::flatten(*result);
}

// One argument's part stands alone, several are a tuple.
template <class T>
T single_or_tuple(std::tuple<T>&& t) { return std::get<0>(std::move(t)); }
template <class A, class B, class... Ts>
std::tuple<A, B, Ts...> single_or_tuple(std::tuple<A, B, Ts...>&& t) { return std::move(t); }

template <int... N, class... Args>
Tensors selected(const std::tuple<Args...>& all) {
  Tensors in;
  (tree::flatten(std::get<N>(all), in), ...);
  return in;
}
template <int... N, class... Args>
auto like_selected(const std::tuple<Args...>& all, const Tensors& values) {
  using Picked = std::tuple<std::remove_cvref_t<decltype(std::get<N>(all))>...>;
  const Tensor* at = values.data();
  return single_or_tuple(tree::unflatten(Picked(std::get<N>(all)...), at));
}

template <class F, bool value, bool aux, int... N>
struct Grad {
  F f;
  template <class... Args>
  auto operator()(const Args&... args) const {
    const Arguments<Args...> all(args...);
    using Result = std::remove_cvref_t<decltype(std::apply(f, all))>;
    std::optional<Result> result;
    Tensors out;
    const Tensors g = detail::grad(value ? "grad_and_value" : "grad", [&](const Tensors& in) { return call_with<N...>(f, all, in, result); }, selected<N...>(all), &out);
    auto gradient = like_selected<N...>(all, g);
    if constexpr (!value && !aux) {
      return gradient;
    } else {
      const Tensor* at = out.data();
      Result values = tree::unflatten(*result, at);
      if constexpr (value) return std::pair(std::move(gradient), std::move(values));
      else return std::pair(std::move(gradient), std::get<1>(std::move(values)));
    }
  }
};

// Blocks of a jacobian: the outputs' tree, with the tree of the selected arguments at each of its tensors.
template <int... N, class Result, class... Args>
auto blocks(const Result& result, const std::tuple<Args...>& all, const Tensors& j) {
  using Picked = std::tuple<std::remove_cvref_t<decltype(std::get<N>(all))>...>;
  const Picked picked(std::get<N>(all)...);
  const Tensor* at = j.data();
  return tree::rebuild(result, [&](const Tensor&) { return single_or_tuple(tree::unflatten(picked, at)); });
}

template <class F, bool forward, bool aux, int... N>
struct Jacobian {
  F f;
  std::int64_t chunk;
  template <class... Args>
  auto operator()(const Args&... args) const {
    const Arguments<Args...> all(args...);
    using Result = std::remove_cvref_t<decltype(std::apply(f, all))>;
    Tensors out;
    if constexpr (aux) {
      using First = std::remove_cvref_t<decltype(std::get<0>(std::declval<Result>()))>;
      using Second = std::remove_cvref_t<decltype(std::get<1>(std::declval<Result>()))>;
      std::optional<First> first;
      std::optional<Second> second;
      auto run = [&](const Tensors& in) {
        std::optional<Result> result;
        call_with<N...>(f, all, in, result);
        first.emplace(std::get<0>(*result));
        second.emplace(std::get<1>(*result));
        return tree::flatten(*first);
      };
      const Tensors j = forward ? jacfwd(run, selected<N...>(all), &out) : jacrev(run, selected<N...>(all), chunk, &out);
      return std::pair(blocks<N...>(*first, all, j), std::move(*second));
    } else {
      std::optional<Result> result;
      auto run = [&](const Tensors& in) { return call_with<N...>(f, all, in, result); };
      const Tensors j = forward ? jacfwd(run, selected<N...>(all), &out) : jacrev(run, selected<N...>(all), chunk, &out);
      return blocks<N...>(*result, all, j);
    }
  }
};

template <class F>
struct Vmap {
  F f;
  Dims in_dims, out_dims;
  std::string randomness;
  std::optional<std::int64_t> chunk_size;

  template <class... Args>
  auto operator()(const Args&... args) const {
    return run(Arguments<Args...>(args...), std::make_index_sequence<sizeof...(Args)>());
  }

 private:
  template <class... Args, std::size_t... I>
  auto run(const std::tuple<Args...>& all, std::index_sequence<I...>) const {
    using Result = std::remove_cvref_t<decltype(std::apply(f, all))>;
    CT_CHECK(!in_dims.listed || in_dims.each.size() == sizeof...(Args), "vmap: in_dims has ", in_dims.each.size(), " entries and there are ", sizeof...(Args),
             " arguments: in_dims is not compatible with the structure of inputs\n  Give one dimension for each argument, std::nullopt for those not mapped.");
    std::vector<std::optional<std::int64_t>> dims;
    Tensors in;
    ((tree::flatten(std::get<I>(all), in), dims.resize(in.size(), in_dims.of(I))), ...);
    std::optional<Result> result;
    const Tensors out = detail::vmap([&](const Tensors& x) { return call_with<static_cast<int>(I)...>(f, all, x, result); }, in, dims, out_dims, randomness, chunk_size);
    const Tensor* at = out.data();
    return tree::unflatten(*result, at);
  }
};

template <class Result, class... Args>
struct VjpFunction {
  Pullback pullback;
  Result like;
  std::tuple<Args...> arguments;
  auto operator()(const Result& cotangents) const {
    const Tensors g = pullback(tree::flatten(cotangents));
    const Tensor* at = g.data();
    return single_or_tuple(tree::unflatten(arguments, at));
  }
};

template <class Result, class... Args>
struct JvpFunction {
  Pushforward push;
  Result like;
  Result operator()(const Args&... tangents) const {
    const Tensors t = push(tree::flatten(std::tuple<Args...>(tangents...)));
    const Tensor* at = t.data();
    return tree::unflatten(like, at);
  }
};

template <class T>
auto as_tuple(const T& x) { return std::tuple<T>(x); }
template <class... Ts>
std::tuple<Ts...> as_tuple(const std::tuple<Ts...>& x) { return x; }

template <class... Args, std::size_t... I, class F, class Result>
Tensors call_all(const F& f, const std::tuple<Args...>& all, const Tensors& in, std::optional<Result>& result, std::index_sequence<I...>) {
  return call_with<static_cast<int>(I)...>(f, all, in, result);
}

}  // namespace detail

// ---- the transforms ---------------------------------------------------------------------------------------------------------------

/// The gradient of a function that returns a one-element tensor, by its first argument or by those named.
///   grad(f)(x) = df/dx, of x's shape (a tuple of them for several argnums)
/// NoGradGuard inside f is respected, outside of the call it is not: the result of grad(f) does not depend on it.
/// Errors: ct::Error if f(x) has more than one element, or an argument is not floating point.
template <class F, int... N>
auto grad(F f, Argnums<N...>) { return detail::Grad<F, false, false, N...>{std::move(f)}; }
template <class F>
auto grad(F f) { return grad(std::move(f), argnums<0>); }
template <class F, int... N>
auto grad(F f, Argnums<N...>, HasAux) { return detail::Grad<F, false, true, N...>{std::move(f)}; }

/// The pair (gradient, f(x)); with has_aux (gradient, (f(x), aux)).
template <class F, int... N>
auto grad_and_value(F f, Argnums<N...>) { return detail::Grad<F, true, false, N...>{std::move(f)}; }
template <class F>
auto grad_and_value(F f) { return grad_and_value(std::move(f), argnums<0>); }
template <class F, int... N>
auto grad_and_value(F f, Argnums<N...>, HasAux) { return detail::Grad<F, true, true, N...>{std::move(f)}; }

/// The pair (f(primals..), vjp_fn), where vjp_fn(v) = v^T J by every primal: one tree, or a tuple for several primals.
/// vjp_fn may be called many times, also under vmap.
template <class F, class... Args>
auto vjp(const F& f, const Args&... primals) {
  const std::tuple<Args...> all(primals...);
  using Result = std::remove_cvref_t<decltype(f(primals...))>;
  std::optional<Result> result;
  detail::Pullback p = detail::vjp(
      [&](const detail::Tensors& in) { return detail::call_all(f, all, in, result, std::index_sequence_for<Args...>()); }, tree::flatten(all));
  const Tensor* at = p.values.data();
  Result out = tree::unflatten(*result, at);
  return std::pair(out, detail::VjpFunction<Result, Args...>{std::move(p), out, all});
}

/// Forward mode: the pair (f(primals), J tangents). For several arguments primals and tangents are tuples.
/// Errors: ct::Error unless tangents have the shapes and dtypes of the primals.
template <class F, class P>
auto jvp(const F& f, const P& primals, const P& tangents) {
  const auto all = detail::as_tuple(primals);
  using Result = std::remove_cvref_t<decltype(std::apply(f, all))>;
  std::optional<Result> result;
  auto [values, out_tangents] = detail::jvp(
      [&](const detail::Tensors& in) {
        return detail::call_all(f, all, in, result, std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<decltype(all)>>>());
      },
      tree::flatten(all), tree::flatten(tangents));
  const Tensor *v = values.data(), *t = out_tangents.data();
  Result out = tree::unflatten(*result, v);
  return std::pair(std::move(out), tree::unflatten(*result, t));
}

/// The pair (f(primals..), jvp_fn): f is evaluated once, and jvp_fn(tangents..) = J tangents at that point.
template <class F, class... Args>
auto linearize(const F& f, const Args&... primals) {
  const std::tuple<Args...> all(primals...);
  using Result = std::remove_cvref_t<decltype(f(primals...))>;
  std::optional<Result> result;
  detail::Pushforward p = detail::linearize(
      [&](const detail::Tensors& in) { return detail::call_all(f, all, in, result, std::index_sequence_for<Args...>()); }, tree::flatten(all));
  const Tensor* at = p.vjp.values.data();
  Result out = tree::unflatten(*result, at);
  return std::pair(out, detail::JvpFunction<Result, Args...>{std::move(p), out});
}

/// The Jacobian by reverse mode, one batched backward pass: of shape out.shape + in.shape, entry [i.., j..] is dy_i/dx_j.
/// Several argnums give a tuple; of a tree of outputs the tree of their Jacobians. chunk_size rows at a time (0: all).
template <class F, int... N>
auto jacrev(F f, Argnums<N...>, std::int64_t chunk_size = 0) { return detail::Jacobian<F, false, false, N...>{std::move(f), chunk_size}; }
template <class F>
auto jacrev(F f, std::int64_t chunk_size = 0) { return jacrev(std::move(f), argnums<0>, chunk_size); }
template <class F, int... N>
auto jacrev(F f, Argnums<N...>, HasAux, std::int64_t chunk_size = 0) { return detail::Jacobian<F, false, true, N...>{std::move(f), chunk_size}; }

/// The Jacobian by forward mode, one batched evaluation. The same result as jacrev; faster if there are more outputs than inputs.
template <class F, int... N>
auto jacfwd(F f, Argnums<N...>) { return detail::Jacobian<F, true, false, N...>{std::move(f), 0}; }
template <class F>
auto jacfwd(F f) { return jacfwd(std::move(f), argnums<0>); }
template <class F, int... N>
auto jacfwd(F f, Argnums<N...>, HasAux) { return detail::Jacobian<F, true, true, N...>{std::move(f), 0}; }

/// Second derivatives, forward over reverse: of shape out.shape + in.shape + in.shape.
template <class F, int... N>
auto hessian(F f, Argnums<N...> n) { return jacfwd(jacrev(std::move(f), n), n); }
template <class F>
auto hessian(F f) { return hessian(std::move(f), argnums<0>); }

/// Maps f over a dimension of its arguments, as a loop with the results stacked would, but with every operation run once for
/// the whole batch. f sees its arguments without that dimension.
/// in_dims: 0 for all, or one for each argument: {0, std::nullopt}. out_dims: where the results have the batch dimension.
/// randomness: "error", "different" (each entry draws anew) or "same". chunk_size: entries at a time.
/// Errors: ct::Error for sizes that differ, no mapped argument, item() or control flow by value inside f.
template <class F>
auto vmap(F f, Dims in_dims = 0, Dims out_dims = 0, std::string_view randomness = "error", std::optional<std::int64_t> chunk_size = std::nullopt) {
  return detail::Vmap<F>{std::move(f), std::move(in_dims), std::move(out_dims), std::string(randomness), chunk_size};
}

/// Calls a module with other tensors in the place of its parameters, so that it becomes a function of them: what grad and
/// vmap need. M has a member for_each_parameter(f), which calls f(std::string_view name, Tensor& parameter) for each.
/// Parameters that are not named keep their values; all are put back afterwards, also on an exception.
///   grad([&](const Parameters& p) { return functional_call(net, p, x).sum(); })(parameters)
/// Errors: ct::Error for a name that the module does not have.
using Parameters = std::vector<std::pair<std::string, Tensor>>;
template <class M, class... Args>
decltype(auto) functional_call(M& module, const Parameters& parameters, Args&&... args) {
  struct Exchange {
    M& module;
    const Parameters& parameters;
    std::vector<Tensor> before;
    std::vector<std::string> unknown;
    Exchange(M& m, const Parameters& p) : module(m), parameters(p), before(p.size()) {
      if constexpr (requires { m.note_size(&m); }) m.note_size(&m);  // an nn::Module looks for its members
      swap();
      for (std::size_t i = 0; i < p.size(); ++i)
        if (!before[i].defined()) unknown.push_back(p[i].first);
    }
    ~Exchange() {
      module.for_each_parameter([this](std::string_view name, Tensor& t) {
        for (std::size_t i = 0; i < parameters.size(); ++i)
          if (parameters[i].first == name && before[i].defined()) t = before[i];
      });
    }
    void swap() {
      module.for_each_parameter([this](std::string_view name, Tensor& t) {
        for (std::size_t i = 0; i < parameters.size(); ++i)
          if (parameters[i].first == name) before[i] = std::exchange(t, parameters[i].second);
      });
    }
  } exchanged(module, parameters);
  CT_CHECK(exchanged.unknown.empty(), "functional_call: Unexpected key(s): the module has no parameter named ", exchanged.unknown[0]);
  return module.forward(std::forward<Args>(args)...);
}

/// The operations that vmap has run entry by entry so far in this process, for want of a batching rule.
CT_API std::vector<std::string> vmap_fallbacks();

}  // namespace ct::func
