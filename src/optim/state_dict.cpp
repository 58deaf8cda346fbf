// optim/state_dict.cpp -- state and options as a value in Python's form, and back.
#include <cmath>
#include <typeinfo>
#include <unordered_map>

#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "cotangent/io/archive.h"
#include "cotangent/optim/lr_scheduler.h"

namespace ct::optim {

OptionsVisitor::~OptionsVisitor() = default;
void OptimizerOptions::visit(OptionsVisitor&) {
  CT_THROW(not_implemented, "OptimizerOptions: ", typeid(*this).name(), " does not say what is saved of them\n  Override visit(OptionsVisitor&).");
}
void OptimizerParamState::visit(StateVisitor&) {
  CT_THROW(not_implemented, "OptimizerParamState: ", typeid(*this).name(), " does not say what is saved of it\n  Override visit(StateVisitor&).");
}
Owned<OptimizerParamState> OptimizerParamState::clone() const {
  CT_THROW(not_implemented, "OptimizerParamState: ", typeid(*this).name(), " cannot be cloned\n  Derive it from OptimizerCloneableParamState.");
}
Owned<OptimizerParamState> Optimizer::new_state(const Tensor&, const OptimizerOptions&) const {
  CT_THROW(not_implemented, "load_state_dict: ", typeid(*this).name(), " does not say what its state is\n  Override new_state().");
}

namespace {

using ct::detail::TensorImpl;

struct StateWriter final : StateVisitor {
  IValue out = IValue::dict();
  void value(const char* name, Tensor& v) override { out.insert(name, v); }
  void value(const char* name, std::int64_t& v) override { out.insert(name, v); }
  void value(const char* name, double& v) override { out.insert(name, v); }
  void value(const char* name, std::vector<Tensor>& v) override { out.insert(name, v); }
  void value(const char* name, std::vector<double>& v) override { out.insert(name, v); }
};
struct OptionsWriter final : OptionsVisitor {
  IValue out = IValue::dict();
  void value(const char* name, double& v) override { out.insert(name, v); }
  void value(const char* name, bool& v) override { out.insert(name, v); }
  void value(const char* name, std::int64_t& v) override { out.insert(name, v); }
  void value(const char* name, std::optional<std::int64_t>& v) override { out.insert(name, v ? IValue(*v) : IValue()); }
  void value(const char* name, std::optional<std::string>& v) override { out.insert(name, v ? IValue(*v) : IValue()); }
  void value(const char* name, std::tuple<double, double>& v) override { out.insert(name, IValue::tuple({std::get<0>(v), std::get<1>(v)})); }
};

// Entries of a dictionary, as numbers of the type that is wanted: Python keeps some in tensors of one element.
class Reader {
 public:
  Reader(const IValue& dict, std::string what) : dict_(dict), what_(std::move(what)) {}

 protected:
  [[noreturn]] void fail(const char* name, std::initializer_list<ct::detail::MsgPart> why) const {
    CT_THROW(value, "load_state_dict: ", what_, ": '", name, "' ", ct::detail::join(why));
  }
  const IValue* find(const char* name) const { return dict_.find(name); }
  const IValue& at(const char* name) const {
    const IValue* v = find(name);
    if (!v) fail(name, {"is missing"});
    return *v;
  }
  double real(const char* name, const IValue& v) const {
    if (v.isTensor() && v.toTensor().numel() == 1) return v.toTensor().item<double>();
    if (!v.isDouble() && !v.isInt()) fail(name, {"is no number, but ", v.tagKind()});
    return v.toScalar().toDouble();
  }
  std::int64_t integer(const char* name, const IValue& v) const {
    if (v.isInt()) return v.toInt();
    const double d = real(name, v);
    if (!(d == std::floor(d) && std::abs(d) < 9e15)) fail(name, {"is no integer, but ", d});
    return static_cast<std::int64_t>(d);
  }

 private:
  const IValue& dict_;
  std::string what_;
};

class StateReader final : public StateVisitor, Reader {
 public:
  // `numel`: of the tensors that belong to the parameter.
  StateReader(const IValue& dict, std::string what, const Tensor& param, std::int64_t numel, bool by_parameter)
      : Reader(dict, std::move(what)), param_(param), numel_(numel), by_parameter_(by_parameter) {}

