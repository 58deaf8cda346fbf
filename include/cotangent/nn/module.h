// cotangent/nn/module.h -- the base of all modules, and the holder that makes one a value.
#pragma once

#include <iosfwd>    // printing
#include <memory>    // modules are shared, as in libtorch
#include <optional>
#include <string>
#include <typeinfo>  // whether an object is exactly of the type it is registered as
#include <utility>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/ordered_dict.h"
#include "cotangent/tensor.h"

namespace ct::serialize {
class OutputArchive;
class InputArchive;
}

namespace ct::nn {

class Module;
template <class Contained>
class ModuleHolder;
CT_API std::string to_string(const Module& module);

namespace detail {

class HookedCall;
struct ModuleAccess;
// What a hook that returns nothing, a tensor or a list of them says: an empty list to change nothing.
template <class F, class... Args>
std::vector<Tensor> changed(F& f, Args&... args) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, Args&...>>) return f(args...), std::vector<Tensor>();
  else if constexpr (std::is_convertible_v<std::invoke_result_t<F&, Args&...>, Tensor>) {
    Tensor t = f(args...);
    return t.defined() ? std::vector<Tensor>{std::move(t)} : std::vector<Tensor>();
  } else return f(args...);
}

struct HolderTag {};
template <class T> inline constexpr bool is_holder = std::is_base_of_v<HolderTag, std::remove_cvref_t<T>>;
template <class T> inline constexpr bool is_module = std::is_base_of_v<Module, std::remove_cvref_t<T>>;
[[noreturn]] CT_API void throw_empty_holder();
/// Draws made while this lives leave no trace in the default stream of random numbers.
class CT_API RandomStateGuard {
 public:
  RandomStateGuard();
  ~RandomStateGuard();
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

 private:
  Tensor state_;
};

}  // namespace detail

/// What load_state_dict found; both empty when the dictionary fits.
struct IncompatibleKeys {
  std::vector<std::string> missing_keys, unexpected_keys;
};

/// Base of everything with parameters: derive from it, register parameters, buffers and submodules in the constructor, and
/// write forward().
///   struct NetImpl : ct::nn::Module {
///     NetImpl() : fc(register_module("fc", ct::nn::Linear(2, 1))) {}
///     ct::Tensor forward(const ct::Tensor& x) { return fc(x); }
///     ct::nn::Linear fc;
///   };
///   CT_MODULE(Net);
/// The order of registration is the order of parameters(), of printing and of state_dict(); names are joined by dots.
/// A parameter or a module that is registered twice is listed once, as in Python (libtorch lists it twice).
class CT_API Module : public std::enable_shared_from_this<Module> {
 public:
  using Tensors = std::vector<Tensor>;

  Module();
  /// `name` is what is printed in place of the class's name.
  explicit Module(std::string name);
  /// Hooks are not copied, all else is shared: use clone() for an independent module.
  Module(const Module& o);
  Module& operator=(const Module& o);
  virtual ~Module();

  /// The name given to the constructor, or the class's with its namespace: "ct::nn::LinearImpl".
  const std::string& name() const;

  // ---- registration --------------------------------------------------------------------------------------------
  // Errors: ct::Error for an empty name, one with a dot, or one that is taken.

  /// Makes `tensor` a parameter and returns it; an undefined tensor keeps the name free of a value (a missing bias).
  ///   weight = register_parameter("weight", ct::randn({3, 2}));
  Tensor& register_parameter(std::string name, Tensor tensor, bool requires_grad = true);
  /// A tensor that is saved and moved with the module but not trained.
  Tensor& register_buffer(std::string name, Tensor tensor);
  template <class M>
    requires(detail::is_module<M>)
  std::shared_ptr<M> register_module(std::string name, std::shared_ptr<M> module) {
    note_size(module.get());
    add_child(std::move(name), module);
    return module;
  }
  template <class M>
  std::shared_ptr<M> register_module(std::string name, ModuleHolder<M> holder) { return register_module(std::move(name), holder.ptr()); }
  template <class M>
    requires(detail::is_module<M>)
  std::shared_ptr<M> replace_module(const std::string& name, std::shared_ptr<M> module) {
    note_size(module.get());
    replace_child(name, module);
    return module;
  }
  template <class M>
  std::shared_ptr<M> replace_module(const std::string& name, ModuleHolder<M> holder) { return replace_module(name, holder.ptr()); }
  void unregister_module(const std::string& name);

