// cotangent/custom_function.h -- functions with a derivative of your own: libtorch's Function<T> and its context.
//
//   struct MyExp : ct::autograd::Function<MyExp> {
//     static ct::Tensor forward(ct::autograd::AutogradContext* ctx, ct::Tensor x) {
//       ct::Tensor y = x.exp();
//       ctx->save_for_backward({y});
//       return y;
//     }
//     static ct::autograd::variable_list backward(ct::autograd::AutogradContext* ctx, ct::autograd::variable_list g) {
//       return {g[0] * ctx->get_saved_variables()[0]};
//     }
//   };
//   ct::Tensor y = MyExp::apply(x);
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>        // forward() may return one
#include <type_traits>
#include <typeinfo>     // the name of the node
#include <utility>
#include <vector>

#include "cotangent/autograd.h"

namespace ct {

namespace autograd {

/// A value in ctx->saved_data: nothing, a bool, a number, a text, a tensor, or a list of them (libtorch's IValue, small).
class CT_API Value {
 public:
  enum class Kind : std::uint8_t { none, boolean, integer, real, text, tensor, tensors, integers, reals };

  Value();
  ~Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  template <class T>
    requires(std::is_arithmetic_v<T>)
  Value(T v) : Value(Scalar(v)) {}
  Value(const Scalar& v);
  Value(std::string v);
  Value(std::string_view v);
  Value(const char* v);
  Value(Tensor v);
  Value(std::vector<Tensor> v);
  Value(std::vector<std::int64_t> v);
  Value(std::vector<double> v);
  Value(IntArrayRef v);
  template <class T>
  Value(const std::optional<T>& v) : Value(v ? Value(*v) : Value()) {}

  Kind kind() const { return kind_; }
  bool isNone() const { return kind_ == Kind::none; }
  bool isBool() const { return kind_ == Kind::boolean; }
  bool isInt() const { return kind_ == Kind::integer; }
  bool isDouble() const { return kind_ == Kind::real; }
  bool isString() const { return kind_ == Kind::text; }
  bool isTensor() const { return kind_ == Kind::tensor; }
  bool isTensorList() const { return kind_ == Kind::tensors; }
  bool isIntList() const { return kind_ == Kind::integers; }
  bool isDoubleList() const { return kind_ == Kind::reals; }
  bool isScalar() const { return isBool() || isInt() || isDouble(); }

  /// Errors of all of these: ct::TypeError "Expected an Int but got a Tensor". toDouble and toScalar take any number.
  bool toBool() const;
  std::int64_t toInt() const;
  double toDouble() const;
  Scalar toScalar() const;
  const std::string& toStringRef() const;
  const Tensor& toTensor() const;
  const std::vector<Tensor>& toTensorVector() const;
  const std::vector<std::int64_t>& toIntVector() const;
  const std::vector<double>& toDoubleVector() const;

 private:
  void expect(Kind kind) const;
  friend struct CustomNode;
  friend struct CustomApply;
  friend struct VmappedCall;