 private:
  Tensor copied(const char* name, const IValue& v) const {
    if (!v.isTensor()) fail(name, {"is no tensor, but ", v.tagKind()});
    const Tensor t = v.toTensor();
    const NoGradGuard off;
    if (!param_.defined()) return t.detach().clone();
    if (by_parameter_ ? t.sizes() != param_.sizes() : t.numel() != numel_)
      fail(name, {"has shape ", t.sizes(), ", which does not fit its parameter of shape ", param_.sizes()});
    return t.detach().to(param_.scalar_type(), false, true).contiguous();
  }
  void value(const char* name, Tensor& v) override {
    const IValue* given = find(name);
    if (given && !given->isNone()) v = copied(name, *given);
    else if (v.defined()) fail(name, {"is missing"});  // all of them have it
  }
  void value(const char* name, std::int64_t& v) override { v = integer(name, at(name)); }
  void value(const char* name, double& v) override { v = real(name, at(name)); }
  void value(const char* name, std::vector<Tensor>& v) override {
    v.clear();
    const IValue& list = at(name);
    if (list.isNone()) return;
    if (!list.isList() && !list.isTuple()) fail(name, {"is no list, but ", list.tagKind()});
    for (const IValue& t : list.toListRef()) v.push_back(copied(name, t));
  }
  void value(const char* name, std::vector<double>& v) override {
    v.clear();
    const IValue& list = at(name);
    if (list.isNone()) return;
    if (!list.isList() && !list.isTuple()) fail(name, {"is no list, but ", list.tagKind()});
    for (const IValue& x : list.toListRef()) v.push_back(real(name, x));
  }
  const Tensor param_;
  std::int64_t numel_;
  bool by_parameter_;
};

class OptionsReader final : public OptionsVisitor, Reader {
 public:
  using Reader::Reader;