  // ---- looking at it ---------------------------------------------------------------------------------------------

  std::vector<Tensor> parameters(bool recurse = true) const;
  OrderedDict<std::string, Tensor> named_parameters(bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  OrderedDict<std::string, Tensor> named_buffers(bool recurse = true) const;
  /// This module and all below it. Errors: ct::Error if include_self and this module is not held by a shared_ptr.
  std::vector<std::shared_ptr<Module>> modules(bool include_self = true) const;
  OrderedDict<std::string, std::shared_ptr<Module>> named_modules(const std::string& name_prefix = {}, bool include_self = true) const;
  std::vector<std::shared_ptr<Module>> children() const;
  OrderedDict<std::string, std::shared_ptr<Module>> named_children() const;

  using ModuleApplyFunction = FunctionRef<void(Module&)>;
  using ConstModuleApplyFunction = FunctionRef<void(const Module&)>;
  using NamedModuleApplyFunction = FunctionRef<void(const std::string&, Module&)>;
  using ConstNamedModuleApplyFunction = FunctionRef<void(const std::string&, const Module&)>;
  using ModulePointerApplyFunction = FunctionRef<void(const std::shared_ptr<Module>&)>;
  using NamedModulePointerApplyFunction = FunctionRef<void(const std::string&, const std::shared_ptr<Module>&)>;
  /// Calls the function with this module, then with all below it, with their names if it takes two arguments.
  void apply(ModuleApplyFunction function);
  void apply(ConstModuleApplyFunction function) const;
  void apply(NamedModuleApplyFunction function, const std::string& name_prefix = {});
  void apply(ConstNamedModuleApplyFunction function, const std::string& name_prefix = {}) const;
  void apply(ModulePointerApplyFunction function) const;
  void apply(NamedModulePointerApplyFunction function, const std::string& name_prefix = {}) const;

  // ---- mode, dtype, gradients ----------------------------------------------------------------------------------------

  virtual void train(bool on = true);
  void eval() { train(false); }
  virtual bool is_training() const noexcept { return is_training_; }
  /// Converts floating point parameters, their gradients and buffers; handles that others have see the new dtype too.
  virtual void to(ScalarType dtype, bool non_blocking = false);
  virtual void to(Device device, bool non_blocking = false);
  virtual void to(Device device, ScalarType dtype, bool non_blocking = false);
  /// Python's default: gradients become undefined. (libtorch 1.13 fills them with zeros unless told.)
  virtual void zero_grad(bool set_to_none = true);
  /// Sets the flag of every parameter.
  void requires_grad_(bool requires_grad = true);
  /// An independent copy, of modules that derive from Cloneable. Random numbers drawn meanwhile are put back.
  virtual std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const;

  // ---- types --------------------------------------------------------------------------------------------------------------

  /// This module as another type, null if it is none: m->as<Linear>()->in_features, m->as<NetImpl>().
  template <class M>
    requires(detail::is_holder<M>)
  typename M::ContainedType* as() noexcept { return dynamic_cast<typename M::ContainedType*>(this); }
  template <class M>
    requires(detail::is_holder<M>)
  const typename M::ContainedType* as() const noexcept { return dynamic_cast<const typename M::ContainedType*>(this); }
  template <class M>
    requires(!detail::is_holder<M>)
  M* as() noexcept { return dynamic_cast<M*>(this); }
  template <class M>
    requires(!detail::is_holder<M>)
  const M* as() const noexcept { return dynamic_cast<const M*>(this); }

  // ---- printing -------------------------------------------------------------------------------------------------------------

  /// What stands in the brackets: "in_features=5, out_features=3, bias=True".
  virtual std::string extra_repr() const { return {}; }
  /// Writes the line of this module, without its children; by default the class's name and (extra_repr()).
  virtual void pretty_print(std::ostream& stream) const;

  // ---- saving ---------------------------------------------------------------------------------------------------------------

  /// Parameters and buffers by name, without history, on the same memory.
  OrderedDict<std::string, Tensor> state_dict() const;
  /// Copies the values of `state` into parameters and buffers.
  /// Errors: ct::Error with every missing and unexpected key (unless !strict) and every shape that differs; nothing is
  /// copied then.
  IncompatibleKeys load_state_dict(const OrderedDict<std::string, Tensor>& state, bool strict = true);

  /// Writes parameters, buffers and children under their names; override it, and load, for what else the module holds. Programs
  /// call ct::save(net, path) of cotangent/io.h.
  virtual void save(serialize::OutputArchive& archive) const;
  /// Reads what save wrote, into the same tensors. Programs call ct::load(net, path), which checks all of it beforehand.
  virtual void load(serialize::InputArchive& archive);
  /// Whether a parent saves and loads this module.
  virtual bool is_serializable() const { return true; }

  // ---- hooks -------------------------------------------------------------------------------------------------------------------
  // They run when the module is called as net(x), through a holder or a container, or with call(); net->forward(x) goes
  // past them, as in Python.

  /// Calls hook(module, inputs) before forward. It may return the inputs to use in place of them, or nothing.
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, Module&, const Tensors&>)
  RemovableHandle register_forward_pre_hook(F&& hook) {
    return add_pre_hook([f = std::decay_t<F>(std::forward<F>(hook))](Module& m, const Tensors& in) mutable { return detail::changed(f, m, in); });
  }
  /// Calls hook(module, inputs, output) after forward. It may return the output to use in place of it, or nothing.
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, Module&, const Tensors&, const Tensor&>)
  RemovableHandle register_forward_hook(F&& hook) {
    return add_hook([f = std::decay_t<F>(std::forward<F>(hook))](Module& m, const Tensors& in, const Tensor& out) mutable { return detail::changed(f, m, in, out); });
  }
  /// Calls hook(module, grad_input, grad_output) when backward has the gradients of all inputs of a call (undefined where an
  /// input needs none). It may return the gradients to use in place of grad_input, or nothing. Without an input that needs a
  /// gradient it is called when that of the output is there.
  /// Inputs and outputs pass through a node of their own then, of which they are views: writing into them is an error.
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, Module&, const Tensors&, const Tensors&>)
  RemovableHandle register_full_backward_hook(F&& hook) {
    return add_backward_hook([f = std::decay_t<F>(std::forward<F>(hook))](Module& m, const Tensors& in, const Tensors& out) mutable { return detail::changed(f, m, in, out); });
  }
  /// Calls hook(module, grad_output) before the gradients of the module are computed. It may return those to use in place of
  /// grad_output, or nothing.
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, Module&, const Tensors&>)
  RemovableHandle register_full_backward_pre_hook(F&& hook) {
    return add_backward_pre_hook([f = std::decay_t<F>(std::forward<F>(hook))](Module& m, const Tensors& out) mutable { return detail::changed(f, m, out); });
  }

  // ---- for the library itself -----------------------------------------------------------------------------------------------------

  bool has_hooks() const noexcept { return hooks_ != nullptr; }
  /// Calls f(name, t) with each place that holds a parameter: the registry's, and the members of the module that are the
  /// same tensor. What f puts there is used by the next forward(); func::functional_call is made of this.
  /// Errors: ct::Error, before f is called, if the members of a module cannot be found (see note_size).
  void for_each_parameter(FunctionRef<void(std::string_view, Tensor&)> f);
  /// Tells how large the object is if M is its very type, so that its members can be found.
  template <class M>
  void note_size(M* module) {
    if (module && typeid(*module) == typeid(M)) module->set_extent(static_cast<void*>(module), sizeof(M));
  }
  void set_extent(void* start, std::size_t size) noexcept { start_ = start, size_ = size; }

 protected:
  OrderedDict<std::string, Tensor> parameters_{"Parameter"};
  /// The object reads its parameters from the registry only: for_each_parameter need not look for members.
  bool reads_registry_ = false;
  /// Of this module only.
  void set_training(bool on) noexcept { is_training_ = on; }
  /// Of every place, also where one module has several names.
  std::vector<std::string> child_names() const { return children_.keys(); }

 private:
  template <class Derived>
  friend class Cloneable;
  friend CT_API std::string to_string(const Module& module);
  friend class detail::HookedCall;
  friend struct detail::ModuleAccess;
  struct Hooks;
  struct Places {
    std::string name;
    std::vector<Tensor*> members;
    bool in_registry = false;  // hooks read it there, no member holds it
  };

  void add_child(std::string name, std::shared_ptr<Module> module);
  void replace_child(const std::string& name, std::shared_ptr<Module> module);
  RemovableHandle add_pre_hook(Callback<Tensors(Module&, const Tensors&)> hook);
  RemovableHandle add_hook(Callback<Tensors(Module&, const Tensors&, const Tensor&)> hook);
  RemovableHandle add_backward_hook(Callback<Tensors(Module&, const Tensors&, const Tensors&)> hook);
  RemovableHandle add_backward_pre_hook(Callback<Tensors(Module&, const Tensors&)> hook);
  Hooks& hooks();
  std::string repr() const;
  void walk(FunctionRef<void(const std::string&, Module&)> f, const std::string& name) const;
  const std::vector<Tensor*>& places_of(const std::string& name, const Tensor& slot);
  // After reset() of a copy: takes over values, mode and children of `from`.
  void take_state(const Module& from, const std::optional<Device>& device);
  virtual void clone_(Module& other, const std::optional<Device>& device);
  std::shared_ptr<Module> shared_from_this_checked() const;

  OrderedDict<std::string, Tensor> buffers_{"Buffer"};
  OrderedDict<std::string, std::shared_ptr<Module>> children_{"Submodule"};
  mutable std::optional<std::string> name_;
  Hooks* hooks_ = nullptr;
  std::vector<Places> places_;  // where members that hold parameters were found
  void* start_ = nullptr;  // of the whole object
  std::size_t size_ = 0;   // 0: not known
  bool is_training_ = true;
};