  Kind kind_ = Kind::none;
  Scalar number_;
  Tensor tensor_;
  std::string text_;
  std::vector<Tensor> tensors_;
  std::vector<std::int64_t> integers_;
  std::vector<double> reals_;
};

/// Values by name. The few that a function keeps are found by comparing names; references last until the next insertion.
class CT_API SavedData {
 public:
  using Item = std::pair<std::string, Value>;
  /// The value of that name, which is made (none) if it is not there.
  Value& operator[](std::string_view name);
  /// Errors: ct::IndexError if there is no value of that name.
  const Value& at(std::string_view name) const;
  const Value* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  std::size_t count(std::string_view name) const { return contains(name); }
  std::size_t erase(std::string_view name);
  void clear() { items_.clear(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  std::vector<Item>::const_iterator begin() const { return items_.begin(); }
  std::vector<Item>::const_iterator end() const { return items_.end(); }

 private:
  std::vector<Item> items_;
};

/// From, to (exclusive): places among the tensor arguments.
using IndexRange = std::pair<std::size_t, std::size_t>;

/// What forward leaves for backward. It lives as long as the node of the call.
class CT_API AutogradContext {
 public:
  AutogradContext();
  ~AutogradContext();
  AutogradContext(const AutogradContext&) = delete;
  AutogradContext& operator=(const AutogradContext&) = delete;

  /// What is not checked and not freed by backward: numbers, texts, tensors that are neither inputs nor outputs.
  SavedData saved_data;

  /// In forward, once: tensors that backward needs. Inputs and outputs belong here: their versions are checked, they are
  /// freed by backward, and an output may be saved without a cycle of references.
  void save_for_backward(variable_list to_save);
  /// In forward, once: tensors that jvp needs; there get_saved_variables() returns them.
  void save_for_forward(variable_list to_save);
  /// In forward, once: the inputs that were changed in place. Each must be returned as an output.
  void mark_dirty(const variable_list& inputs);
  /// In forward, once: outputs that have no gradient (indices, masks).
  void mark_non_differentiable(const variable_list& outputs);
  /// Whether backward gets zeros (the default) or an undefined tensor for an output that no gradient came to.
  void set_materialize_grads(bool value) { materialize_grads_ = value; }

  /// In backward: what was saved, in that order.
  /// Errors: ct::Error "Trying to backward through the graph a second time" once it was freed, "modified by an inplace
  /// operation" if a version differs.
  variable_list get_saved_variables() const;
  /// Whether the gradient of tensor argument i is asked for, by this backward or grad(), counting tensor arguments only.
  bool needs_input_grad(std::size_t output_edge_index) const;
  /// Whether one in these ranges is.
  bool needs_input_grad(std::initializer_list<IndexRange> idxs) const;

 private:
  friend struct CustomNode;
  friend struct CustomApply;
  friend struct CustomMade;
  friend struct VmappedCall;
  variable_list to_save_, for_forward_, dirty_, non_differentiable_;
  std::vector<bool> tracked_;              // of the tensor arguments, while forward runs
  struct CustomNode* node_ = nullptr;      // owns this context
  struct CustomFrames* frames_ = nullptr;  // of the vmaps around the call
  bool materialize_grads_ = true;
  bool in_jvp_ = false;
};

/// What a vmap rule is told besides the arguments.
struct VmapInfo {
  std::int64_t batch_size;
  std::string_view randomness;  // "error", "different" or "same"
};
/// For each argument, or output: which dimension is the batch; nullopt if none.
using BatchDims = std::vector<std::optional<std::int64_t>>;

}  // namespace autograd

namespace detail::custom {

using autograd::AutogradContext;
using autograd::BatchDims;
using autograd::variable_list;
using autograd::VmapInfo;

// All that the library knows of a Function's class: one constant table for each.
struct CustomOps {
  const char* (*type_name)();  // as the compiler spells it
  variable_list (*backward)(AutogradContext*, variable_list);
  variable_list (*jvp)(AutogradContext*, variable_list tangents);  // null: the class has none
  bool has_vmap;
};

// The tensors among the arguments of a call; every element of a list is an argument of its own.
struct CT_API CustomInputs {
  variable_list tensors;
  std::vector<bool> is_tensor;  // of all arguments, in order
  void add(const Tensor& t);
  void add(const std::optional<Tensor>& t);
  void add(TensorList list);
  void add_other();
};

// One call: forward, and the vmap rule, on the arguments with these tensors in the places of the caller's.
struct CT_API CustomCall {
  virtual variable_list forward(AutogradContext* ctx, const variable_list& tensors) = 0;
  // in_dims has one entry for each argument; only if the table says has_vmap.
  virtual std::pair<variable_list, BatchDims> vmap(const VmapInfo& info, const BatchDims& in_dims, const variable_list& tensors) = 0;

