// cotangent/nn/any.h -- any value, and any module, whatever its forward takes and returns.
#pragma once

#include <memory>
#include <tuple>
#include <typeinfo>
#include <utility>

#include "cotangent/nn/module.h"

namespace ct::nn {

/// A value of any copyable type; what a module of unknown type takes and returns.
class CT_API AnyValue {
 public:
  AnyValue() noexcept = default;
  AnyValue(const AnyValue& o);
  AnyValue(AnyValue&& o) noexcept;
  AnyValue& operator=(AnyValue o) noexcept;
  ~AnyValue();
  explicit AnyValue(Tensor value) noexcept : tensor_(std::move(value)), type_(&typeid(Tensor)) {}
  template <class T>
    requires(!std::is_base_of_v<AnyValue, std::remove_cvref_t<T>> && !std::is_same_v<std::remove_cvref_t<T>, Tensor>)
  explicit AnyValue(T&& value) : held_(new Model<std::decay_t<T>>(std::forward<T>(value))), type_(&typeid(std::decay_t<T>)) {}

  /// The value if it is exactly of this type, else null.
  template <class T>
  T* try_get() {
    if (*type_ != typeid(T)) return nullptr;
    if constexpr (std::is_same_v<T, Tensor>) return &tensor_;
    else return &static_cast<Model<T>*>(held_)->value;
  }
  /// Errors: ct::TypeError if it is of another type.
  template <class T>
  T get() const {
    const T* value = const_cast<AnyValue*>(this)->try_get<T>();
    if (!value) [[unlikely]] throw_cast(typeid(T));
    return *value;
  }
  /// typeid(void) if it is empty.
  const std::type_info& type_info() const noexcept { return *type_; }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual Held* copy() const = 0;
  };
  template <class T>
  struct Model final : Held {
    template <class V>
    explicit Model(V&& v) : value(std::forward<V>(v)) {}
    Held* copy() const override { return new Model(value); }
    T value;
  };
  [[noreturn]] void throw_cast(const std::type_info& wanted) const;

  Tensor tensor_;  // by far the most frequent: without an allocation
  Held* held_ = nullptr;
  const std::type_info* type_ = &typeid(void);
};

namespace detail {

[[noreturn]] CT_API void throw_argument_type(const Module& m, std::size_t index, const std::type_info& wanted, const std::type_info& given);
[[noreturn]] CT_API void throw_argument_count(const Module& m, std::size_t wanted, std::size_t given);
[[noreturn]] CT_API void throw_return_type(const std::type_info& returned, const std::type_info& wanted);

template <class F> struct Signature;
template <class R, class M, class... A> struct Signature<R (M::*)(A...)> { using Args = std::tuple<A...>; };
template <class R, class M, class... A> struct Signature<R (M::*)(A...) const> { using Args = std::tuple<A...>; };
template <class R, class M, class... A> struct Signature<R (M::*)(A...) noexcept> { using Args = std::tuple<A...>; };
template <class R, class M, class... A> struct Signature<R (M::*)(A...) const noexcept> { using Args = std::tuple<A...>; };

// Whether forward can be called with the first arguments of its list, the others being defaults.
template <class M, class Args, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) { return requires(M& m) { m.forward(std::declval<std::tuple_element_t<I, Args>>()...); }; }

template <class A>
A argument(const Module& m, AnyValue& value, std::size_t index) {
  auto* p = value.try_get<std::remove_cvref_t<A>>();
  if (!p) [[unlikely]] throw_argument_type(m, index, typeid(std::remove_cvref_t<A>), value.type_info());
  return static_cast<A>(*p);
}
template <class M, class Args, std::size_t... I>
AnyValue call_with(M& m, AnyValue* in, std::index_sequence<I...>) {
  if constexpr (std::is_void_v<decltype(m.forward(std::declval<std::tuple_element_t<I, Args>>()...))>) {
    nn::call(m, argument<std::tuple_element_t<I, Args>>(m, in[I], I)...);
    return {};
  } else {
    return AnyValue(nn::call(m, argument<std::tuple_element_t<I, Args>>(m, in[I], I)...));
  }
}
template <class M, class Args, std::size_t N>
AnyValue call_signature(M& m, AnyValue* in, std::size_t n) {
  if (n == N) return call_with<M, Args>(m, in, std::make_index_sequence<N>());
  if constexpr (N > 1)
    if constexpr (takes<M, Args>(std::make_index_sequence<N - 1>())) return call_signature<M, Args, N - 1>(m, in, n);
  throw_argument_count(m, std::tuple_size_v<Args>, n);
}
// forward is overloaded or a template: it is called with tensors.
template <class M, std::size_t... I>
AnyValue call_tensors(M& m, AnyValue* in, std::size_t n, std::index_sequence<I...>) {
  if constexpr (requires { m.forward((static_cast<void>(I), std::declval<const Tensor&>())...); })
    if (n == sizeof...(I)) return AnyValue(nn::call(m, argument<const Tensor&>(m, in[I], I)...));
  if constexpr (sizeof...(I) < 4) return call_tensors(m, in, n, std::make_index_sequence<sizeof...(I) + 1>());
  else throw_argument_count(m, 1, n);
}
template <class M>
AnyValue call_any(Module& module, AnyValue* in, std::size_t n) {
  M& m = static_cast<M&>(module);
  if constexpr (requires { m.forward_any(in, n); }) return m.forward_any(in, n);
  else if constexpr (requires { &M::forward; }) {
    using Args = typename Signature<decltype(&M::forward)>::Args;
    return call_signature<M, Args, std::tuple_size_v<Args>>(m, in, n);
  } else return call_tensors(m, in, n, std::make_index_sequence<1>());
}