/// Prints as Python does:
///   Net(
///     (fc): Linear(in_features=2, out_features=1, bias=True)
///   )
CT_API std::ostream& operator<<(std::ostream& stream, const Module& module);
/// The text that operator<< writes.
CT_API std::string to_string(const Module& module);

/// Base of modules with clone(): Derived registers everything in reset(), which its constructor calls.
template <class Derived>
class CT_API Cloneable : public Module {
 public:
  using Module::Module;
  /// Registers parameters, buffers and submodules anew, with initial values.
  virtual void reset() = 0;

  std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const override {
    const detail::RandomStateGuard keep;
    auto copy = std::make_shared<Derived>(static_cast<const Derived&>(*this));
    copy->parameters_.clear();
    copy->buffers_.clear();
    copy->children_.clear();
    copy->reset();
    copy->note_size(copy.get());
    copy->take_state(*this, device);
    return copy;
  }

 private:
  void clone_(Module& other, const std::optional<Device>& device) final {
    auto copy = std::dynamic_pointer_cast<Derived>(other.clone(device));
    CT_CHECK(copy, "clone: Attempted to clone submodule, but it is of a different type than the submodule it was to be cloned into");
    static_cast<Derived&>(*this) = std::move(*copy);
  }
};

namespace detail {

// One call of a module with hooks.
class CT_API HookedCall {
 public:
  /// Runs what comes before forward.
  HookedCall(Module& module, std::vector<Tensor> inputs);
  ~HookedCall();
  HookedCall(const HookedCall&) = delete;
  HookedCall& operator=(const HookedCall&) = delete;
  const Tensor& input(std::size_t i) const { return inputs_[i]; }
  /// Runs what comes after it.
  Tensor finish(Tensor output);

