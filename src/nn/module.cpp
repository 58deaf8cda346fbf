// nn/module.cpp -- registration, traversal, printing and saving of modules.
#include "cotangent/nn/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ostream>

#include "core/exchange_data.h"
#include "cotangent/autograd.h"
#include "nn/module_state.h"
#include "nn/text.h"

namespace ct {

void detail::throw_no_key(const std::string& description, const std::string& key, bool defined) {
  if (defined) CT_THROW(error, description, " '", key, "' already defined");
  CT_THROW(error, description, " '", key, "' is not defined");
}

namespace nn {

void detail::throw_empty_holder() { CT_THROW(error, "Accessing empty ModuleHolder\n  It was made by `= nullptr`: assign a module first."); }
detail::RandomStateGuard::RandomStateGuard() : state_(get_rng_state()) {}
detail::RandomStateGuard::~RandomStateGuard() { set_rng_state(state_); }

Module::Module() = default;
Module::Module(std::string name) : name_(std::move(name)) {}
Module::Module(const Module& o)
    : std::enable_shared_from_this<Module>(o), parameters_(o.parameters_), reads_registry_(o.reads_registry_), buffers_(o.buffers_),
      children_(o.children_), name_(o.name_), is_training_(o.is_training_) {}
Module& Module::operator=(const Module& o) {
  parameters_ = o.parameters_;
  buffers_ = o.buffers_;
  children_ = o.children_;
  name_ = o.name_;
  is_training_ = o.is_training_;
  reads_registry_ = o.reads_registry_;
  places_.clear();
  return *this;
}

std::string type_name(const std::type_info& type) {
  int status = 0;
  char* text = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string name = text ? text : type.name();
  std::free(text);
  return name;
}
const std::string& Module::name() const {
  if (!name_) name_ = type_name(typeid(*this));
  return *name_;
}

// ---- registration -----------------------------------------------------------------------------------------------------

namespace {

void check_name(const char* kind, const std::string& name) {
  CT_CHECK(!name.empty(), kind, " name must not be empty");
  CT_CHECK(name.find('.') == std::string::npos, kind, " name must not contain a dot (got '", name, "')\n  Dots join the names of nested modules.");
}

}  // namespace

Tensor& Module::register_parameter(std::string name, Tensor tensor, bool requires_grad) {
  check_name("Parameter", name);
  if (tensor.defined()) {
    CT_CHECK(tensor.is_leaf(), "register_parameter: Cannot assign non-leaf Tensor to parameter '", name,
             "'\n  A parameter is created explicitly: pass x.detach(), or compute it in forward().");
    CT_CHECK(!parameters_.contains(name), "Parameter '", name, "' already defined");
    tensor.requires_grad_(requires_grad);
  }
  return parameters_.insert(std::move(name), std::move(tensor));
}

Tensor& Module::register_buffer(std::string name, Tensor tensor) {
  check_name("Buffer", name);
  return buffers_.insert(std::move(name), std::move(tensor));
}

static void check_child(const Module* self, const std::string& name, const std::shared_ptr<Module>& module) {
  CT_CHECK(module, "register_module: Submodule '", name, "' is empty (nullptr)");
  bool cycle = false;
  const_cast<const Module&>(*module).apply([&](const Module& m) { cycle = cycle || &m == self; });
  CT_CHECK(!cycle, "register_module: Submodule '", name, "' contains the module it would belong to");
}

void Module::add_child(std::string name, std::shared_ptr<Module> module) {
  check_name("Submodule", name);
  check_child(this, name, module);
  children_.insert(std::move(name), std::move(module));
}

void Module::replace_child(const std::string& name, std::shared_ptr<Module> module) {
  check_child(this, name, module);
  children_[name] = std::move(module);
}

void Module::unregister_module(const std::string& name) {
  CT_CHECK(children_.contains(name), "No Module with name `", name, "` is registered");
  children_.erase(name);
}

// ---- traversal --------------------------------------------------------------------------------------------------------

void Module::walk(FunctionRef<void(const std::string&, Module&)> f, const std::string& name) const {
  f(name, const_cast<Module&>(*this));
  for (const auto& c : children_) c.value()->walk(f, name.empty() ? c.key() : ct::detail::join({name, ".", c.key()}));
}

void Module::apply(FunctionRef<void(Module&)> function) {
  walk([&](const std::string&, Module& m) { function(m); }, {});
}
void Module::apply(FunctionRef<void(const Module&)> function) const {
  walk([&](const std::string&, Module& m) { function(m); }, {});
}
void Module::apply(FunctionRef<void(const std::string&, Module&)> function, const std::string& name_prefix) { walk(function, name_prefix); }
void Module::apply(FunctionRef<void(const std::string&, const Module&)> function, const std::string& name_prefix) const {
  walk([&](const std::string& name, Module& m) { function(name, m); }, name_prefix);
}
void Module::apply(FunctionRef<void(const std::shared_ptr<Module>&)> function) const {
  shared_from_this_checked();
  walk([&](const std::string&, Module& m) { function(m.shared_from_this_checked()); }, {});
}
void Module::apply(FunctionRef<void(const std::string&, const std::shared_ptr<Module>&)> function, const std::string& name_prefix) const {
  shared_from_this_checked();
  walk([&](const std::string& name, Module& m) { function(name, m.shared_from_this_checked()); }, name_prefix);
}

std::shared_ptr<Module> Module::shared_from_this_checked() const {
  std::shared_ptr<const Module> self = weak_from_this().lock();
  CT_CHECK(self, name(), ": It looks like you attempted to retrieve your top-level module as a shared_ptr, but it is not stored in a shared_ptr\n"
           "  Use std::make_shared, or a holder (CT_MODULE), instead of creating it on the stack.");
  return std::const_pointer_cast<Module>(self);
}

namespace {

std::string prefixed(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : ct::detail::join({prefix, ".", name});
}
// Whether `t` is new to the list of what was seen.
template <class T>
bool first_time(std::vector<const T*>& seen, const T* t) {
  if (std::find(seen.begin(), seen.end(), t) != seen.end()) return false;
  seen.push_back(t);
  return true;
}

}  // namespace

OrderedDict<std::string, Tensor> Module::named_parameters(bool recurse) const {
  OrderedDict<std::string, Tensor> out("Parameter");
  std::vector<const ct::detail::TensorImpl*> seen;
  const auto take = [&](const std::string& prefix, const Module& m) {
    for (const auto& p : m.parameters_)
      if (p->defined() && first_time<ct::detail::TensorImpl>(seen, p->unsafeGetTensorImpl())) out.insert(prefixed(prefix, p.key()), *p);
  };
  if (recurse) walk(take, {});
  else take({}, *this);
  return out;
}
OrderedDict<std::string, Tensor> Module::named_buffers(bool recurse) const {
  OrderedDict<std::string, Tensor> out("Buffer");
  std::vector<const ct::detail::TensorImpl*> seen;
  const auto take = [&](const std::string& prefix, const Module& m) {
    for (const auto& b : m.buffers_)
      if (b->defined() && first_time<ct::detail::TensorImpl>(seen, b->unsafeGetTensorImpl())) out.insert(prefixed(prefix, b.key()), *b);
  };
  if (recurse) walk(take, {});
  else take({}, *this);
  return out;
}
std::vector<Tensor> Module::parameters(bool recurse) const { return named_parameters(recurse).values(); }
std::vector<Tensor> Module::buffers(bool recurse) const { return named_buffers(recurse).values(); }

OrderedDict<std::string, std::shared_ptr<Module>> Module::named_modules(const std::string& name_prefix, bool include_self) const {
  OrderedDict<std::string, std::shared_ptr<Module>> out("Submodule");
  std::vector<const Module*> seen;
  walk([&](const std::string& name, Module& m) {
    if (!first_time<Module>(seen, &m)) return;
    if (&m == this && !include_self) return;
    out.insert(name, m.shared_from_this_checked());
  }, name_prefix);
  return out;
}
std::vector<std::shared_ptr<Module>> Module::modules(bool include_self) const { return named_modules({}, include_self).values(); }
OrderedDict<std::string, std::shared_ptr<Module>> Module::named_children() const {
  OrderedDict<std::string, std::shared_ptr<Module>> out("Submodule");
  std::vector<const Module*> seen;
  for (const auto& c : children_)
    if (first_time<Module>(seen, c->get())) out.insert(c.key(), *c);
  return out;
}
std::vector<std::shared_ptr<Module>> Module::children() const { return named_children().values(); }

// ---- mode, dtype, gradients ----------------------------------------------------------------------------------------------

void Module::train(bool on) {
  for (const auto& c : children_) c.value()->train(on);
  is_training_ = on;
}

void Module::to(ScalarType dtype, bool non_blocking) {
  CT_CHECK_TYPE(isFloatingType(dtype), "to: nn.Module.to only accepts floating point dtypes, but got desired dtype=", dtype);
  for (const auto& c : children_) c.value()->to(dtype, non_blocking);
  for (const auto* list : {&parameters_, &buffers_})
    for (const auto& item : *list) {
      const Tensor& t = *item;
      if (!t.defined() || !t.is_floating_point() || t.scalar_type() == dtype) continue;
      const Tensor grad = t.is_leaf() ? t.grad() : Tensor();
      if (grad.defined()) t.mutable_grad().reset();
      ct::detail::set_data(t, t.detach().to(dtype));
      if (grad.defined()) t.set_grad(grad.detach().to(dtype));
    }
}
void Module::to(Device device, bool) { (void)empty({0}).to(device); }
void Module::to(Device device, ScalarType dtype, bool non_blocking) {
  to(device);
  to(dtype, non_blocking);
}

void Module::zero_grad(bool set_to_none) {
  for (const Tensor& p : parameters()) {
    Tensor& g = p.mutable_grad();
    if (!g.defined()) continue;
    if (set_to_none) g.reset();
    else {
      g = g.detach();
      g.zero_();
    }
  }
}

void Module::requires_grad_(bool requires_grad) {
  for (const Tensor& p : parameters()) p.requires_grad_(requires_grad);
}

// ---- copies ----------------------------------------------------------------------------------------------------------------

std::shared_ptr<Module> Module::clone(const std::optional<Device>&) const {
  CT_THROW(not_implemented, "clone() has not been implemented for ", name(), "\n  Derive from ct::nn::Cloneable<", name(), "> instead of ct::nn::Module.");
}
void Module::clone_(Module&, const std::optional<Device>&) {}

void Module::take_state(const Module& from, const std::optional<Device>& device) {
  if (device) (void)empty({0}).to(*device);
  CT_CHECK(!from.hooks_ || from.hooks_->weights.empty(), "clone: ", from.name(), " has a weight that is computed before each call, by weight_norm or spectral_norm, "
           "and cannot be cloned\n  Call nn::utils::remove_weight_norm or remove_spectral_norm first.");
  const auto same = [](const char* kind, const char* call, std::size_t a, std::size_t b) {
    CT_CHECK(a == b, "clone: The cloned module does not have the same number of ", kind, " as the original module after calling reset() (", a, " and ", b,
             ")\n  Call ", call, " inside reset() and not the constructor.");
  };
  same("parameters", "register_parameter()", parameters_.size(), from.parameters_.size());
  same("buffers", "register_buffer()", buffers_.size(), from.buffers_.size());
  same("child modules", "register_module()", children_.size(), from.children_.size());
  const auto take = [](const OrderedDict<std::string, Tensor>& to, const OrderedDict<std::string, Tensor>& values) {
    for (const auto& item : values) {
      const Tensor& mine = to[item.key()];
      CT_CHECK(mine.defined() == item->defined(), "clone: reset() gives '", item.key(), "' a value only in one of original and copy");
      if (!mine.defined()) continue;
      CT_CHECK(!mine.is_same(*item), "clone: reset() registers the tensor of the original as '", item.key(), "'\n  Make a new tensor in reset().");
      mine.requires_grad_(false);
      ct::detail::set_data(mine, *item);
      mine.requires_grad_(item->requires_grad() && item->is_leaf());
    }
  };
  take(parameters_, from.parameters_);
  take(buffers_, from.buffers_);
  for (const auto& c : from.children_) children_[c.key()]->clone_(*c.value(), device);
}

// ---- printing ----------------------------------------------------------------------------------------------------------------

namespace {

// What Python calls the class: "(anonymous namespace)::NetImpl" is Net, "ct::nn::LinearImpl" is Linear.
std::string short_name(std::string name) {
  if (!name.empty() && name.back() == '>') {
    int depth = 0;
    std::size_t i = name.size();
    while (i-- > 0) {
      depth += name[i] == '>' ? 1 : name[i] == '<' ? -1 : 0;
      if (depth == 0) break;
    }
    name.resize(i);
  }
  if (const std::size_t at = name.rfind("::"); at != std::string::npos) name.erase(0, at + 2);
  if (name.size() > 4 && name.compare(name.size() - 4, 4, "Impl") == 0) name.resize(name.size() - 4);
  return name;
}

std::string indented(const std::string& text) {
  std::string out;
  for (char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

// The text that pretty_print writes, without <sstream>.
class StringBuffer : public std::streambuf {
 public:
  std::string text;

 private:
  int_type overflow(int_type c) override {
    if (c != traits_type::eof()) text += static_cast<char>(c);
    return c;
  }
  std::streamsize xsputn(const char* s, std::streamsize n) override {
    text.append(s, static_cast<std::size_t>(n));
    return n;
  }
};

}  // namespace

void Module::pretty_print(std::ostream& stream) const { stream << short_name(name()) << '(' << extra_repr() << ')'; }

std::string Module::repr() const {
  StringBuffer buffer;
  std::ostream stream(&buffer);
  pretty_print(stream);
  std::string line = std::move(buffer.text);
  if (children_.is_empty()) return line;
  const std::string extra = extra_repr(), end = ct::detail::join({"(", extra, ")"});
  const bool ours = line.size() >= end.size() && line.compare(line.size() - end.size(), end.size(), end) == 0;
  if (ours) line.resize(line.size() - end.size());
  line += "(\n";
  if (ours && !extra.empty()) line += ct::detail::join({"  ", indented(extra), "\n"});
  for (const auto& c : children_) line += ct::detail::join({"  (", c.key(), "): ", indented(c.value()->repr()), "\n"});
  return line += ')';
}

std::string to_string(const Module& module) { return module.repr(); }
std::ostream& operator<<(std::ostream& stream, const Module& module) { return stream << to_string(module); }

// ---- saving --------------------------------------------------------------------------------------------------------------------

OrderedDict<std::string, Tensor> Module::state_dict() const {
  OrderedDict<std::string, Tensor> out("Key");
  walk([&](const std::string& prefix, Module& m) {
    for (const auto* list : {&m.parameters_, &m.buffers_})
      for (const auto& item : *list)
        if (item->defined()) out.insert(prefixed(prefix, item.key()), item->detach());
  }, {});
  return out;
}

IncompatibleKeys Module::load_state_dict(const OrderedDict<std::string, Tensor>& state, bool strict) {
  const OrderedDict<std::string, Tensor> mine = state_dict();
  IncompatibleKeys keys;
  std::string shapes, errors;
  for (const auto& item : mine) {
    const Tensor* given = state.find(item.key());
    if (!given || !given->defined()) keys.missing_keys.push_back(item.key());
    else if (given->sizes() != item->sizes())
      shapes += ct::detail::join({"\n\tsize mismatch for ", item.key(), ": copying a param with shape ", size_string(given->sizes()),
                                  " from checkpoint, the shape in current model is ", size_string(item->sizes()), "."});
  }
  for (const auto& item : state)
    if (!mine.contains(item.key())) keys.unexpected_keys.push_back(item.key());
  const auto listed = [&](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    errors += ct::detail::join({"\n\t", what, " key(s) in state_dict: "});
    for (std::size_t i = 0; i < names.size(); ++i) errors += ct::detail::join({i ? ", " : "", "\"", names[i], "\""});
    errors += ". ";
  };
  if (strict) {
    listed("Missing", keys.missing_keys);
    listed("Unexpected", keys.unexpected_keys);
  }
  errors += shapes;
  CT_CHECK(errors.empty(), "Error(s) in loading state_dict for ", short_name(name()), ":", errors);
  const NoGradGuard guard;
  for (const auto& item : mine)
    if (const Tensor* given = state.find(item.key()); given && given->defined()) item->copy_(*given);
  return keys;
}

// ---- members that hold parameters -------------------------------------------------------------------------------------------------

// Note [Members that hold parameters]
// forward() reads members (weight), not the registry, and C++ cannot tell where they are. But a Tensor is one pointer, so a
// member that holds a parameter is a word of the object that equals the registry's. Holders and register_module know how
// large the object is. What was found is remembered, for when another tensor stands there.
const std::vector<Tensor*>& Module::places_of(const std::string& name, const Tensor& slot) {
  auto at = std::find_if(places_.begin(), places_.end(), [&](const Places& p) { return p.name == name; });
  if (at == places_.end()) at = places_.insert(at, {name, {}, false});
  std::vector<Tensor*>& members = at->members;
  if (!members.empty() && std::all_of(members.begin(), members.end(), [&](const Tensor* m) { return m->is_same(slot); })) return members;
  members.clear();
  const ct::detail::TensorImpl* const wanted = slot.unsafeGetTensorImpl();
  for (std::size_t i = 0; i + sizeof(Tensor) <= size_; i += alignof(Tensor)) {
    char* word = static_cast<char*>(start_) + i;
    if (std::memcmp(word, &wanted, sizeof wanted) == 0) members.push_back(reinterpret_cast<Tensor*>(word));
  }
  return members;
}

Tensor detail::ModuleAccess::parameter(const Module& m, const std::string& name) {
  const Tensor* t = m.parameters_.find(name);
  return t ? *t : Tensor();
}
Tensor detail::ModuleAccess::buffer(const Module& m, const std::string& name) { return m.buffers_[name]; }
std::vector<Tensor*> detail::ModuleAccess::members(Module& m, const std::string& name) {
  const std::vector<Tensor*>& found = m.places_of(name, m.parameters_[name]);
  CT_CHECK(!found.empty(), "the parameter ", name, " of ", m.name(), " is held by no member that could be found\n  Hold the module by a CT_MODULE holder, and keep "
           "what register_parameter returns in a member of type Tensor.");
  return found;
}
void detail::ModuleAccess::erase_parameter(Module& m, const std::string& name) {
  m.parameters_.erase(name);
  std::erase_if(m.places_, [&](const auto& p) { return p.name == name; });
}
void detail::ModuleAccess::erase_buffer(Module& m, const std::string& name) { m.buffers_.erase(name); }
void detail::ModuleAccess::add_parameter(Module& m, const std::string& name, const Tensor& value) {
  m.register_parameter(name, value);
  m.places_.push_back({name, {}, true});
}

void Module::for_each_parameter(FunctionRef<void(std::string_view, Tensor&)> f) {
  struct Place {
    std::string name;
    Tensor* at;
  };
  std::vector<Place> all;
  walk([&](const std::string& prefix, Module& m) {
    for (auto& p : m.parameters_) {
      if (!p->defined()) continue;
      const std::string name = prefixed(prefix, p.key());
      all.push_back({name, &*p});
      if (m.reads_registry_ || std::any_of(m.places_.begin(), m.places_.end(), [&](const Places& at) { return at.in_registry && at.name == p.key(); })) continue;
      const std::vector<Tensor*>& members = m.places_of(p.key(), *p);
      CT_CHECK(!members.empty(), "functional_call: the parameter ", name, " of ", m.name(), " is held by no member that could be found\n  ",
               m.size_ ? "Keep what register_parameter returns in a member of type Tensor." : "Hold the module by a CT_MODULE holder, or register it as its own type.");
      for (Tensor* t : members) all.push_back({name, t});
    }
  }, {});
  for (const Place& p : all) f(p.name, *p.at);
}

}  // namespace nn
}  // namespace ct
