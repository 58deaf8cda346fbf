// cotangent/nn/containers.h -- modules made of modules: Sequential, lists and dictionaries.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cotangent/nn/module.h"

namespace ct::nn {

/// Any module whose forward takes and returns one tensor, or takes several tensors and returns one.
class AnyModule {
 public:
  AnyModule() = default;
  template <class M>
    requires(detail::is_module<M>)
  AnyModule(std::shared_ptr<M> module) : module_(module) {
    CT_CHECK(module, "AnyModule: the module is empty (nullptr)");
    module->note_size(module.get());
    call_ = [](Module& m, const Tensor* in, std::size_t n) { return call<M>(static_cast<M&>(m), in, n); };
  }
  template <class M>
  AnyModule(const ModuleHolder<M>& holder) : AnyModule(holder.ptr()) {}

  Tensor forward(const Tensor& input) const { return call_(*get_checked(), &input, 1); }
  /// Errors: ct::Error if forward of the module does not take that many tensors.
  template <class... Rest>
  Tensor forward(const Tensor& first, const Tensor& second, const Rest&... rest) const {
    const Tensor in[] = {first, second, rest...};
    return call_(*get_checked(), in, sizeof...(Rest) + 2);
  }
  bool is_empty() const noexcept { return !module_; }
  const std::shared_ptr<Module>& ptr() const { return module_; }
  /// Errors: ct::TypeError if it is none.
  template <class M>
  M& get() const {
    M* m = module_ ? dynamic_cast<M*>(module_.get()) : nullptr;
    CT_CHECK_TYPE(m, "Attempted to cast module of type ", module_ ? module_->name() : std::string("(empty)"), " to another type");
    return *m;
  }
  /// The same function on another module of the same type.
  AnyModule clone() const {
    AnyModule copy = *this;
    copy.module_ = get_checked()->clone();
    return copy;
  }

 private:
  Module* get_checked() const {
    CT_CHECK(module_, "Cannot call forward() on an empty AnyModule");
    return module_.get();
  }
  template <class M>
  static Tensor call(M& m, const Tensor* in, std::size_t n) {
    if constexpr (requires { Tensor(m.forward(*in)); })
      if (n == 1) return nn::call(m, in[0]);
    if constexpr (requires { Tensor(m.forward(*in, *in)); })
      if (n == 2) return nn::call(m, in[0], in[1]);
    if constexpr (requires { Tensor(m.forward(*in, *in, *in)); })
      if (n == 3) return nn::call(m, in[0], in[1], in[2]);
    CT_THROW(type, m.name(), ": forward does not take ", n, n == 1 ? " tensor" : " tensors", " and return one, as a container needs");
  }

  std::shared_ptr<Module> module_;
  Tensor (*call_)(Module& m, const Tensor* in, std::size_t n) = nullptr;
};

/// A module with its name in a Sequential: {"encoder", Linear(5, 3)}.
class NamedAnyModule {
 public:
  template <class M>
  NamedAnyModule(std::string name, M&& module) : name_(std::move(name)), module_(std::forward<M>(module)) {}
  const std::string& name() const noexcept { return name_; }
  const AnyModule& module() const noexcept { return module_; }

 private:
  std::string name_;
  AnyModule module_;
};

/// Feeds each module with the result of the one before; the first may take several tensors. Sequentials nest.
///   Sequential net(Linear(5, 3), ReLU(), Linear(3, 1));
///   Sequential net({{"encoder", Linear(5, 3)}, {"act", ReLU()}});
class CT_API SequentialImpl : public Cloneable<SequentialImpl> {
 public:
  using Iterator = std::vector<AnyModule>::iterator;
  using ConstIterator = std::vector<AnyModule>::const_iterator;

  SequentialImpl();
  ~SequentialImpl() override;
  template <class... Modules>
    requires(sizeof...(Modules) > 0 && ((detail::is_holder<Modules> || std::is_constructible_v<AnyModule, Modules>) && ...))
  explicit SequentialImpl(Modules&&... modules) : SequentialImpl() {
    (push_back(std::forward<Modules>(modules)), ...);
  }
  explicit SequentialImpl(const OrderedDict<std::string, AnyModule>& modules);
  explicit SequentialImpl(std::initializer_list<NamedAnyModule> modules);

  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const override;