 private:
  void value(const char* name, double& v) override {
    if (const IValue* given = find(name)) v = real(name, *given);
  }
  void value(const char* name, bool& v) override {
    const IValue* given = find(name);
    if (!given) return;
    if (!given->isBool() && !given->isInt()) fail(name, {"is no flag, but ", given->tagKind()});
    v = given->toScalar().toBool();
  }
  void value(const char* name, std::int64_t& v) override {
    if (const IValue* given = find(name)) v = integer(name, *given);
  }
  void value(const char* name, std::optional<std::int64_t>& v) override {
    const IValue* given = find(name);
    if (given) v = given->isNone() ? std::nullopt : std::optional(integer(name, *given));
  }
  void value(const char* name, std::optional<std::string>& v) override {
    const IValue* given = find(name);
    if (!given) return;
    if (!given->isNone() && !given->isString()) fail(name, {"is no text, but ", given->tagKind()});
    v = given->isNone() ? std::nullopt : std::optional(given->toStringRef());
  }
  void value(const char* name, std::tuple<double, double>& v) override {
    const IValue* given = find(name);
    if (!given) return;
    if ((!given->isTuple() && !given->isList()) || given->size() != 2) fail(name, {"is no pair of numbers"});
    v = {real(name, (*given)[0]), real(name, (*given)[1])};
  }
};

IValue value_of(const serialize::OutputArchive& archive) {
  IValue out = IValue::dict();
  for (const auto& e : archive.flat()) out.insert(e.key(), e.value());
  return out;
}
IValue saved(const OptimizerOptions& options) {
  const Owned<OptimizerOptions> copy = options.clone();
  OptionsWriter writer;
  try {
    copy->visit(writer);
    return writer.out;
  } catch (const NotImplementedError&) {
    serialize::OutputArchive archive;
    copy->serialize(archive);
    return value_of(archive);
  }
}
IValue saved(OptimizerParamState& state) {
  StateWriter writer;
  try {
    state.visit(writer);
    return writer.out;
  } catch (const NotImplementedError&) {
    serialize::OutputArchive archive;
    const_cast<const OptimizerParamState&>(state).serialize(archive);
    return value_of(archive);
  }
}
void load_into(OptimizerOptions& options, const IValue& dict, std::string what) {
  OptionsReader reader(dict, std::move(what));
  try {
    options.visit(reader);
  } catch (const NotImplementedError&) {
    serialize::InputArchive archive(dict);
    options.serialize(archive);
  }
}

// Parameters in the order of the groups, each with its number: that of its first place.
std::unordered_map<const TensorImpl*, std::int64_t> numbered(const std::vector<OptimizerParamGroup>& groups) {
  std::unordered_map<const TensorImpl*, std::int64_t> numbers;
  std::int64_t i = 0;
  for (const OptimizerParamGroup& g : groups)
    for (const Tensor& p : g.params()) numbers.emplace(ct::detail::impl(p), i++);
  return numbers;
}

const IValue& part(const IValue& dict, const char* name) {
  const IValue* v = dict.isGenericDict() ? dict.find(name) : nullptr;
  CT_CHECK_VALUE(v, "load_state_dict: there is no '", name, "'\n  A state_dict of an optimizer has 'state' and 'param_groups'.");
  return *v;
}

}  // namespace

// libtorch's form, for programs that call it, or that override it in place of visit().
void OptimizerOptions::serialize(serialize::OutputArchive& archive) const {
  OptionsWriter writer;
  try {
    clone()->visit(writer);
  } catch (const NotImplementedError&) {
    writer.out.insert("lr", get_lr());
  }
  for (const IValue::Pair& p : writer.out.items()) archive.write(p.first.toStringRef(), p.second);
}
void OptimizerOptions::serialize(serialize::InputArchive& archive) {
  OptionsReader reader(archive.value(), "options");
  try {
    visit(reader);
  } catch (const NotImplementedError&) {
    IValue lr;
    archive.read("lr", lr);
    set_lr(lr.toScalar().toDouble());
  }
}
void OptimizerParamState::serialize(serialize::OutputArchive& archive) const {
  StateWriter writer;
  const_cast<OptimizerParamState*>(this)->visit(writer);  // which only looks
  for (const IValue::Pair& p : writer.out.items()) archive.write(p.first.toStringRef(), p.second);
}
void OptimizerParamState::serialize(serialize::InputArchive& archive) {
  StateReader reader(archive.value(), "state", Tensor(), 0, false);
  visit(reader);
}

IValue Optimizer::state_dict() const {
  const auto numbers = numbered(param_groups_);
  IValue state = IValue::dict(), groups = IValue::list();
  std::unordered_map<std::int64_t, IValue> by_number;
  for (const OptimizerState::Entry& e : state_) {
    const auto at = numbers.find(ct::detail::impl(e.param));
    if (at == numbers.end()) continue;  // of a parameter that has been taken out of its group
    by_number.emplace(at->second, saved(*e.state));
  }
  std::int64_t total = static_cast<std::int64_t>(size());
  for (std::int64_t i = 0; i < total; ++i)
    if (const auto at = by_number.find(i); at != by_number.end()) state.insert(i, at->second);
  for (const OptimizerParamGroup& g : param_groups_) {
    IValue entry = saved(g.options());
    if (g.initial_lr) entry.insert("initial_lr", *g.initial_lr);
    std::vector<std::int64_t> params;
    for (const Tensor& p : g.params()) params.push_back(numbers.at(ct::detail::impl(p)));
    entry.insert("params", params);
    groups.append(entry);
  }
  return IValue::dict({{"state", state}, {"param_groups", groups}});
}

void Optimizer::load_state_dict(const IValue& dict) {
  const IValue &state = part(dict, "state"), &groups = part(dict, "param_groups");
  CT_CHECK_VALUE(state.isGenericDict() && (groups.isList() || groups.isTuple()), "load_state_dict: 'state' must be a dict and 'param_groups' a list");
  CT_CHECK_VALUE(groups.size() == param_groups_.size(), "load_state_dict: loaded state dict has a different number of parameter groups: ", groups.size(), ", and the optimizer has ",
                 param_groups_.size());
  // All of it is made first, and then put in its place.
  struct Group {
    Owned<OptimizerOptions> options;
    std::optional<double> initial_lr;
  };
  std::vector<Group> new_groups;
  std::unordered_map<std::string, std::pair<Tensor, const OptimizerOptions*>> params;  // by the number in the dictionary
  std::vector<std::string> order;
  std::int64_t all = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const IValue& given = groups[i];
    const OptimizerParamGroup& mine = param_groups_[i];
    CT_CHECK_VALUE(given.isGenericDict(), "load_state_dict: group ", i, " is no dict");
    const IValue& list = part(given, "params");
    CT_CHECK_VALUE((list.isList() || list.isTuple()) && list.size() == mine.params().size(),
                   "load_state_dict: loaded state dict contains a parameter group that doesn't match the size of optimizer's group: group ", i, " has ",
                   list.isList() || list.isTuple() ? static_cast<std::int64_t>(list.size()) : -1, " parameters, and the optimizer's has ", mine.params().size());
    Group g{mine.options().clone(), std::nullopt};
    load_into(*g.options, given, ct::detail::join({"group ", i}));
    g.options->check();
    if (const IValue* lr = given.find("initial_lr"); lr && lr->isScalar()) g.initial_lr = lr->toScalar().toDouble();
    for (std::size_t k = 0; k < list.size(); ++k) {
      CT_CHECK_VALUE(list[k].isInt() || list[k].isString(), "load_state_dict: group ", i, ": parameter ", k, " has no number");
      std::string number = list[k].isInt() ? std::to_string(list[k].toInt()) : list[k].toStringRef();
      if (params.emplace(number, std::pair(mine.params()[k], g.options.get())).second) order.push_back(std::move(number));
      all += mine.params()[k].numel();
    }
    new_groups.push_back(std::move(g));
  }
  const bool by_parameter = dynamic_cast<const ParamwiseOptimizer*>(this) != nullptr;
  OptimizerState new_entries;
  for (const std::string& number : order) {
    const IValue* given = state.find(number);
    if (!given) continue;
    CT_CHECK_VALUE(given->isGenericDict(), "load_state_dict: the state of parameter ", number, " is no dict");
    if (given->size() == 0) continue;
    const auto& [param, options] = params.at(number);
    Owned<OptimizerParamState> s = new_state(param, *options);
    StateReader reader(*given, ct::detail::join({"parameter ", number}), param, all, by_parameter);
    try {
      s->visit(reader);
    } catch (const NotImplementedError&) {
      serialize::InputArchive archive(*given);
      s->serialize(archive);
    }
    new_entries.insert(param, std::move(s));
  }
  for (std::size_t i = 0; i < new_groups.size(); ++i) {
    param_groups_[i].set_options(std::move(new_groups[i].options));
    param_groups_[i].initial_lr = new_groups[i].initial_lr;
  }
  state_.swap(new_entries);
}