 protected:
  ~CustomCall() = default;
};

CT_API variable_list apply_custom(const CustomOps& ops, CustomCall& call, CustomInputs in);
[[noreturn]] CT_API void no_vmap_rule();

template <class A> struct IsTensors : std::false_type {};
template <> struct IsTensors<variable_list> : std::true_type {};
template <> struct IsTensors<TensorList> : std::true_type {};
template <class A> struct IsTuple : std::false_type {};
template <class... As> struct IsTuple<std::tuple<As...>> : std::true_type {};
template <class A, class B> struct IsTuple<std::pair<A, B>> : std::true_type {};

template <class A> inline constexpr bool is_tensor = std::is_base_of_v<Tensor, std::remove_cvref_t<A>>;
template <class A> inline constexpr bool is_maybe_tensor = std::is_same_v<std::remove_cvref_t<A>, std::optional<Tensor>>;
template <class A> inline constexpr bool is_tensors = IsTensors<std::remove_cvref_t<A>>::value;
template <class A> inline constexpr bool has_tensors = is_tensor<A> || is_maybe_tensor<A> || is_tensors<A>;

template <class A>
void add_argument(CustomInputs& in, const A& a) {
  if constexpr (is_tensor<A>) in.add(static_cast<const Tensor&>(a));
  else if constexpr (is_maybe_tensor<A>) in.add(a);
  else if constexpr (is_tensors<A>) in.add(TensorList(a));
  else in.add_other();
}

// The argument with the next tensors of the list in its places.
template <class A>
decltype(auto) rebuilt(const std::remove_reference_t<A>& a, const Tensor*& next) {
  if constexpr (is_tensor<A>) return Tensor(*next++);
  else if constexpr (is_maybe_tensor<A>) return a && a->defined() ? std::optional<Tensor>(*next++) : std::optional<Tensor>(a);
  else {
    const Tensor* first = next;
    next += a.size();
    return variable_list(first, next);
  }
}
template <class A>
struct Held { using type = A&&; };  // no tensors: the caller's own
template <class A>
  requires(has_tensors<A>)
struct Held<A> { using type = decltype(rebuilt<A>(std::declval<std::remove_reference_t<A>&>(), std::declval<const Tensor*&>())); };

template <class R>
variable_list to_list(R&& r) {
  using T = std::remove_cvref_t<R>;
  if constexpr (is_tensor<T>) return {static_cast<const Tensor&>(r)};
  else if constexpr (std::is_same_v<T, variable_list>) return std::forward<R>(r);
  else {
    static_assert(IsTuple<T>::value, "forward() returns a Tensor, a list of tensors or a tuple of them");
    return std::apply([](const auto&... t) { return variable_list{t...}; }, r);
  }
}
template <class R>
R from_list(variable_list&& list) {
  if constexpr (is_tensor<R>) return std::move(list[0]);
  else if constexpr (std::is_same_v<R, variable_list>) return std::move(list);
  else return [&]<std::size_t... I>(std::index_sequence<I...>) { return R{std::move(list[I])...}; }(std::make_index_sequence<std::tuple_size_v<R>>{});
}

template <class X, class... Args>
using forward_t = std::remove_cvref_t<decltype(X::forward(static_cast<AutogradContext*>(nullptr), std::declval<Args>()...))>;

template <class T, class... Args>
class CustomCallOf final : public CustomCall {
 public:
  explicit CustomCallOf(Args&&... args) : args_(std::forward<Args>(args)...) {}

  variable_list forward(AutogradContext* ctx, const variable_list& tensors) override {
    return with(tensors, [ctx](auto&&... a) { return to_list(T::forward(ctx, static_cast<decltype(a)>(a)...)); });
  }
  std::pair<variable_list, BatchDims> vmap([[maybe_unused]] const VmapInfo& info, [[maybe_unused]] const BatchDims& in_dims,
                                           [[maybe_unused]] const variable_list& tensors) override {
    if constexpr (requires { T::vmap(info, in_dims, std::declval<Args>()...); })
      return with(tensors, [&](auto&&... a) {
        auto r = T::vmap(info, in_dims, static_cast<decltype(a)>(a)...);
        return std::pair<variable_list, BatchDims>(to_list(std::move(r.first)), BatchDims(std::move(r.second)));
      });
    else no_vmap_rule();
  }
  static constexpr bool has_vmap = requires(const VmapInfo& info, const BatchDims& dims) { T::vmap(info, dims, std::declval<Args>()...); };