template <class R>
R returned(AnyValue value) {
  R* r = value.try_get<R>();
  if (!r) [[unlikely]] throw_return_type(value.type_info(), typeid(R));
  return std::move(*r);
}
// An argument as it is kept: whatever is a tensor as a Tensor.
template <class A>
AnyValue as_any(A&& a) {
  if constexpr (std::is_base_of_v<AnyValue, std::remove_cvref_t<A>>) return AnyValue(static_cast<const AnyValue&>(a));
  else if constexpr (std::is_base_of_v<Tensor, std::remove_cvref_t<A>>) return AnyValue(Tensor(std::forward<A>(a)));
  else return AnyValue(std::forward<A>(a));
}

}  // namespace detail

/// A module of any type, which it shares. Its forward is called with the types it declares, or with some of its last
/// arguments left out if they have defaults:
///   AnyModule m(Linear(3, 4));
///   Tensor y = m.forward(x);
///   auto [out, state] = any_lstm.forward<std::tuple<Tensor, std::tuple<Tensor, Tensor>>>(x);
class CT_API AnyModule {
 public:
  AnyModule() = default;
  template <class M>
    requires(detail::is_module<M>)
  AnyModule(std::shared_ptr<M> module) : module_(module), type_(&typeid(M)), call_(detail::call_any<M>) {
    CT_CHECK(module, "AnyModule: the module is empty (nullptr)");
    module->note_size(module.get());
  }
  template <class M>
    requires(detail::is_module<M>)
  explicit AnyModule(M&& module) : AnyModule(std::make_shared<std::remove_cvref_t<M>>(std::forward<M>(module))) {}
  template <class M>
  AnyModule(const ModuleHolder<M>& holder) : AnyModule(holder.ptr()) {}
  template <class H>
    requires(detail::is_holder<H>)
  AnyModule(const H& holder) : AnyModule(holder.ptr()) {}

  /// Errors: ct::Error for an empty one, another number of arguments, or arguments or a result of other types.
  template <class ReturnType = Tensor, class... Args>
  ReturnType forward(Args&&... args) const { return detail::returned<ReturnType>(any_forward(std::forward<Args>(args)...)); }
  template <class... Args>
  AnyValue any_forward(Args&&... args) const {
    AnyValue in[sizeof...(Args) + 1] = {detail::as_any(std::forward<Args>(args))...};
    return forward_any(in, sizeof...(Args));
  }
  /// The same for a list, whose values it may take.
  AnyValue forward_any(AnyValue* in, std::size_t n) const {
    Module* const m = get_checked();  // before call_ is looked at, which is null of an empty one
    return call_(*m, in, n);
  }

  bool is_empty() const noexcept { return !module_; }
  const std::shared_ptr<Module>& ptr() const { return module_; }
  /// Errors: ct::TypeError if it is none; so has get().
  template <class M>
    requires(detail::is_module<M>)
  std::shared_ptr<M> ptr() const { return get<M>(), std::static_pointer_cast<M>(module_); }
  template <class M>
    requires(!detail::is_holder<M>)
  M& get() const {
    M* m = module_ ? dynamic_cast<M*>(module_.get()) : nullptr;
    if (!m) [[unlikely]] throw_cast(typeid(M));
    return *m;
  }
  /// As a holder: any.get<Linear>().
  template <class H>
    requires(detail::is_holder<H>)
  H get() const { return H(ptr<typename H::ContainedType>()); }
  /// Of the class it was made with. Errors: ct::Error for an empty one.
  const std::type_info& type_info() const { return get_checked(), *type_; }
  /// The same function on an independent copy.
  AnyModule clone(const std::optional<Device>& device = std::nullopt) const;

 private:
  Module* get_checked() const {
    if (!module_) [[unlikely]] throw_empty();
    return module_.get();
  }
  [[noreturn]] static void throw_empty();
  [[noreturn]] void throw_cast(const std::type_info& wanted) const;

  std::shared_ptr<Module> module_;
  const std::type_info* type_ = nullptr;
  AnyValue (*call_)(Module& m, AnyValue* in, std::size_t n) = nullptr;
};

/// A module with its name in a Sequential: {"encoder", Linear(5, 3)}.
class NamedAnyModule {
 public:
  template <class M>
  NamedAnyModule(std::string name, M&& module) : name_(std::move(name)), module_(std::forward<M>(module)) {}
  const std::string& name() const noexcept { return name_; }
  AnyModule& module() noexcept { return module_; }
  const AnyModule& module() const noexcept { return module_; }

 private:
  std::string name_;
  AnyModule module_;
};

}  // namespace ct::nn
