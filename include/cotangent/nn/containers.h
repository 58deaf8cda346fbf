// cotangent/nn/containers.h -- modules made of modules: Sequential, lists and dictionaries.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cotangent/nn/any.h"

namespace ct::nn {

/// Feeds each module with the result of the one before; the first may take several values. Sequentials nest.
///   Sequential net{Linear(5, 3), ReLU(), Linear(3, 1)};   // braces: made from left to right, so a seed gives Python's numbers
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

  /// Errors: ct::Error "Cannot call forward() on an empty Sequential"; ct::TypeError if the last module returns another type.
  template <class ReturnType = Tensor, class... Args>
  ReturnType forward(Args&&... args) {
    AnyValue in[sizeof...(Args) + 1] = {detail::as_any(std::forward<Args>(args))...};
    return detail::returned<ReturnType>(forward_any(in, sizeof...(Args)));
  }
  /// For the library itself.
  AnyValue forward_any(AnyValue* in, std::size_t n);

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
  std::vector<AnyModule> modules_;
};
class Sequential : public ModuleHolder<SequentialImpl> {
 public:
  using ModuleHolder<SequentialImpl>::ModuleHolder;
  using Impl = SequentialImpl;
  Sequential() : ModuleHolder(std::make_shared<SequentialImpl>()) {}
  Sequential(std::initializer_list<NamedAnyModule> modules) : ModuleHolder(std::make_shared<SequentialImpl>(modules)) {}
  /// net->forward<ReturnType>(args..)
  template <class ReturnType = Tensor, class... Args>
  ReturnType forward(Args&&... args) { return get()->template forward<ReturnType>(std::forward<Args>(args)...); }
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
  using Iterator = OrderedDict<std::string, std::shared_ptr<Module>>::Iterator;
  using ConstIterator = OrderedDict<std::string, std::shared_ptr<Module>>::ConstIterator;

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
  using Iterator = OrderedDict<std::string, Tensor>::Iterator;
  using ConstIterator = OrderedDict<std::string, Tensor>::ConstIterator;
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
  using Iterator = OrderedDict<std::string, Tensor>::Iterator;
  using ConstIterator = OrderedDict<std::string, Tensor>::ConstIterator;
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
  auto begin() { return parameters_.begin(); }
  auto end() { return parameters_.end(); }
  /// Adds all, in place of those of the same name.
  template <class Items>
  void update(const Items& items) {
    for (const auto& item : items) {
      if (contains(item.key())) pop(item.key());
      insert(item.key(), item.value());
    }
  }
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