  /// Errors: ct::Error "Cannot call forward() on an empty Sequential".
  Tensor forward(const Tensor& input);
  template <class... Rest>
  Tensor forward(const Tensor& first, const Tensor& second, const Rest&... rest) {
    check_not_empty();
    return forward_from(1, modules_[0].forward(first, second, rest...));
  }

  /// Names it by its number. Sequences take holders, shared pointers and modules by value.
  void push_back(AnyModule module);
  void push_back(std::string name, AnyModule module);
  template <class M>
    requires(detail::is_module<M> && !std::is_same_v<std::remove_cvref_t<M>, AnyModule>)
  void push_back(M&& module) { push_back(AnyModule(std::make_shared<std::remove_cvref_t<M>>(std::forward<M>(module)))); }
  template <class Container>
  void extend(const Container& container) {
    for (const auto& m : container) push_back(m);
  }
  Iterator begin() { return modules_.begin(); }
  ConstIterator begin() const { return modules_.begin(); }
  Iterator end() { return modules_.end(); }
  ConstIterator end() const { return modules_.end(); }
  std::size_t size() const noexcept { return modules_.size(); }
  bool is_empty() const noexcept { return modules_.empty(); }
  /// Errors: ct::IndexError "Index out of range".
  const std::shared_ptr<Module>& ptr(std::size_t index) const;
  const std::shared_ptr<Module>& operator[](std::size_t index) const { return ptr(index); }
  template <class T>
  T& at(std::size_t index) const { return ptr(index), modules_[index].template get<T>(); }

 private:
  void check_not_empty() const;
  Tensor forward_from(std::size_t index, Tensor x);
  std::vector<AnyModule> modules_;
};
class Sequential : public ModuleHolder<SequentialImpl> {
 public:
  using ModuleHolder<SequentialImpl>::ModuleHolder;
  using Impl = SequentialImpl;
  Sequential() : ModuleHolder(std::make_shared<SequentialImpl>()) {}
  Sequential(std::initializer_list<NamedAnyModule> modules) : ModuleHolder(std::make_shared<SequentialImpl>(modules)) {}
};

/// A list of modules, registered under their numbers; has no forward of its own.
class CT_API ModuleListImpl : public Cloneable<ModuleListImpl> {
 public:
  using Iterator = std::vector<std::shared_ptr<Module>>::iterator;
  using ConstIterator = std::vector<std::shared_ptr<Module>>::const_iterator;

  ModuleListImpl();
  ~ModuleListImpl() override;
  template <class... Modules>
    requires(sizeof...(Modules) > 0 && (detail::is_holder<Modules> && ...))
  explicit ModuleListImpl(const Modules&... modules) : ModuleListImpl() {
    (push_back(modules), ...);
  }
  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const override;

  template <class M>
  void push_back(const std::shared_ptr<M>& module) {
    if (module) module->note_size(module.get());
    add(module);
  }
  template <class M>
  void push_back(const ModuleHolder<M>& holder) { push_back(holder.ptr()); }
  template <class Container>
  void extend(const Container& container) {
    for (const auto& m : container) push_back(m);
  }
  /// Errors: ct::IndexError unless index <= size().
  void insert(std::size_t index, std::shared_ptr<Module> module);
  template <class M>
  void insert(std::size_t index, const ModuleHolder<M>& holder) { insert(index, std::shared_ptr<Module>(holder.ptr())); }
  Iterator begin() { return modules_.begin(); }
  ConstIterator begin() const { return modules_.begin(); }
  Iterator end() { return modules_.end(); }
  ConstIterator end() const { return modules_.end(); }
  std::size_t size() const noexcept { return modules_.size(); }
  bool is_empty() const noexcept { return modules_.empty(); }
  const std::shared_ptr<Module>& ptr(std::size_t index) const;
  const std::shared_ptr<Module>& operator[](std::size_t index) const { return ptr(index); }
  template <class T>
  T& at(std::size_t index) const { return AnyModule(ptr(index)).template get<T>(); }

 private:
  void add(std::shared_ptr<Module> module);
  std::vector<std::shared_ptr<Module>> modules_;
};
CT_MODULE(ModuleList);

/// Modules by name, in the order of insertion.
class CT_API ModuleDictImpl : public Cloneable<ModuleDictImpl> {
 public:
  using Pair = std::pair<std::string, std::shared_ptr<Module>>;

