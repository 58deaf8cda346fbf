// nn/containers.cpp -- Sequential, lists and dictionaries of modules and parameters.
#include "cotangent/nn/containers.h"

#include <ostream>

#include "cotangent/autograd.h"

namespace ct::nn {

template class Cloneable<SequentialImpl>;
template class Cloneable<ModuleListImpl>;
template class Cloneable<ModuleDictImpl>;
template class Cloneable<ParameterListImpl>;
template class Cloneable<ParameterDictImpl>;

// ---- Sequential ------------------------------------------------------------------------------------------------------------

SequentialImpl::SequentialImpl() = default;
SequentialImpl::~SequentialImpl() = default;
SequentialImpl::SequentialImpl(const OrderedDict<std::string, AnyModule>& modules) {
  for (const auto& m : modules) push_back(m.key(), m.value());
}
SequentialImpl::SequentialImpl(std::initializer_list<NamedAnyModule> modules) {
  for (const NamedAnyModule& m : modules) push_back(m.name(), m.module());
}

std::shared_ptr<Module> SequentialImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<SequentialImpl>();
  const std::vector<std::string> names = child_names();
  for (std::size_t i = 0; i < modules_.size(); ++i) copy->push_back(names[i], modules_[i].clone());
  copy->set_training(is_training());
  return copy;
}

AnyValue SequentialImpl::forward_any(AnyValue* in, std::size_t n) {
  CT_CHECK(!modules_.empty(), "Cannot call forward() on an empty Sequential");
  AnyValue x = modules_[0].forward_any(in, n);
  for (std::size_t i = 1; i < modules_.size(); ++i) x = modules_[i].forward_any(&x, 1);
  return x;
}

void SequentialImpl::push_back(AnyModule module) { push_back(std::to_string(modules_.size()), std::move(module)); }
void SequentialImpl::push_back(std::string name, AnyModule module) {
  register_module(std::move(name), module.ptr());
  modules_.push_back(std::move(module));
}
const std::shared_ptr<Module>& SequentialImpl::ptr(std::size_t index) const {
  CT_CHECK_INDEX(index < modules_.size(), "Sequential: Index out of range: ", index, " of ", modules_.size());
  return modules_[index].ptr();
}

// ---- ModuleList ---------------------------------------------------------------------------------------------------------------

ModuleListImpl::ModuleListImpl() = default;
ModuleListImpl::~ModuleListImpl() = default;

std::shared_ptr<Module> ModuleListImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<ModuleListImpl>();
  for (const auto& m : modules_) copy->add(m->clone());
  copy->set_training(is_training());
  return copy;
}
void ModuleListImpl::add(std::shared_ptr<Module> module) {
  register_module(std::to_string(modules_.size()), module);
  modules_.push_back(std::move(module));
}
void ModuleListImpl::insert(std::size_t index, std::shared_ptr<Module> module) {
  CT_CHECK_INDEX(index <= modules_.size(), "ModuleList: Index out of range: ", index, " of ", modules_.size());
  register_module(std::to_string(modules_.size()), module);
  modules_.insert(modules_.begin() + static_cast<std::ptrdiff_t>(index), std::move(module));
  for (std::size_t i = index; i < modules_.size(); ++i) replace_module(std::to_string(i), modules_[i]);
}
const std::shared_ptr<Module>& ModuleListImpl::ptr(std::size_t index) const {
  CT_CHECK_INDEX(index < modules_.size(), "ModuleList: Index out of range: ", index, " of ", modules_.size());
  return modules_[index];
}

// ---- ModuleDict -----------------------------------------------------------------------------------------------------------------

ModuleDictImpl::ModuleDictImpl() = default;
ModuleDictImpl::~ModuleDictImpl() = default;
ModuleDictImpl::ModuleDictImpl(const std::vector<Pair>& modules) { update(modules); }
ModuleDictImpl::ModuleDictImpl(const OrderedDict<std::string, std::shared_ptr<Module>>& modules) {
  for (const auto& m : modules) insert(m.key(), m.value());
}
std::shared_ptr<Module> ModuleDictImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<ModuleDictImpl>();
  for (const auto& m : modules_) copy->insert(m.key(), m.value()->clone());
  copy->set_training(is_training());
  return copy;
}
void ModuleDictImpl::insert(const std::string& key, std::shared_ptr<Module> module) {
  if (modules_.contains(key)) {
    replace_module(key, module);
    modules_[key] = std::move(module);
  } else {
    register_module(key, module);
    modules_.insert(key, std::move(module));
  }
}
std::shared_ptr<Module> ModuleDictImpl::pop(const std::string& key) {
  std::shared_ptr<Module> module = modules_[key];
  unregister_module(key);
  modules_.erase(key);
  return module;
}
void ModuleDictImpl::clear() {
  for (const std::string& key : modules_.keys()) pop(key);
}

// ---- parameters -------------------------------------------------------------------------------------------------------------------

namespace {

// As Python: (0): Parameter containing: [torch.FloatTensor of size 2x3]
void print_parameters(std::ostream& stream, const char* name, const OrderedDict<std::string, Tensor>& parameters) {
  stream << name << "(";
  for (const auto& p : parameters) {
    stream << "\n  (" << p.key() << "): Parameter containing: [" << p->scalar_type() << " of size ";
    for (std::int64_t d = 0; d < p->dim(); ++d) stream << (d ? "x" : "") << p->size(d);
    stream << "]";
  }
  stream << (parameters.is_empty() ? ")" : "\n)");
}

Tensor copied(const Tensor& t) { return t.detach().clone().requires_grad_(t.requires_grad()); }

}  // namespace

ParameterListImpl::ParameterListImpl() { reads_registry_ = true; }
ParameterListImpl::~ParameterListImpl() = default;
std::shared_ptr<Module> ParameterListImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<ParameterListImpl>();
  for (const auto& p : parameters_) copy->append(copied(*p));
  copy->set_training(is_training());
  return copy;
}
void ParameterListImpl::append(const Tensor& parameter) {
  CT_CHECK(parameter.defined(), "ParameterList: the parameter is undefined");
  register_parameter(std::to_string(parameters_.size()), parameter, parameter.requires_grad());
}
void ParameterListImpl::pretty_print(std::ostream& stream) const { print_parameters(stream, "ParameterList", parameters_); }

ParameterDictImpl::ParameterDictImpl() { reads_registry_ = true; }
ParameterDictImpl::~ParameterDictImpl() = default;
ParameterDictImpl::ParameterDictImpl(const OrderedDict<std::string, Tensor>& parameters) : ParameterDictImpl() {
  for (const auto& p : parameters) insert(p.key(), p.value());
}
std::shared_ptr<Module> ParameterDictImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<ParameterDictImpl>();
  for (const auto& p : parameters_) copy->insert(p.key(), copied(*p));
  copy->set_training(is_training());
  return copy;
}
Tensor& ParameterDictImpl::insert(const std::string& key, const Tensor& parameter) {
  CT_CHECK(parameter.defined(), "ParameterDict: the parameter is undefined");
  return register_parameter(key, parameter, parameter.requires_grad());
}
Tensor ParameterDictImpl::pop(const std::string& key) {
  Tensor t = parameters_[key];
  parameters_.erase(key);
  return t;
}
void ParameterDictImpl::pretty_print(std::ostream& stream) const { print_parameters(stream, "ParameterDict", parameters_); }

}  // namespace ct::nn