 private:
  struct Backward;
  Module& module_;
  std::vector<Tensor> inputs_;
  std::shared_ptr<Backward> backward_;  // null without such hooks
};

/// forward(args..) of a module with hooks, when all arguments are tensors.
template <class M, class... Args>
decltype(auto) call_with_hooks(M& module, Args&&... args) {
  if constexpr ((std::is_convertible_v<Args&&, const Tensor&> && ...) &&
                std::is_convertible_v<decltype(module.forward(std::forward<Args>(args)...)), Tensor>) {
    HookedCall hooked(module, {static_cast<const Tensor&>(args)...});
    auto forward = [&]<std::size_t... I>(std::index_sequence<I...>) -> Tensor { return module.forward(hooked.input(I)...); };
    return hooked.finish(forward(std::make_index_sequence<sizeof...(Args)>()));
  } else {
    CT_THROW(not_implemented, module.name(), ": hooks are called for modules that take tensors and return one tensor");
    return module.forward(std::forward<Args>(args)...);
  }
}

}  // namespace detail

/// module.forward(args..) with its hooks, for modules that are not in a holder.
template <class M, class... Args>
  requires(detail::is_module<M>)
decltype(auto) call(M& module, Args&&... args) {
  if (module.has_hooks()) [[unlikely]] return detail::call_with_hooks(module, std::forward<Args>(args)...);
  return module.forward(std::forward<Args>(args)...);
}