  ModuleDictImpl();
  ~ModuleDictImpl() override;
  explicit ModuleDictImpl(const std::vector<Pair>& modules);
  explicit ModuleDictImpl(const OrderedDict<std::string, std::shared_ptr<Module>>& modules);
  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const override;

  template <class M>
  void insert(const std::string& key, const ModuleHolder<M>& holder) { insert(key, std::shared_ptr<Module>(holder.ptr())); }
  /// Replaces what is there.
  void insert(const std::string& key, std::shared_ptr<Module> module);
  void update(const std::vector<Pair>& modules) {
    for (const Pair& p : modules) insert(p.first, p.second);
  }
  /// Removes and returns it. Errors: ct::Error if the key is not there; so has operator[].
  std::shared_ptr<Module> pop(const std::string& key);
  void clear();
  bool contains(const std::string& key) const { return modules_.contains(key); }
  const std::shared_ptr<Module>& operator[](const std::string& key) const { return modules_[key]; }
  template <class T>
  T& at(const std::string& key) const { return AnyModule(modules_[key]).template get<T>(); }
  std::vector<std::string> keys() const { return modules_.keys(); }
  std::vector<std::shared_ptr<Module>> values() const { return modules_.values(); }
  std::vector<Pair> items() const { return modules_.pairs(); }
  auto begin() const { return modules_.begin(); }
  auto end() const { return modules_.end(); }
  std::size_t size() const noexcept { return modules_.size(); }
  bool empty() const noexcept { return modules_.is_empty(); }

 private:
  OrderedDict<std::string, std::shared_ptr<Module>> modules_{"Module"};
};
CT_MODULE(ModuleDict);

/// A list of parameters, registered under their numbers.
class CT_API ParameterListImpl : public Cloneable<ParameterListImpl> {
 public:
  ParameterListImpl();
  ~ParameterListImpl() override;
  template <class... Tensors>
    requires(sizeof...(Tensors) > 0 && (std::is_same_v<std::remove_cvref_t<Tensors>, Tensor> && ...))
  explicit ParameterListImpl(const Tensors&... tensors) : ParameterListImpl() {
    (append(tensors), ...);
  }
  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const override;
  void pretty_print(std::ostream& stream) const override;

  /// The flag requires_grad is that of the tensor, as in libtorch.
  void append(const Tensor& parameter);
  template <class Container>
  void extend(const Container& container) {
    for (const Tensor& t : container) append(t);
  }
  Tensor& at(std::size_t index) { return *parameters_[index]; }
  const Tensor& at(std::size_t index) const { return *parameters_[index]; }
  Tensor& operator[](std::size_t index) { return at(index); }
  auto begin() { return parameters_.begin(); }
  auto end() { return parameters_.end(); }
  std::size_t size() const noexcept { return parameters_.size(); }
  bool is_empty() const noexcept { return parameters_.is_empty(); }
};
CT_MODULE(ParameterList);

/// Parameters by name, in the order of insertion.
class CT_API ParameterDictImpl : public Cloneable<ParameterDictImpl> {
 public:
  ParameterDictImpl();
  ~ParameterDictImpl() override;
  explicit ParameterDictImpl(const OrderedDict<std::string, Tensor>& parameters);
  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& device = std::nullopt) const override;
  void pretty_print(std::ostream& stream) const override;

  /// Errors: ct::Error if the key is taken.
  Tensor& insert(const std::string& key, const Tensor& parameter);
  Tensor pop(const std::string& key);
  void clear() { parameters_.clear(); }
  bool contains(const std::string& key) const { return parameters_.contains(key); }
  const Tensor& get(const std::string& key) const { return parameters_[key]; }
  Tensor& operator[](const std::string& key) { return parameters_[key]; }
  std::vector<std::string> keys() const { return parameters_.keys(); }
  std::vector<Tensor> values() const { return parameters_.values(); }
  std::size_t size() const noexcept { return parameters_.size(); }
  bool empty() const noexcept { return parameters_.is_empty(); }
};
CT_MODULE(ParameterDict);

extern template class Cloneable<SequentialImpl>;
extern template class Cloneable<ModuleListImpl>;
extern template class Cloneable<ModuleDictImpl>;
extern template class Cloneable<ParameterListImpl>;
extern template class Cloneable<ParameterDictImpl>;

}  // namespace ct::nn