void Optimizer::save(serialize::OutputArchive& archive) const {
  const IValue all = state_dict();
  for (const IValue::Pair& p : all.items()) archive.write(p.first.toStringRef(), p.second);
}
void Optimizer::load(serialize::InputArchive& archive) {
  IValue state, groups;
  archive.read("state", state);
  archive.read("param_groups", groups);
  load_state_dict(IValue::dict({{"state", state}, {"param_groups", groups}}));
}

// ---- schedulers ---------------------------------------------------------------------------------------------------

namespace {

// Numbers only, kept until all of them are known to be there.
class NumbersReader final : public StateVisitor, Reader {
 public:
  NumbersReader(const IValue& dict, bool write) : Reader(dict, "scheduler"), write_(write) {}

 private:
  void value(const char*, Tensor&) override {}
  void value(const char*, std::vector<Tensor>&) override {}
  void value(const char* name, std::int64_t& v) override { set(v, integer(name, at(name))); }
  void value(const char* name, double& v) override { set(v, real(name, at(name))); }
  void value(const char* name, std::vector<double>& v) override {
    const IValue& list = at(name);
    if (!list.isList() && !list.isTuple()) fail(name, {"is no list, but ", list.tagKind()});
    if (list.size() != v.size()) fail(name, {"has ", list.size(), " entries, and the optimizer ", v.size(), " groups"});
    std::vector<double> out;
    for (const IValue& x : list.toListRef()) out.push_back(real(name, x));
    set(v, out);
  }
  template <class T>
  void set(T& place, const T& v) {
    if (write_) place = v;
  }
  bool write_;
};

template <class Visit>
void read_numbers(const IValue& dict, Visit&& visit) {
  CT_CHECK_VALUE(dict.isGenericDict(), "load_state_dict: the state of a scheduler must be a dict, but is ", dict.tagKind());
  for (const bool write : {false, true}) {
    NumbersReader reader(dict, write);
    visit(reader);
  }
}

const IValue& schedulers_of(const IValue& dict, std::size_t n) {
  const IValue* list = dict.isGenericDict() ? dict.find("_schedulers") : nullptr;
  CT_CHECK_VALUE(list && (list->isList() || list->isTuple()) && list->size() == n, "load_state_dict: '_schedulers' must be a list of ", n, " states");
  return *list;
}

// Of all of them or of none.
void load_each(const std::vector<LRScheduler*>& schedulers, const IValue& states) {
  std::vector<IValue> before;
  try {
    for (std::size_t i = 0; i < schedulers.size(); ++i) {
      before.push_back(schedulers[i]->state_dict());
      schedulers[i]->load_state_dict(states[i]);
    }
  } catch (...) {
    for (std::size_t i = 0; i < before.size(); ++i) schedulers[i]->load_state_dict(before[i]);
    throw;
  }
}
IValue states_of(const std::vector<LRScheduler*>& schedulers) {
  IValue list = IValue::list();
  for (const LRScheduler* s : schedulers) list.append(s->state_dict());
  return list;
}

}  // namespace