/// A module as a value that shares it: net(x) calls forward, net->weight reaches the members. CT_MODULE(Net) makes the
/// holder Net of the class NetImpl. Linear fc = nullptr; is empty until it is assigned.
template <class Contained>
class ModuleHolder : detail::HolderTag {
 public:
  using ContainedType = Contained;

  ModuleHolder() {
    static_assert(std::is_default_constructible_v<Contained>, "this module has no default constructor; for an empty holder write `Linear linear = nullptr;`");
    adopt(std::make_shared<Contained>());
  }
  ModuleHolder(std::nullptr_t) {}
  template <class Head, class... Tail>
    requires(!(sizeof...(Tail) == 0 && (std::is_base_of_v<ModuleHolder, std::remove_cvref_t<Head>> || std::is_convertible_v<Head, std::shared_ptr<Contained>>)))
  explicit ModuleHolder(Head&& head, Tail&&... tail) {
    adopt(std::make_shared<Contained>(std::forward<Head>(head), std::forward<Tail>(tail)...));
  }
  ModuleHolder(std::shared_ptr<Contained> module) { adopt(std::move(module)); }

  explicit operator bool() const noexcept { return impl_ != nullptr; }
  bool is_empty() const noexcept { return impl_ == nullptr; }
  Contained* get() { return check(), static_cast<Contained*>(impl_.get()); }
  const Contained* get() const { return check(), static_cast<const Contained*>(impl_.get()); }
  Contained* operator->() { return get(); }
  const Contained* operator->() const { return get(); }
  Contained& operator*() { return *get(); }
  const Contained& operator*() const { return *get(); }
  /// Errors: ct::Error "Accessing empty ModuleHolder".
  std::shared_ptr<Contained> ptr() const { return check(), std::static_pointer_cast<Contained>(impl_); }

  template <class... Args, class C = Contained>
  auto operator()(Args&&... args) -> decltype(std::declval<C&>().forward(std::forward<Args>(args)...)) {
    return call(*get(), std::forward<Args>(args)...);
  }
  template <class... Args, class C = Contained>
  auto forward(Args&&... args) -> decltype(std::declval<C&>().forward(std::forward<Args>(args)...)) {
    return get()->forward(std::forward<Args>(args)...);
  }
  template <class Arg>
  decltype(auto) operator[](Arg&& arg) { return (*get())[std::forward<Arg>(arg)]; }
  /// For func::functional_call(net, parameters, x).
  void for_each_parameter(FunctionRef<void(std::string_view, Tensor&)> f) { get()->for_each_parameter(f); }

  /// For the library itself.
  const std::shared_ptr<Module>& base_ptr() const { return check(), impl_; }

 private:
  void check() const {
    if (!impl_) [[unlikely]] detail::throw_empty_holder();
  }
  void adopt(std::shared_ptr<Contained> module) {
    if (module) module->note_size(module.get());
    impl_ = std::move(module);
  }

  std::shared_ptr<Module> impl_;  // one instance of shared_ptr for all holders: they compile sooner
};

template <class Contained>
std::ostream& operator<<(std::ostream& stream, const ModuleHolder<Contained>& holder) { return stream << static_cast<const Module&>(*holder); }

}  // namespace ct::nn

/// CT_MODULE(Net); defines the holder Net of the class NetImpl, as libtorch's TORCH_MODULE.
#define CT_MODULE_IMPL(Name, ImplType)                 \
  class Name : public ::ct::nn::ModuleHolder<ImplType> { \
   public:                                             \
    using ::ct::nn::ModuleHolder<ImplType>::ModuleHolder; \
    using Impl [[maybe_unused]] = ImplType;            \
  }
#define CT_MODULE(Name) CT_MODULE_IMPL(Name, Name##Impl)