 private:
  template <class F>
  auto with(const variable_list& tensors, const F& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      const Tensor* next = tensors.data();
      std::tuple<typename Held<Args>::type...> held{hold<Args>(std::get<I>(args_), next)...};
      return f(pass<Args>(std::get<I>(held))...);
    }(std::index_sequence_for<Args...>{});
  }
  template <class A>
  static typename Held<A>::type hold([[maybe_unused]] std::remove_reference_t<A>& a, [[maybe_unused]] const Tensor*& next) {
    if constexpr (has_tensors<A>) return rebuilt<A>(a, next);
    else return static_cast<A&&>(a);
  }
  // As the caller gave it. What may be copied is copied, since forward can be called several times.
  template <class A, class H>
  static decltype(auto) pass(H& h) {
    if constexpr (std::is_lvalue_reference_v<A>) return static_cast<H&>(h);
    else if constexpr (!has_tensors<A> && std::is_copy_constructible_v<std::remove_cvref_t<A>>) return std::remove_cvref_t<A>(h);
    else return std::move(h);
  }
  std::tuple<Args&&...> args_;
};

template <class T>
constexpr CustomOps custom_ops(bool has_vmap) {
  CustomOps ops{[] { return typeid(T).name(); }, nullptr, nullptr, has_vmap};
  if constexpr (requires(AutogradContext* c, variable_list g) { T::backward(c, g); })
    ops.backward = [](AutogradContext* c, variable_list g) { return variable_list(T::backward(c, std::move(g))); };
  if constexpr (requires(AutogradContext* c, variable_list t) { T::jvp(c, t); })
    ops.jvp = [](AutogradContext* c, variable_list t) { return to_list(T::jvp(c, std::move(t))); };
  return ops;
}

}  // namespace detail::custom

namespace autograd {

/// Base of a function with a derivative of its own: derive T from Function<T> and write, as static members,
///
///   forward(AutogradContext* ctx, args...)                  the values: a Tensor, a list of them, or a tuple. Runs
///                                                           without recording. Tensors may be anywhere among the
///                                                           arguments, also in a std::vector or std::optional.
///   backward(AutogradContext* ctx, variable_list grads)     v^T J: gradients of the outputs in, one gradient for each
///                                                           argument of forward out; undefined where it is no tensor.
///                                                           Written with ct's operations it can be differentiated again.
///   jvp(AutogradContext* ctx, variable_list tangents)       optional, J t, for forward mode: tangents of the arguments in, of
///                                                           the outputs out. Without it they come from backward.
///   vmap(const VmapInfo&, const BatchDims& in_dims, args...)  optional: batched outputs and their dimensions, as a pair. Without
///                                                           it forward and backward run on batched tensors.
///
/// The node is named like the class: struct MyExp gives MyExpBackward.
template <class T>
struct Function {
  /// forward, recorded with this function's derivative. Returns what forward returns.
  /// Errors: of backward "returned an incorrect number of gradients (expected 2, got 1)", "returned an invalid gradient at
  /// index 0"; of mark_dirty "a leaf Variable that requires grad has been used in an in-place operation".
  template <class X = T, class... Args>
  CT_DOOR static auto apply(Args&&... args) -> std::enable_if_t<std::is_same_v<X, T>, ct::detail::custom::forward_t<X, Args...>> {
    namespace custom = ct::detail::custom;
    using Call = custom::CustomCallOf<X, Args...>;
    static constexpr custom::CustomOps ops = custom::custom_ops<X>(Call::has_vmap);
    custom::CustomInputs in;
    (custom::add_argument(in, args), ...);
    Call call(std::forward<Args>(args)...);
    return custom::from_list<custom::forward_t<X, Args...>>(custom::apply_custom(ops, call, std::move(in)));
  }
};

}  // namespace autograd
}  // namespace ct