void LRScheduler::visit(StateVisitor& v) {
  v.value("last_epoch", last_epoch_);
  v.value("base_lrs", base_lrs_);
  v.value("_last_lr", last_lr_);
}
void CosineAnnealingWarmRestarts::visit(StateVisitor& v) {
  LRScheduler::visit(v);
  v.value("T_i", T_i_);
  v.value("T_cur", T_cur_);
}
IValue LRScheduler::state_dict() const {
  StateWriter writer;
  const_cast<LRScheduler*>(this)->visit(writer);  // which only looks
  return writer.out;
}
void LRScheduler::load_state_dict(const IValue& state) {
  read_numbers(state, [&](StateVisitor& v) { visit(v); });
}

IValue ReduceLROnPlateau::state_dict() const {
  return IValue::dict({{"best", best_}, {"num_bad_epochs", bad_}, {"cooldown_counter", cooling_}, {"last_epoch", last_epoch_}, {"_last_lr", last_lr_}});
}
void ReduceLROnPlateau::load_state_dict(const IValue& state) {
  std::vector<double> last = last_lr_;
  if (const IValue* given = state.isGenericDict() ? state.find("_last_lr") : nullptr; given && given->isList()) last.resize(given->size());  // none before the first step
  read_numbers(state, [&](StateVisitor& v) {
    v.value("best", best_);
    v.value("num_bad_epochs", bad_);
    v.value("cooldown_counter", cooling_);
    v.value("last_epoch", last_epoch_);
    if (state.contains("_last_lr")) v.value("_last_lr", last);
  });
  last_lr_ = last;
}
// A combined scheduler is its own last_epoch and those of its parts.
IValue SequentialLR::state_dict() const { return IValue::dict({{"last_epoch", last_epoch_}, {"_last_lr", last_lr_}, {"_schedulers", states_of(schedulers_)}}); }
void SequentialLR::load_state_dict(const IValue& state) {
  const IValue& states = schedulers_of(state, schedulers_.size());
  const auto visit = [&](StateVisitor& v) {
    v.value("last_epoch", last_epoch_);
    v.value("_last_lr", last_lr_);
  };
  NumbersReader check(state, false);
  visit(check);
  load_each(schedulers_, states);
  read_numbers(state, visit);
}
IValue ChainedScheduler::state_dict() const { return IValue::dict({{"last_epoch", last_epoch_}, {"_last_lr", last_lr_}, {"_schedulers", states_of(schedulers_)}}); }
void ChainedScheduler::load_state_dict(const IValue& state) {
  const IValue& states = schedulers_of(state, schedulers_.size());
  const IValue* epoch = state.find("last_epoch");  // Python 1.13 has none
  load_each(schedulers_, states);
  if (epoch && epoch->isInt()) last_epoch_ = epoch->toInt();
  last_lr_ = schedulers_.back()->get_last_lr();
}

}  // namespace ct::optim
