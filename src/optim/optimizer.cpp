// optim/optimizer.cpp -- groups, state, and the step that goes from parameter to parameter.
#include "cotangent/optim/optimizer.h"

#include <typeinfo>
#include <unordered_map>
#include <unordered_set>

#include "core/location.h"
#include "core/parallel.h"
#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "optim/step.h"

namespace ct::optim {

using ct::detail::impl;
using ct::detail::TensorImpl;

OptimizerOptions::~OptimizerOptions() = default;
OptimizerParamState::~OptimizerParamState() = default;
StateVisitor::~StateVisitor() = default;
OptimizerParamGroup::~OptimizerParamGroup() = default;
Optimizer::~Optimizer() = default;

// ---- groups -------------------------------------------------------------------------------------------

OptimizerParamGroup::OptimizerParamGroup(const OptimizerParamGroup& o) : initial_lr(o.initial_lr), params_(o.params_) {
  if (o.options_) options_ = o.options_->clone();
}
OptimizerOptions& OptimizerParamGroup::options() {
  CT_CHECK(has_options(), "OptimizerParamGroup: this group has no options\n  It gets the defaults when it is added to an optimizer.");
  return *options_;
}
const OptimizerOptions& OptimizerParamGroup::options() const { return const_cast<OptimizerParamGroup*>(this)->options(); }

Optimizer::Optimizer(std::vector<OptimizerParamGroup> groups, Owned<OptimizerOptions> defaults) : defaults_(std::move(defaults)) {
  CT_CHECK(defaults_, "Optimizer: there are no default options");
  defaults_->check();
  CT_CHECK_VALUE(!groups.empty(), "Optimizer: optimizer got an empty parameter list");
  if (groups.size() == 1) CT_CHECK_VALUE(!groups[0].params().empty(), "Optimizer: optimizer got an empty parameter list");
  for (OptimizerParamGroup& g : groups) add_param_group(std::move(g));
}

void Optimizer::add_param_group(OptimizerParamGroup group) {
  if (group.has_options()) {
    const OptimizerOptions &own = group.options(), &defaults = *defaults_;
    CT_CHECK_TYPE(typeid(own) == typeid(defaults), "add_param_group: the group's options are those of another optimizer");
    own.check();
  } else {
    group.set_options(defaults_->clone());
  }
  std::unordered_set<const TensorImpl*> elsewhere, here;
  for (const OptimizerParamGroup& g : param_groups_)
    for (const Tensor& p : g.params()) elsewhere.insert(impl(p));
  bool twice = false;
  for (const Tensor& p : group.params()) {
    CT_CHECK_TYPE(p.defined(), "add_param_group: optimizer can only optimize Tensors, but one of the params is undefined");
    CT_CHECK_VALUE(p.is_leaf() || p.retains_grad(), "add_param_group: can't optimize a non-leaf Tensor",
                   "\n  Gradients are collected in leaves: give the optimizer the tensor that this one was computed from, or detach() it.");
    CT_CHECK_VALUE(!elsewhere.count(impl(p)), "add_param_group: some parameters appear in more than one parameter group");
    twice = !here.insert(impl(p)).second || twice;
  }
  if (twice) warn("optimizer contains a parameter group with duplicate parameters: each step will change them twice");
  param_groups_.push_back(std::move(group));
}

void Optimizer::add_parameters(const std::vector<Tensor>& parameters) {
  CT_CHECK(!param_groups_.empty(), "add_parameters: the optimizer has no group");
  for (const Tensor& p : parameters) {
    CT_CHECK_TYPE(p.defined(), "add_parameters: optimizer can only optimize Tensors, but one of the params is undefined");
    CT_CHECK_VALUE(p.is_leaf() || p.retains_grad(), "add_parameters: can't optimize a non-leaf Tensor");
    for (const OptimizerParamGroup& g : param_groups_)
      for (const Tensor& q : g.params()) CT_CHECK_VALUE(!p.is_same(q), "add_parameters: some parameters appear in more than one parameter group");
  }
  std::vector<Tensor>& first = param_groups_[0].params();
  first.insert(first.end(), parameters.begin(), parameters.end());
}

std::size_t Optimizer::size() const {
  std::size_t n = 0;
  for (const OptimizerParamGroup& g : param_groups_) n += g.params().size();
  return n;
}

void Optimizer::zero_grad(bool set_to_none) {
  NoGradGuard off;
  for (OptimizerParamGroup& group : param_groups_)
    for (const Tensor& p : group.params()) {
      if (!p.defined() || !impl(p)->meta || !impl(p)->meta->grad.defined()) continue;
      Tensor& g = impl(p)->meta->grad;
      if (set_to_none) {
        g.reset();
      } else if (g.requires_grad()) {  // it belongs to a graph, which must keep its values
        g = ct::zeros_like(g.detach());
      } else {
        g.zero_();
      }
    }
}

Tensor Optimizer::begin_step(const LossClosure& closure) {
  Tensor loss;
  if (closure) {
    EnableGradGuard on;
    loss = closure();
  }
  step_count_ = step_count_ < 0 ? 1 : step_count_ + 1;
  return loss;
}

// ---- state --------------------------------------------------------------------------------------------

struct OptimizerState::Index {
  std::unordered_map<const TensorImpl*, OptimizerParamState*> of;
};

OptimizerState::~OptimizerState() { delete index_; }
OptimizerParamState* OptimizerState::find(const Tensor& param) const {
  if (!index_) return nullptr;
  const auto found = index_->of.find(impl(param));
  return found == index_->of.end() ? nullptr : found->second;
}
OptimizerParamState& OptimizerState::at(const Tensor& param) const {
  OptimizerParamState* s = find(param);
  CT_CHECK_INDEX(s, "OptimizerState: the optimizer has no state for this tensor\n  A parameter has none before its first step with a gradient.");
  return *s;
}
OptimizerParamState& OptimizerState::insert(const Tensor& param, Owned<OptimizerParamState> state) {
  if (!index_) index_ = new Index;
  OptimizerParamState* s = state.get();
  if (const auto found = index_->of.find(impl(param)); found != index_->of.end()) {
    for (Entry& e : entries_)
      if (e.param.is_same(param)) e.state = std::move(state);
    found->second = s;
  } else {
    entries_.push_back({param, std::move(state)});
    index_->of.emplace(impl(param), s);
  }
  return *s;
}
void OptimizerState::clear() {
  entries_.clear();
  if (index_) index_->of.clear();
}

void OptimizerState::swap(OptimizerState& o) noexcept {
  entries_.swap(o.entries_);
  std::swap(index_, o.index_);
}

// ---- the step -----------------------------------------------------------------------------------------

ParamwiseOptimizer::ParamwiseOptimizer(const char* name, std::vector<OptimizerParamGroup> groups, Owned<OptimizerOptions> defaults)
    : Optimizer(std::move(groups), std::move(defaults)), name_(name) {
  step_count_ = 0;
}

namespace {

const Tensor* gradient(const Tensor& p) {
  const TensorImpl* t = impl(p);
  return t && t->meta && t->meta->grad.defined() ? &t->meta->grad : nullptr;
}

// Before anything is changed.
void check(const char* name, const Tensor& p, const Tensor& g) {
  const TensorImpl *t = impl(p), *u = impl(g);
  CT_CHECK_TYPE(isFloatingType(t->dtype), name, ": a parameter has dtype ", t->dtype, ", which has no gradients");
  CT_CHECK_TYPE(t->dtype == u->dtype, name, ": a parameter has dtype ", t->dtype, ", but its gradient ", u->dtype);
  CT_CHECK(p.sizes() == g.sizes(), name, ": a parameter has sizes ", p.sizes(), ", but its gradient ", g.sizes());
  CT_CHECK(!t->layered && !u->layered, name, ": a step cannot be taken inside of vmap or forward mode");
  CT_CHECK(!t->inference || InferenceMode::is_enabled(), name, ": Inplace update to inference tensor outside InferenceMode is not allowed",
           "\n  Make the parameters outside of InferenceMode.");
}

}  // namespace

Tensor ParamwiseOptimizer::step(LossClosure closure) {
  Tensor loss = begin_step(closure);
  NoGradGuard off;
  for (const OptimizerParamGroup& group : param_groups_)
    for (const Tensor& p : group.params())
      if (const Tensor* g = gradient(p)) check(name_, p, *g);
  detail::Step step{name_, ct::detail::user_address(), nullptr, nullptr};
  auto next = state_.begin();  // states mostly come in the order of the parameters
  std::size_t at = 0;
  for (const OptimizerParamGroup& group : param_groups_) {
    const OptimizerOptions& options = group.options();
    for (const Tensor& p : group.params()) {
      step.grad = gradient(p);
      if (!step.grad) continue;
      step.param = &p;
      step.writes = 1;
      next = state_.begin() + static_cast<std::ptrdiff_t>(at);
      OptimizerParamState* s = at < state_.size() && next->param.is_same(p) ? next->state.get() : state_.find(p);
      if (!s) s = &state_.insert(p, make_state(p, options));
      ++at;
      update(step, *s, options);
    }
  }
  return loss;
}

namespace detail {

void Step::run(const kernels::StepKernel& kernel, kernels::StepArgs& args, std::initializer_list<const Tensor*> states) const {
  TensorImpl* t = impl(*param);
  const TensorImpl* u = impl(*grad);
  ct::detail::Storage* storage = t->storage;
  const std::uint32_t version = storage->current_version();
  int n = 0;
  for (const Tensor* s : states) {
    CT_CHECK(s->defined() && s->numel() == t->numel && s->scalar_type() == t->dtype && s->is_contiguous(), name,
             ": the state does not fit the parameter, which has sizes ", param->sizes(), " and dtype ", t->dtype,
             "\n  Give the optimizer's state up with state().clear(), or make a new optimizer, after changing a parameter's size or dtype.");
    args.state[n++] = impl(*s)->data;
  }
  Tensor p, g;  // copies of what a plain loop cannot walk through
  if (!t->contiguous) p = param->detach().contiguous();
  if (!u->contiguous) g = grad->detach().contiguous();
  else if (u->storage->owner() == storage->owner()) g = grad->detach().clone();
  args.param = p.defined() ? impl(p)->data : t->data;
  args.grad = g.defined() ? impl(g)->data : u->data;
  const kernels::StepLoop loop = kernel.of(t->dtype);
  ct::detail::parallel_for(t->numel, ct::detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) { loop(args, begin, end); });
  if (p.defined()) param->detach().copy_(p);
  storage->version.store(version + static_cast<std::uint32_t>(writes - 1), std::memory_order_relaxed);
  storage->bump_version(name, where);
}

Tensor zeros_for(const Tensor& p) { return ct::zeros(p.sizes(), ct::dtype(p.scalar_type())); }

std::vector<OptimizerParamGroup> one_group(std::vector<Tensor> params) {
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::move(params));
  return groups;
}

void check_lr(const char* op, double lr) { CT_CHECK_VALUE(lr >= 0, op, ": Invalid learning rate: ", lr); }
void check_eps(const char* op, double eps) { CT_CHECK_VALUE(eps >= 0, op, ": Invalid epsilon value: ", eps); }
void check_weight_decay(const char* op, double w) { CT_CHECK_VALUE(w >= 0, op, ": Invalid weight_decay value: ", w); }
void check_betas(const char* op, double beta1, double beta2) {
  CT_CHECK_VALUE(beta1 >= 0 && beta1 < 1, op, ": Invalid beta parameter at index 0: ", beta1);
  CT_CHECK_VALUE(beta2 >= 0 && beta2 < 1, op, ": Invalid beta parameter at index 1: ", beta2);
}

}  // namespace detail
}  // namespace ct::optim
